from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from incidentd import cli
from tests.unit.statuspage.town import Town, happened

CONFIG = """\
database: sqlite:///{folder}/town.db
rules: [rules]
sources: {{prometheus: {{url: "http://127.0.0.1:1"}}}}
smtp: {{from: incidentd@example.com}}
receivers: [{{name: mail, email: [{{to: [oncall@example.com]}}]}}]
route: {{receiver: mail}}
statuspage:
  title: Example
  out: public
  components: [{{id: chat-api, name: Chat API}}]
"""
RULES = """\
rules:
  - {name: Down, expr: up, when: "< 1", severity: sev2, component: chat-api, summary: down}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(RULES, encoding="utf-8")
    config = tmp_path / "incidentd.yaml"
    config.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return config


def test_it_writes_the_page_once_and_says_where(config: Path, tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.story("chat-api", [happened("11-20 11:00", "opened", "detected", "sev2")])
    town.database.close()
    result = CliRunner().invoke(cli.app, ["statuspage", "--config", str(config)])
    assert (result.exit_code, result.stdout) == (0, f"wrote 15 files; open {tmp_path}/public/index.html\n")
    assert "Chat API has a partial outage" in (tmp_path / "public" / "index.html").read_text(encoding="utf-8")


def test_it_writes_into_another_folder(config: Path, tmp_path: Path) -> None:
    Town(tmp_path).database.close()
    result = CliRunner().invoke(cli.app, ["statuspage", "--config", str(config), "--out", str(tmp_path / "other")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "other" / "index.html").is_file()
    assert not (tmp_path / "public").exists()


def test_it_never_makes_a_database(config: Path, tmp_path: Path) -> None:
    """A page without history would say that all is well."""
    result = CliRunner().invoke(cli.app, ["statuspage", "--config", str(config)])
    assert result.exit_code == 1
    assert f"there is no database at {tmp_path}/town.db yet; start the service once" in result.stderr
    assert not (tmp_path / "town.db").exists()
    assert not (tmp_path / "public").exists()


def test_a_folder_that_cannot_be_written_is_named(config: Path, tmp_path: Path) -> None:
    Town(tmp_path).database.close()
    (tmp_path / "public").write_text("in the way", encoding="utf-8")
    result = CliRunner().invoke(cli.app, ["statuspage", "--config", str(config)])
    assert result.exit_code == 1
    assert str(tmp_path / "public") in result.stderr
