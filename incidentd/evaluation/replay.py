"""The answers of several slots -> what changed over all of them, and what began and ended in between. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from incidentd.alert import Alert, Change, Phase, Transition
from incidentd.catalog.rule import Rule
from incidentd.evaluation import annotate, ladder
from incidentd.incidents.evaluated import Evaluated, Missed
from incidentd.sources.base import Answered


@dataclass(slots=True)
class _Course:
    """One alert over the slots: from what it was *first*, when it *began* to fire, how it *ended* what it was."""

    first: Alert
    last: Alert
    began: datetime | None = None
    ended: Transition | None = None


def walk(rule: Rule, answers: Iterable[tuple[datetime, Answered]], previous: Mapping[str, Alert]) -> Evaluated:
    """What became, from *previous* to the last of *answers*, of each alert that any of them, oldest first, says
    something of: one transition, or two where it fired before, cleared, and fires again. What fired and cleared between
    two of them is `missed`."""
    now = dict(previous)
    courses: dict[str, _Course] = {}
    missed: list[Missed] = []
    for at, answer in answers:
        for step in ladder.step(rule, answer, now, at):
            print_ = step.after.key.fingerprint
            course = courses.setdefault(print_, _Course(step.before, step.before))
            if step.change is Change.CLEARED and course.began is not None:
                missed.append(Missed(step.before, course.began, at, annotate.texts(rule, step.before, at)))
                course.began = None
            elif step.change is Change.CLEARED:
                course.ended = Transition(course.first, step.after, Change.CLEARED)
            elif step.change is Change.FIRED:
                course.began = at
            course.last = now[print_] = step.after
            if step.after.phase is Phase.INACTIVE:
                del now[print_]
    ended = tuple(one.ended for one in courses.values() if one.ended is not None and one.began is not None)
    return Evaluated(rule, tuple(map(_net, courses.values())), missed=tuple(missed), ended=ended)


def _net(course: _Course) -> Transition:
    before = course.first
    if course.ended is not None and course.began is not None:
        before = course.ended.after
    return Transition(before, course.last, ladder.change(before, course.last))
