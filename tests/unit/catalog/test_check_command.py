"""What people author, and what ``incidentd check`` says of it, word for word: one text file a case.

A case holds the files (``-- name --`` before each), ``-- stdout --`` and ``-- exit --``. Its first lines say what it is
about; one that begins with ``$`` has the arguments, one with ``env`` a variable. Write a missing ``-- stdout --`` with
``UPDATE_CASES=1``, and read it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from incidentd import cli
from incidentd.catalog import checks

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
CONFIG = """\
sources: {prometheus: {url: http://127.0.0.1:9090}}
receivers: [{name: hook, webhook: [{url: http://127.0.0.1:9000}]}]
route: {receiver: hook}
"""
RULES = """\
rules:
  - {name: Down, expr: up == 0, severity: sev2, runbook: down}
"""
RUNBOOK = "# Down\n"


def sections(case: str) -> tuple[str, dict[str, str]]:
    """The preamble of a case, and its sections by name."""
    preamble, *parts = re.split(r"^-- (.+) --\n", case, flags=re.MULTILINE)
    return preamble, dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_check_says_what_is_wrong_where_and_what_to_do(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder has a good configuration, rule and runbook wherever the case brings none."""
    preamble, files = sections(path.read_text(encoding="utf-8"))
    expected, code = files.pop("stdout", ""), int(files.pop("exit", "1"))
    for name, text in {
        "incidentd.yaml": CONFIG,
        "rules/down.yaml": RULES,
        "runbooks/down.md": RUNBOOK,
        **files,
    }.items():
        if text.strip() == "(none)":
            continue
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        content = text.encode().replace(b"\\xff", b"\xff").replace(b"\\t", b"\t")
        (tmp_path / name).write_bytes(b"" if text.strip() == "(empty)" else content)
    for name, value in re.findall(r"^env (\w+)=(.*)$", preamble, flags=re.MULTILINE):
        monkeypatch.setenv(name, value)
    arguments = re.findall(r"^\$ incidentd (.*)$", preamble, flags=re.MULTILINE) or ["check"]
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(cli.app, arguments[0].split())

    said = result.stdout.replace(str(tmp_path), "<folder>")
    if os.environ.get("UPDATE_CASES") and not expected:
        path.write_text(path.read_text(encoding="utf-8") + f"-- stdout --\n{said}", encoding="utf-8")
        expected = said
    assert said == expected
    assert result.exit_code == code


def test_every_check_has_a_case() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in CASES)
    assert [one.NAME for one in checks.CHECKS if f"[{one.NAME}]" not in said] == []
