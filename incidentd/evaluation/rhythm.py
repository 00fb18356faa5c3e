"""The times of the samples that rules use -> the phase that their evaluations follow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import promql_parser

from incidentd.catalog.rule import Rule
from incidentd.evaluation.group import EPOCH
from incidentd.sources.base import Answer, Answered, Question, Source

JITTER = 0.1
"""The part of the interval within which the newest samples of a rule must lie to be a rhythm."""
RELEARN = timedelta(minutes=10)
"""After so long a rule's rhythm is looked at again: targets move."""
_FIRST_AGAIN = timedelta(seconds=10)
"""And after so long, twice as long each time, one that had none: a target may be new."""
AT_ONCE = 1_000
"""Rules that are looked at in one call."""
_LONGEST_WALKED = 2_000
"""Characters. The parser copies a subtree at each step down, so that a very large expression costs seconds."""
_SETTLE = timedelta(milliseconds=50)
_SETTLE_UNKNOWN = timedelta(milliseconds=100)
"""What is waited for where the source does not say how long its scrapes take."""
_SETTLE_AT_MOST = 0.25
_OPERATOR = re.compile(r"[(+\-*/%^<>=!\[]")
_MOST_OPERATORS = 100
_PARTS = ("lhs", "rhs", "expr", "param", "vector_selector")


@dataclass(frozen=True, slots=True)
class _Learned:
    phase: timedelta | None
    at: datetime
    again_after: timedelta = RELEARN


class Rhythms:
    """What was learned of each rule of one source. Not thread-safe: one thread learns, and tells the others."""

    def __init__(self) -> None:
        self._learned: dict[str, _Learned] = {}

    def phases(self) -> dict[str, timedelta]:
        """By a rule's identity: how long after EPOCH, modulo its interval, new samples are there. Rules without a
        rhythm are not in it."""
        return {id_: learned.phase for id_, learned in self._learned.items() if learned.phase is not None}

    def learn(self, source: Source, rules: Sequence[Rule], at: datetime) -> bool:
        """Looks at the rules that were not looked at lately, and forgets those that are no more. Whether any phase
        changed."""
        ids = {rule.id for rule in rules}
        gone = [self._learned.pop(id_) for id_ in self._learned.keys() - ids]
        changed = any(learned.phase is not None for learned in gone)
        due = [rule for rule in rules if self._is_due(rule, at)][:AT_ONCE]
        uses = {rule.id: selectors(rule.expr) for rule in due}
        wanted = [one for rule in due for text in uses[rule.id] for one in _questions(text, rule.every).all]
        answers = source.ask(list(dict.fromkeys(wanted)), at) if wanted else {}
        for rule in due:
            changed |= self._note(rule, _phase_of(rule, uses[rule.id], answers), at)
        return changed

    def _note(self, rule: Rule, found: timedelta | None, at: datetime) -> bool:
        """Whether the rule's phase is another than before. One that comes a little earlier now stays as it was; one
        that comes later is followed, or its samples would be seen an interval late."""
        learned = self._learned.get(rule.id)
        before = learned.phase if learned is not None else None
        stays = before is not None and found is not None and (before - found) % rule.every <= rule.every * JITTER
        again_after = RELEARN if found is not None else _again_after(learned)
        self._learned[rule.id] = _Learned(before if stays else found, at, again_after)
        return not stays and before != found

    def _is_due(self, rule: Rule, at: datetime) -> bool:
        learned = self._learned.get(rule.id)
        return learned is None or not timedelta() <= at - learned.at < learned.again_after


def selectors(expr: str) -> tuple[str, ...]:
    """The different series selectors of *expr*, without offset and range; none for what cannot be parsed or is very
    large."""
    if len(expr) > _LONGEST_WALKED or sum(1 for _ in _OPERATOR.finditer(expr)) > _MOST_OPERATORS:
        return ()
    try:
        root = promql_parser.parse(expr)
    except ValueError:
        return ()
    return tuple(dict.fromkeys(_walk(root)))


def phase(times: Iterable[float], every: timedelta) -> timedelta | None:
    """The latest of *times* (Unix seconds) as an offset from EPOCH modulo *every*; None when they lie all over the
    interval or when there is none."""
    interval = every.total_seconds()
    start = EPOCH.timestamp()
    marks = sorted({(time - start) % interval for time in times})
    if not marks:
        return None
    gaps = [later - earlier for earlier, later in zip(marks, [*marks[1:], marks[0] + interval], strict=True)]
    widest = max(range(len(gaps)), key=lambda index: gaps[index])
    if interval - gaps[widest] > interval * JITTER:
        return None
    return timedelta(seconds=marks[widest])


@dataclass(frozen=True, slots=True)
class _Questions:
    """*newest* and *before*: the distinct times of the newest samples, now and one interval ago. *seconds*: how long
    the scrapes take that bring them."""

    newest: Question
    before: Question
    seconds: Question

    @property
    def all(self) -> tuple[Question, ...]:
        return self.newest, self.before, self.seconds


def _questions(selector: str, every: timedelta) -> _Questions:
    times = f'count_values("t", timestamp({selector}))'
    seconds = f"max(scrape_duration_seconds and on (job, instance) {selector})"
    return _Questions(Question(times), Question(times, offset=every), Question(seconds))


def _phase_of(rule: Rule, uses: Sequence[str], answers: Mapping[Question, Answer]) -> timedelta | None:
    """What two looks, one interval apart, agree on: a rhythm that fits into the interval."""
    asked = [_questions(selector, rule.every) for selector in uses]
    now = phase(_times(answers[one.newest] for one in asked), rule.every)
    before = phase(_times(answers[one.before] for one in asked), rule.every)
    if now is None or before is None or not _near(rule, now, before):
        return None
    settle = _settle([value for one in asked for value in _values(answers[one.seconds])], rule.every)
    return (now + settle + rule.query_offset) % rule.every


def _again_after(before: _Learned | None) -> timedelta:
    if before is None or before.phase is not None:
        return _FIRST_AGAIN
    return min(RELEARN, 2 * before.again_after)


def _settle(seconds: Sequence[float], every: timedelta) -> timedelta:
    """How long after its own time a sample can be seen: its time is that of the scrape's begin."""
    settle = _SETTLE + 2 * timedelta(seconds=max(seconds)) if seconds else _SETTLE_UNKNOWN
    return min(settle, every * _SETTLE_AT_MOST)


def _near(rule: Rule, one: timedelta, other: timedelta) -> bool:
    apart = (one - other) % rule.every
    return min(apart, rule.every - apart) <= rule.every * JITTER


def _times(answers: Iterable[Answer]) -> Iterator[float]:
    for answer in answers:
        if isinstance(answer, Answered):
            yield from (float(sample.labels["t"]) for sample in answer.samples)


def _values(answer: Answer) -> Iterator[float]:
    if isinstance(answer, Answered):
        yield from (sample.value for sample in answer.samples)


def _walk(node: Any) -> Iterator[str]:
    if isinstance(node, promql_parser.VectorSelector):
        text = node.prettify()
        yield text[: text.rindex("}") + 1] if "}" in text else text.split()[0]
        return
    parts = [getattr(node, part, None) for part in _PARTS]
    for part in (*parts, *getattr(node, "args", ())):
        if part is not None:
            yield from _walk(part)
