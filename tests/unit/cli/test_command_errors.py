"""What a user does wrong -> one message that says what, where, and what to do; exit 1 or 2; never a traceback."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from incidentd import cli

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as `incidentd init` writes it."""
    assert CliRunner().invoke(cli.app, ["init", str(tmp_path)]).exit_code == 0
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """The command as a process: exit status, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "incidentd", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said, complained = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert "Traceback" not in said + complained
    return done.returncode, said, complained


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "incidentd.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "database: sqlite:///incidentd.db",
            "database: nonsense",
            "'nonsense' is not a database URL; write sqlite:///",
        ),
        (
            "database: sqlite:///incidentd.db",
            "database: sqlite:///nowhere/incidentd.db",
            "; its folder must exist, and this user must be able to write there",
        ),
        (
            "database: sqlite:///incidentd.db",
            "database: sqlite:///incidentd.yaml",
            "incidentd.yaml cannot be opened or migrated: file is not a database",
        ),
        ("listen: 127.0.0.1:9720", "listen: 127.0.0.1:99999", "is not an address to listen on"),
        ("http://127.0.0.1:9090", "ftp://127.0.0.1", "begin it with http:// or https://"),
        ("rules: [rules/]", "rulez: [rules/]", "did you mean `rules`?"),
        ("receiver: oncall", 'receiver: "${NOT_SET_ANYWHERE}"', "the environment variable NOT_SET_ANYWHERE is not set"),
        ("route:", "route: [", "not valid YAML"),
    ],
)
def test_the_service_refuses_to_start_with_one_message(folder: Path, old: str, new: str, said: str) -> None:
    change(folder, old, new)
    status, _, complained = run(folder, "run")
    assert (status, said in complained) == (1, True), complained
    assert "sqlalche.me" not in complained


def test_a_port_in_use_is_named_with_what_to_do(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        change(folder, "listen: 127.0.0.1:9720", f"listen: 127.0.0.1:{port}")
        status, _, complained = run(folder, "run")
    assert status == 1
    assert complained.splitlines()[-1] == (
        f"incidentd cannot start: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "is another incidentd running? Stop it, or set `listen` to another port"
    )


@pytest.mark.parametrize("command", [("run",), ("token", "list"), ("token", "create", "anna"), ("statuspage",)])
def test_a_database_of_a_newer_version_is_left_alone(folder: Path, command: tuple[str, ...]) -> None:
    assert run(folder, "token", "list")[0] == 0
    with sqlite3.connect(folder / "incidentd.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    status, _, complained = run(folder, *command)
    assert status == 1
    assert "was written by a newer incidentd" in complained
    assert "start that version, or restore the copy from before the upgrade" in complained


@pytest.mark.parametrize("command", [("run",), ("check",), ("statuspage",), ("token", "list")])
def test_a_missing_configuration_is_named_with_what_to_do(tmp_path: Path, command: tuple[str, ...]) -> None:
    status, said, complained = run(tmp_path, *command)
    assert status == 1
    assert "incidentd.yaml does not exist" in said + complained
    assert "incidentd init" in said + complained


def test_tokens_are_made_once_listed_and_revoked(folder: Path) -> None:
    status, said, complained = run(folder, "token", "list")
    assert (status, said) == (0, "")
    assert "make one: incidentd token create NAME" in complained
    status, said, complained = run(folder, "token", "create", "anna")
    assert (status, len(said.split())) == (0, 1), "standard output is the token alone, for scripts"
    assert said.startswith("incidentd_")
    assert "not shown again" in complained
    status, said, complained = run(folder, "token", "create", "anna")
    assert (status, said) == (1, "")
    assert "revoke it first: incidentd token revoke anna" in complained
    assert run(folder, "token", "list")[1].startswith("anna\t20")
    assert run(folder, "token", "revoke", "anna")[:2] == (0, "revoked anna\n")
    assert run(folder, "token", "revoke", "anna")[0] == 1


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "x" * 81])
def test_a_token_needs_a_name_that_a_timeline_can_show(folder: Path, name: str) -> None:
    status, said, complained = run(folder, "token", "create", name)
    assert (status, said) == (2, "")
    assert "write 1 to 80 characters on one line" in complained


def test_a_name_that_the_locale_cannot_show_breaks_nothing(folder: Path) -> None:
    assert run(folder, "token", "create", "Ωmega")[0] == 0
    status, said, _ = run(folder, "token", "list", PYTHONIOENCODING="iso8859-1")
    assert (status, said.partition("\t")[0]) == (0, "?mega")


def test_without_standard_input_every_command_works(folder: Path) -> None:
    """A service manager may close it; asking it whether it is a terminal then failed before any command began."""
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m incidentd --version <&-'],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.startswith("incidentd ")) == (0, True), done.stderr
