"""``incidentd init``: a folder that passes ``incidentd check``."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from incidentd import cli


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.output


def test_what_init_writes_passes_check(tmp_path: Path) -> None:
    code, said = run("init", str(tmp_path / "new"))
    assert (code, said.count("wrote ")) == (0, 3)
    config = str(tmp_path / "new/incidentd.yaml")
    assert run("check", "--config", config) == (0, "1 rule, 1 runbook, 1 receiver: no problems\n")


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/example.yaml").write_text("mine", encoding="utf-8")
    code, said = run("init", str(tmp_path))
    assert (code, "already there" in said) == (1, True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["example.yaml", "rules"]


def test_init_into_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = run("init", str(tmp_path / "file"))
    assert (code, "cannot be written" in said) == (1, True)


def test_wrong_use_exits_with_2() -> None:
    assert [run(*arguments)[0] for arguments in (["nosuch"], ["check", "--format", "xml"], ["schema"])] == [2, 2, 2]


def test_every_command_has_help() -> None:
    for command in cli.app.registered_commands:
        code, said = run(str(command.name), "--help")
        assert (code, "Usage" in said) == (0, True)
