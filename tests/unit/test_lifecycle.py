"""The incident state machine, the same table written out again."""

from __future__ import annotations

import pytest

from incidentd.lifecycle import Action, State, actions, after

TABLE = """
from          acknowledge   unacknowledge  mitigate    resolve   reopen
detected      acknowledged  -              mitigating  resolved  -
acknowledged  acknowledged  detected       mitigating  resolved  -
mitigating    acknowledged  -              mitigating  resolved  -
resolved      -             -              -           resolved  detected
"""
HEAD, *ROWS = (line.split() for line in TABLE.strip().splitlines())
CASES = [(row[0], action, target) for row in ROWS for action, target in zip(HEAD[1:], row[1:], strict=True)]


@pytest.mark.parametrize(("state", "action", "target"), CASES)
def test_the_table(state: str, action: str, target: str) -> None:
    assert after(State(state), Action(action)) == (None if target == "-" else State(target))


def test_the_table_is_complete() -> None:
    assert len(CASES) == len(State) * len(Action)


def test_only_what_changes_something_is_offered() -> None:
    assert [action.value for action in actions(State.ACKNOWLEDGED)] == ["unacknowledge", "mitigate", "resolve"]
    assert [action.value for action in actions(State.RESOLVED)] == ["reopen"]
