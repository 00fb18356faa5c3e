"""What a source is asked, and the three things that it can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from incidentd.labels import Labels


@dataclass(frozen=True, slots=True)
class Question:
    """One expression, asked *offset* before the slot. *alone* keeps it out of packs."""

    expr: str
    offset: timedelta = timedelta()
    alone: bool = False

    def __hash__(self) -> int:
        """Of the expression only: ten thousand questions are looked up a few times in each slot."""
        return hash(self.expr)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled value at one time. *labels* has no ``__name__``."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The complete answer to one question, in no order: a series that is not here does not exist at that time."""

    samples: tuple[Sample, ...]


class Reason(StrEnum):
    """Why an evaluation is unknown."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    ERROR = "error"
    PARTIAL = "partial"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, or one that says nothing. *message* is for people and holds no secret."""

    reason: Reason
    message: str


Answer = Answered | Unknown


@dataclass(frozen=True, slots=True)
class RangeAnswered:
    """What one question yields at each slot of a range."""

    answers: Mapping[datetime, Answer]

    def at(self, slot: datetime) -> Answer:
        """The same as asking at *slot* would have given; Unknown where that one slot has no answer. Raises KeyError
        for a time that is no slot of the range."""
        return self.answers[slot]


RangeAnswer = RangeAnswered | Unknown


class Source(Protocol):
    """Where expressions are answered."""

    name: str

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        """An answer for each of the different *questions*, evaluated at *at* minus its offset. Never raises: what
        failed is Unknown."""
        ...

    def ask_range(
        self, questions: Sequence[Question], start: datetime, end: datetime, step: timedelta, within: timedelta
    ) -> Mapping[Question, RangeAnswer]:
        """What `ask` would have answered at each slot *start* + k * *step* up to *end*, in few queries. Nothing is
        asked once *within* has passed. Never raises: what failed is Unknown."""
        ...

    def close(self) -> None: ...
