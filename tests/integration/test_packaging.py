"""The wheel that people install: it brings the rules, runbooks and templates, and finds them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = """\
sources: {prometheus: {url: http://127.0.0.1:9090}}
receivers: [{name: hook, webhook: [{url: http://127.0.0.1:9000}]}]
route: {receiver: hook}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout and unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_brings_what_ships(installed: Path) -> None:
    shipped = installed / "incidentd" / "shipped"
    assert (shipped / "rules" / "llm.yaml").is_file()
    assert {path.name for path in (shipped / "runbooks").glob("*.md")} >= {"llm-cost.md", "source-failing.md"}
    assert (shipped / "templates" / "email.html.j2").is_file()
    assert (shipped / "templates" / "statuspage" / "index.html").is_file()
    assert (installed / "incidentd" / "store" / "migrations" / "versions" / "0001_first_schema.py").is_file()


def test_the_installed_command_checks_the_shipped_pack_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "incidentd.yaml").write_text(CONFIG, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "incidentd", "check"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "13 rules, 8 runbooks, 1 receiver: no problems\n", done.stderr
    assert done.returncode == 0


def test_the_files_of_compose_say_what_the_service_understands(tmp_path: Path) -> None:
    """There is no Docker engine where these tests run: the parts are checked, not the whole."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["incidentd"]["read_only"] is True
    config = (ROOT / "compose" / "incidentd.yaml").read_text(encoding="utf-8")
    local = config.replace("/etc/incidentd/", f"{ROOT}/").replace("/data/", f"{tmp_path}/")
    (tmp_path / "incidentd.yaml").write_text(local, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "incidentd", "check", "--config", str(tmp_path / "incidentd.yaml")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "INCIDENTD_TOKEN": "made-up"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
