from __future__ import annotations

import re

import pytest

from incidentd.demo.teller import Teller


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")


def test_what_happens_is_told_with_the_time_and_wrapped_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller()
    teller.say("Now a provider goes down, and every call to claude-sonnet fails.")
    teller.add("More.")
    said = re.sub(r"^ +\d+\.\d", "   0.0", capsys.readouterr().out)
    assert said == (
        "   0.0  Now a provider goes down, and every call\n        to claude-sonnet fails.\n        More.\n"
    )


def test_an_address_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    address = "http://127.0.0.1:9720/incidents/a-very-long-name-of-an-incident-that-is-wide"
    teller = Teller()
    teller.ask(f"Look at {address}")
    teller.table([("Files", address)])
    assert capsys.readouterr().out.count(address) == 2


def test_columns_are_as_wide_as_their_cells_and_the_last_cell_is_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    Teller().table(
        [
            ("Slack", "http://s/", "press here"),
            ("Mail", "http://mail/", "the inbox of somebody who is asleep now"),
            ("Files", "/home/a-path-that-is-longer-than-others"),
        ]
    )
    assert capsys.readouterr().out == (
        "  Slack  http://s/     press here\n"
        "  Mail   http://mail/  the inbox of somebody who\n"
        "                       is asleep now\n"
        "  Files  /home/a-path-that-is-longer-than-others\n"
    )


def test_no_colours_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    Teller().heading("Where to look")
    assert capsys.readouterr().out == "\nWhere to look\n"
