"""Findings as text: no secret of any section is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incidentd.catalog import report, schema
from incidentd.catalog.config import Config
from incidentd.catalog.problem import Position, Problem


def secret_keys() -> Iterator[str]:
    definitions: dict[str, Any] = schema.of(Config)["$defs"]
    for definition in definitions.values():
        yield from (key.removesuffix("_file") for key in definition.get("properties", ()) if key.endswith("_file"))


def shown(tmp_path: Path, line: str) -> str:
    path = tmp_path / "incidentd.yaml"
    path.write_text(line, encoding="utf-8")
    return report.as_text([Problem(Position(str(path), 1, 1), "x")])


@pytest.mark.parametrize("key", sorted(set(secret_keys())))
def test_a_secret_of_any_section_is_starred(tmp_path: Path, key: str) -> None:
    for line in (f"  {key}: hunter2", f'{{{key}: "hunter2, or"}}', f"{key}: 'hunter2' # x", f"'{key}': hunter2 more"):
        assert "hunter2" not in shown(tmp_path, line)


@pytest.mark.parametrize("line", ["database: postgresql://me:hunter2@db/x", "headers: {Authorization: Basic hunter2}"])
def test_a_password_in_a_url_or_header_is_starred(tmp_path: Path, line: str) -> None:
    assert "hunter2" not in shown(tmp_path, line)


@pytest.mark.parametrize("line", ['token: "${SLACK_TOKEN}"', "token_file: secrets/slack", "summary: tokens are used"])
def test_what_is_no_secret_is_shown(tmp_path: Path, line: str) -> None:
    assert line in shown(tmp_path, line)


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in shown(tmp_path, "a: \x1b[31m")
