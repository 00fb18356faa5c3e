"""Incidents and their timelines -> since when each component was how."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from incidentd.lifecycle import State
from incidentd.severity import Severity
from incidentd.statuspage import status as words
from incidentd.statuspage.status import Stage, Status
from incidentd.store.tables import Incident, TimelineEntry


class Step(NamedTuple):
    """From *at* on the incident is at *stage*, and its component has at least *status*."""

    at: datetime
    stage: Stage
    status: Status


class Interval(NamedTuple):
    """A component was in *status*, never operational, from *start* to *end*; None when it still is."""

    start: datetime
    end: datetime | None
    status: Status


def steps(entries: Iterable[TimelineEntry]) -> list[Step]:
    """What changed in public, oldest first, from the first moment at which the component was affected: empty when it
    never was. Entries stand in the order in which they were written; a clock that went back is held."""
    found: list[Step] = []
    for entry in entries:
        stage = words.stage(State(entry.state))
        status = Status.OPERATIONAL if stage is Stage.RESOLVED else words.effect(Severity(entry.severity))
        if not found and status is Status.OPERATIONAL:
            continue
        if found and (found[-1].stage, found[-1].status) == (stage, status):
            continue
        at = max(entry.at, found[-1].at) if found else entry.at
        found.append(Step(at, stage, status))
    return found


def intervals(
    incidents: Iterable[Incident], timelines: Mapping[int, Sequence[TimelineEntry]]
) -> dict[str, tuple[Interval, ...]]:
    """By component id what its incidents did to it, oldest first, without overlaps: the worst wins."""
    spans: defaultdict[str, list[Interval]] = defaultdict(list)
    for incident in incidents:
        if incident.component and incident.number is not None:
            spans[incident.component] += spans_of(steps(timelines.get(incident.number, ())))
    return {component: merged(found) for component, found in spans.items()}


def spans_of(taken: Sequence[Step]) -> list[Interval]:
    """The intervals in which one incident affected its component."""
    ends = [*(after.at for after in taken[1:]), None]
    return [
        Interval(step.at, end, step.status)
        for step, end in zip(taken, ends, strict=False)
        if step.status is not Status.OPERATIONAL and step.at != end
    ]


def merged(spans: Iterable[Interval]) -> tuple[Interval, ...]:
    """Intervals that may overlap -> intervals that do not, the worst status at any time, equal neighbours joined."""
    changes: defaultdict[datetime, Counter[Status]] = defaultdict(Counter)
    for span in spans:
        changes[span.start][span.status] += 1
        if span.end is not None:
            changes[span.end][span.status] -= 1
    active: Counter[Status] = Counter()
    current: Interval | None = None
    found: list[Interval] = []
    for at in sorted(changes):
        active.update(changes[at])
        status = words.worst(status for status, count in active.items() if count > 0)
        if status is (current.status if current else Status.OPERATIONAL):
            continue
        if current:
            found.append(current._replace(end=at))
        current = Interval(at, None, status) if status is not Status.OPERATIONAL else None
    return tuple([*found, current] if current else found)
