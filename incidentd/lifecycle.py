"""The incident state machine: one table, no input or output."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    MITIGATING = "mitigating"
    RESOLVED = "resolved"


class Action(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    MITIGATE = "mitigate"
    RESOLVE = "resolve"
    REOPEN = "reopen"


OPEN_STATES = (State.DETECTED, State.ACKNOWLEDGED, State.MITIGATING)

# Every pair that is not written here is refused.
_NEXT: dict[State, dict[Action, State]] = {
    State.DETECTED: {
        Action.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Action.MITIGATE: State.MITIGATING,
        Action.RESOLVE: State.RESOLVED,
    },
    State.ACKNOWLEDGED: {
        Action.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Action.UNACKNOWLEDGE: State.DETECTED,
        Action.MITIGATE: State.MITIGATING,
        Action.RESOLVE: State.RESOLVED,
    },
    State.MITIGATING: {
        Action.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Action.MITIGATE: State.MITIGATING,
        Action.RESOLVE: State.RESOLVED,
    },
    State.RESOLVED: {
        Action.RESOLVE: State.RESOLVED,
        Action.REOPEN: State.DETECTED,
    },
}


def after(state: State, action: Action) -> State | None:
    """The state that *action* leads to from *state*: the same one for a repetition, None when it is refused."""
    return _NEXT[state].get(action)


def actions(state: State) -> tuple[Action, ...]:
    """The actions that would change *state*, in the order in which a responder takes them."""
    return tuple(action for action, target in _NEXT[state].items() if target is not state)
