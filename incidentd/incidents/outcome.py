"""What became of an action that somebody asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from incidentd.lifecycle import State


class Result(StrEnum):
    DONE = "done"
    REPEATED = "repeated"
    """It was so already; not an error."""
    STALE = "stale"
    """Somebody or something was faster; nothing changed."""
    REFUSED = "refused"
    """The state does not allow it."""
    UNKNOWN = "unknown"
    """There is no such incident."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """*text* is a sentence for the one who asked. *state* is the incident's now, None when there is none."""

    result: Result
    number: int
    state: State | None
    text: str
