"""What happened to questions in packs -> how large a pack each may be in. Knows no time but that of the slots."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidentd.sources.base import Question

GOOD_ANSWERS = 10
GOOD_FOR = timedelta(minutes=5)
_FORGOTTEN_AFTER = timedelta(hours=2)
"""Without being asked: the rule is gone, or comes so rarely that it may be found guilty anew."""


@dataclass(slots=True)
class _Stay:
    most: int
    since: datetime
    seen: datetime
    good: int = 0


class Quarantine:
    """In memory: after a restart the guilty are found again."""

    def __init__(self) -> None:
        self._stays: dict[Question, _Stay] = {}
        self._lock = threading.Lock()
        self.version = 0
        """Changes when some bound has changed."""

    def most(self, question: Question) -> int | None:
        """The largest pack that *question* may be in; None for any."""
        stay = self._stays.get(question)
        return stay.most if stay else None

    def holds(self) -> bool:
        """Whether any question is confined."""
        return bool(self._stays)

    def alone(self) -> int:
        """How many questions are kept out of packs."""
        with self._lock:
            return sum(stay.most == 1 for stay in self._stays.values())

    def confine(self, questions: Iterable[Question], most: int, at: datetime) -> None:
        """From the slot *at* on *questions* are in packs of at most *most*, or of less where that was so before."""
        with self._lock:
            for question in questions:
                stay = self._stays.get(question)
                if stay is None or most < stay.most:
                    self._stays[question] = _Stay(most, at, at)
                    self.version += 1
                else:
                    stay.since, stay.seen, stay.good = at, at, 0

    def settle(self, well: Collection[Question], unwell: Collection[Question], at: datetime) -> None:
        """What became of confined questions at the slot *at*: who was well for long enough is free again."""
        with self._lock:
            for question in unwell:
                if stay := self._stays.get(question):
                    stay.since, stay.seen, stay.good = at, at, 0
            for question in well:
                if stay := self._stays.get(question):
                    stay.since, stay.seen = min(stay.since, at), at  # earlier, if the clock was moved back
                    stay.good += 1
            over = [question for question, stay in self._stays.items() if _is_over(stay, at)]
            for question in over:
                del self._stays[question]
                self.version += 1


def _is_over(stay: _Stay, at: datetime) -> bool:
    recovered = stay.good >= GOOD_ANSWERS and at - stay.since >= GOOD_FOR
    return recovered or at - stay.seen > _FORGOTTEN_AFTER
