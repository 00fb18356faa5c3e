"""``resolve.when`` never holds while a level is breached."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.authored_rule import AuthoredRule
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.condition import Comparison
from incidentd.catalog.problem import Problem
from incidentd.catalog.rule import Level, Rule

NAME = "rule-levels"

_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        problem = _problem(authored)
        if problem is not None:
            yield problem


def _problem(authored: AuthoredRule) -> Problem | None:
    rule = authored.rule
    over = rule.resolve.when
    if over is None:
        return None
    position = authored.position("resolve", "when")
    if rule.compares_by_itself:
        message = "resolve.when never sees a value that is over: the expression compares by itself"
        return Problem(position, message, "move the comparison from `expr` to `when`, or remove resolve.when", NAME)
    level, value = _overlap(rule, over)
    if level is None or level.when is None:
        return None
    return Problem(
        position,
        f'resolve.when "{over.text}" also holds while {level.severity} "{level.when.text}" is breached, at {value:g} '
        "for one: the incident would open and resolve in turn",
        f'write one that no level overlaps, such as "{_opposite(level.when)}" or further away',
        NAME,
    )


def _opposite(breach: Comparison) -> str:
    """What holds exactly where *breach* does not."""
    return breach.text.replace(breach.op, _OPPOSITES[breach.op])


def _overlap(rule: Rule, over: Comparison) -> tuple[Level | None, float]:
    """The mildest level that is breached by a value that also counts as over, and such a value."""
    for level in reversed(rule.levels):
        if level.when is None:
            continue
        one, other = sorted((level.when.threshold, over.threshold))
        for value in ((one + other) / 2, one, other, one - 1, other + 1):
            if level.when.holds(value) and over.holds(value):
                return level, value
    return None, 0
