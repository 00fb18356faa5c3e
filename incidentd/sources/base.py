"""What a source is asked, and the three things that it can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from incidentd.labels import Labels


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled value at one time. *labels* has no ``__name__``."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The complete answer to one expression: a series that is not here does not exist at that time."""

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


class Source(Protocol):
    """Where expressions are answered."""

    name: str

    def ask(self, expressions: Sequence[str], at: datetime) -> Mapping[str, Answer]:
        """An answer for each of the different *expressions*, evaluated at *at*. Never raises: what failed is
        Unknown."""
        ...

    def close(self) -> None: ...
