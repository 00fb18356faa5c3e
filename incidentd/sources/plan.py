"""The questions of a group, slot after slot the same -> their packs, made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from incidentd.sources import batch
from incidentd.sources.base import Question
from incidentd.sources.batch import Pack
from incidentd.sources.quarantine import Quarantine
from incidentd.sources.threshold import Threshold, weakest

_MOST_QUESTIONS = 200_000
"""Of all plans that are kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to ask certain questions. *others* are not asked: whose answer is theirs, and what to keep of it."""

    packs: tuple[Pack, ...]
    others: Mapping[Question, tuple[Question, Threshold | None]]
    questions: int
    version: int


class Plans:
    """The plans for what was asked lately, made anew when the quarantine changes."""

    def __init__(self, size: int, quarantine: Quarantine) -> None:
        self._size = size
        self._quarantine = quarantine
        self._plans: OrderedDict[tuple[Question, ...], Plan] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, questions: Sequence[Question]) -> Plan:
        """How to ask *questions*, which may repeat themselves."""
        key = tuple(questions)
        with self._lock:
            plan = self._plans.get(key)
            if plan is None or plan.version != self._quarantine.version:
                plan = self._plans[key] = self._made(key)
                while len(self._plans) > 1 and sum(one.questions for one in self._plans.values()) > _MOST_QUESTIONS:
                    self._plans.popitem(last=False)
            self._plans.move_to_end(key)
        return plan

    def _made(self, questions: tuple[Question, ...]) -> Plan:
        version = self._quarantine.version
        asks: dict[tuple[str, timedelta], Question] = {}
        for question in questions:
            known = asks.get((question.expr, question.offset))
            if known is None or (question.alone and not known.alone):
                asks[question.expr, question.offset] = question
        held = weakest(asks.values()) if self._size > 1 else {}
        others: dict[Question, tuple[Question, Threshold | None]] = {}
        for question in questions:
            twin = asks[question.expr, question.offset]
            asked, bound = held.get(twin, (twin, None))
            if asked != question:
                others[question] = (asked, bound)
        wanted = [question for question in asks.values() if question not in held]
        packs = batch.packs(wanted, self._size, self._quarantine.most)
        return Plan(packs, others, len(questions), version)
