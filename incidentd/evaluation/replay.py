"""The answers of several slots -> what changed over all of them, and what began and ended in between. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from incidentd.alert import Alert, Change, Phase, Transition
from incidentd.catalog.rule import Rule
from incidentd.evaluation import annotate, ladder
from incidentd.incidents.evaluated import Evaluated, Missed
from incidentd.sources.base import Answered


def walk(rule: Rule, answers: Iterable[tuple[datetime, Answered]], previous: Mapping[str, Alert]) -> Evaluated:
    """One transition for each alert that any of *answers*, oldest first, says something of: from *previous* to what it
    is after the last. What fired and cleared between two of them is not in the transitions; it is `missed`."""
    now = dict(previous)
    firsts: dict[str, Alert] = {}
    lasts: dict[str, Alert] = {}
    began: dict[str, datetime] = {}
    missed: list[Missed] = []
    for at, answer in answers:
        for step in ladder.step(rule, answer, now, at):
            print_ = step.after.key.fingerprint
            firsts.setdefault(print_, step.before)
            if step.change is Change.FIRED:
                began[print_] = at
            elif step.change is Change.CLEARED and print_ in began:
                missed.append(Missed(step.before, began.pop(print_), at, annotate.texts(rule, step.before, at)))
            lasts[print_] = now[print_] = step.after
            if step.after.phase is Phase.INACTIVE:
                del now[print_]
    transitions = (_net(before, lasts[print_]) for print_, before in firsts.items())
    return Evaluated(rule, tuple(transitions), missed=tuple(missed))


def _net(before: Alert, after: Alert) -> Transition:
    return Transition(before, after, ladder.change(before, after))
