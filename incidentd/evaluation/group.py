"""Rules, and the phases that they follow -> groups that are evaluated together, spread over the interval."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from incidentd.catalog.rule import Rule
from incidentd.sources.base import Question

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Slots are counted from here, so that a restart or a reload does not shift them."""
MOST_RULES = 250
"""Rules of one group: what is asked, decided and written at once stays small."""
_FILLED = 0.7
"""So full are groups on the average whose rules a hash chooses: then hardly any is over-full."""
_SAME_PHASE = 0.05
"""Rules whose phases differ by less of the interval than this share a group, after the latest of them."""
_WINDOW = 0.2
"""The part of the interval over which the groups of one phase are spread."""
_NUMBER = "0123456789.eE+- \n"
_CLOSEST = timedelta(milliseconds=100)
"""The distance of such groups where the window has room for more."""


@dataclass(frozen=True)
class Group:
    """Enabled rules that share a source, an interval and the *offset* of their slots from :data:`EPOCH`. Not slotted:
    it caches its questions."""

    source: str
    every: timedelta
    rules: tuple[Rule, ...]
    offset: timedelta = timedelta()
    number: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        """``prometheus/30s``, further groups of the same source and interval ``prometheus/30s/1``."""
        name = f"{self.source}/{self.every.total_seconds():g}s"
        return f"{name}/{self.number}" if self.number else name

    @cached_property
    def asked(self) -> tuple[tuple[Rule, Question], ...]:
        """Each rule with what its source is asked for it."""
        return tuple((rule, question(rule)) for rule in self.rules)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """What its source is asked: every expression once."""
        return tuple(dict.fromkeys(asked for _, asked in self.asked))

    def slot_at(self, now: datetime) -> datetime:
        """The newest slot that is not after *now*, to the millisecond that sources understand."""
        first = EPOCH + self.offset
        slot = first + self.every * ((now - first) // self.every)
        return slot.replace(microsecond=slot.microsecond // 1000 * 1000)


def question(rule: Rule) -> Question:
    """What the source is asked for *rule*."""
    return Question(rule.expr, rule.query_offset, alone=not rule.pack)


def groups(rules: Iterable[Rule], phases: Mapping[str, timedelta] | None = None) -> tuple[Group, ...]:
    """The groups of the enabled *rules*. *phases* has, by a rule's identity, the time after EPOCH (modulo its interval)
    from which new samples are there: such a rule is evaluated just after. The others go where a stable hash puts
    them, all over the interval."""
    followed = phases or {}
    alike: defaultdict[tuple[str, timedelta], list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.enabled:
            alike[rule.source, rule.every].append(rule)
    found: list[Group] = []
    for (source, every), members in sorted(alike.items()):
        free = [rule for rule in members if rule.id not in followed]
        bound = [rule for rule in members if rule.id in followed]
        parts = [*_spread(source, every, free), *_after_scrapes(source, every, bound, followed)]
        found += [replace(group, number=number) for number, group in enumerate(parts)]
    return tuple(found)


def _spread(source: str, every: timedelta, rules: Sequence[Rule]) -> Iterator[Group]:
    """Groups at even distances. Their count is a power of two, so that few rules move when there are more of them."""
    if not rules:
        return
    count = 1
    while count * MOST_RULES * _FILLED < len(rules):
        count *= 2
    members: list[list[Rule]] = [[] for _ in range(count)]
    for rule in rules:
        members[int(_hashed(_stem(rule)) * count)].append(rule)
    first = _hashed(f"{source}/{every.total_seconds():g}s")
    for index, own in enumerate(members):
        for part in _parts(own):
            yield Group(source, every, part, every * ((first + index / count) % 1))


def _after_scrapes(
    source: str, every: timedelta, rules: Sequence[Rule], phases: Mapping[str, timedelta]
) -> Iterator[Group]:
    """Groups just after the samples that they use, close together."""
    waiting = sorted(rules, key=lambda rule: (phases[rule.id], rule.id))
    while waiting:
        latest = phases[waiting[0].id] + every * _SAME_PHASE
        alike = [rule for rule in waiting if phases[rule.id] <= latest]
        waiting = waiting[len(alike) :]
        offset = phases[alike[-1].id]
        parts = _parts(sorted(alike, key=lambda rule: (_stem(rule), rule.id)))
        distance = min(_CLOSEST, every * _WINDOW / len(parts))
        for index, part in enumerate(parts):
            yield Group(source, every, part, (offset + index * distance) % every)


def _parts(rules: Sequence[Rule]) -> list[tuple[Rule, ...]]:
    return [tuple(rules[start : start + MOST_RULES]) for start in range(0, len(rules), MOST_RULES)]


def _stem(rule: Rule) -> str:
    """The expression without the number at its end: a warning and its critical variant are asked once if they are in
    one group."""
    return rule.expr.rstrip(_NUMBER)


def _hashed(name: str) -> float:
    """A number from 0 to 1 that is always the same for *name*."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) / 2**64
