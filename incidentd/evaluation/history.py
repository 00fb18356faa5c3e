"""Slots that were missed -> what the source says that they would have been answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from incidentd import metrics
from incidentd.evaluation.group import question
from incidentd.evaluation.ledger import Gap
from incidentd.settings import Replay
from incidentd.sources.base import Answered, RangeAnswered, Source

_LOG = structlog.get_logger(__name__)

History = Mapping[str, Sequence[tuple[datetime, Answered]]]
"""By a rule's identity, the missed slots that are known, oldest first. A rule that missed slots is in it, be it with
none."""


class Histories:
    """Asks for at most the newest *longest* of what was missed, and for no longer than *timeout* at a time."""

    def __init__(self, bounds: Replay) -> None:
        self._bounds = bounds

    def of(self, source: Source, gaps: Iterable[Gap], slot: datetime) -> History:
        """The answers to the rules of *gaps* at their missed slots before *slot*. What cannot be made up for stays
        unknown, which changes nothing; it is counted."""
        found: dict[str, list[tuple[datetime, Answered]]] = {}
        for gap in gaps:
            every = gap.rules[0].every
            missed = math.ceil((slot - gap.last) / every) - 1
            given_up = max(0, math.ceil((slot - gap.last - self._bounds.longest) / every) - 1)
            answers = self._answers(source, gap, [gap.last + every * n for n in range(given_up + 1, missed + 1)])
            found |= {rule.id: answers.get(rule.id, []) for rule in gap.rules}
            replayed = sum(len(of_rule) for of_rule in answers.values())
            _tell(source.name, gap, replayed, lost=missed * len(gap.rules) - replayed)
        return found

    def _answers(
        self, source: Source, gap: Gap, slots: Sequence[datetime]
    ) -> dict[str, list[tuple[datetime, Answered]]]:
        if not slots:
            return {}
        every = gap.rules[0].every
        questions = list(dict.fromkeys(question(rule) for rule in gap.rules))
        answers = source.ask_range(questions, slots[0], slots[-1], every, self._bounds.timeout)
        found = {}
        for rule in gap.rules:
            answer = answers[question(rule)]
            if isinstance(answer, RangeAnswered):
                of_rule = ((at, answer.at(at)) for at in slots)
                found[rule.id] = [(at, known) for at, known in of_rule if isinstance(known, Answered)]
        return found


def _tell(source: str, gap: Gap, replayed: int, *, lost: int) -> None:
    metrics.MISSED_SLOTS.labels(source, "replayed").inc(replayed)
    metrics.MISSED_SLOTS.labels(source, "lost").inc(lost)
    _LOG.warning(
        "slots were missed; the source's history makes up for those that are not lost",
        action="slots_missed",
        source=source,
        rules=len(gap.rules),
        since=gap.last.isoformat(),
        replayed=replayed,
        lost=lost,
    )
