"""A stored incident -> what its page shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from incidentd.catalog.condition import parse_comparison
from incidentd.lifecycle import Action, State, actions
from incidentd.notify import filters
from incidentd.store.tables import Incident, IncidentAlert, TimelineEntry

_ORDER = (Action.MITIGATE, Action.RESOLVE, Action.REOPEN, Action.ACKNOWLEDGE, Action.UNACKNOWLEDGE)
_LABELS = {
    Action.ACKNOWLEDGE: "Acknowledge",
    Action.UNACKNOWLEDGE: "Unacknowledge",
    Action.MITIGATE: "Mitigate",
    Action.RESOLVE: "Resolve",
    Action.REOPEN: "Reopen",
}
_METER_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One state on the way. *at* is None where it was not reached, *after* is the time since the step before."""

    state: State
    at: datetime | None
    who: str
    after: timedelta | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class Button:
    action: Action
    label: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """A value against its threshold, as distances on a line of 100. *beyond_from* and *beyond_to* bound the side that
    breaches."""

    value: float
    peak: float
    threshold: float
    beyond_from: float
    beyond_to: float


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert with its numbers in words."""

    alert: IncidentAlert
    value: str
    peak: str
    meter: Meter | None


def steps(incident: Incident) -> list[Step]:
    """The four states with their times; a state that was passed over has none."""
    reached = (
        (State.DETECTED, incident.opened_at, ""),
        (State.ACKNOWLEDGED, incident.acknowledged_at, incident.acknowledged_by),
        (State.MITIGATING, incident.mitigating_at, ""),
        (State.RESOLVED, incident.resolved_at, incident.resolved_by),
    )
    found: list[Step] = []
    before: datetime | None = None
    for state, at, who in reached:
        after = at - before if at is not None and before is not None else None
        found.append(Step(state, at, who, after, is_current=state == incident.state))
        before = at or before
    return found


def buttons(state: State) -> list[Button]:
    """The valid actions; the one that a responder takes next stands first."""
    order = (Action.ACKNOWLEDGE, *_ORDER) if state is State.DETECTED else _ORDER
    valid = sorted(actions(state), key=order.index)
    return [
        Button(action, _label(state, action), is_primary=index == 0 and state is not State.RESOLVED)
        for index, action in enumerate(valid)
    ]


def alert_view(alert: IncidentAlert) -> AlertView:
    """Numbers in the unit in which the condition is written."""
    return AlertView(alert, _number(alert, alert.value), _number(alert, alert.peak), meter(alert))


def meter(alert: IncidentAlert) -> Meter | None:
    """None where there is nothing to draw: no threshold, no value, or one that is not finite or negative."""
    if not alert.condition or alert.value is None:
        return None
    condition = parse_comparison(alert.condition)
    peak = alert.value if alert.peak is None else alert.peak
    numbers = (alert.value, peak, condition.threshold)
    largest = max(numbers)
    if condition.direction == 0 or min(numbers) < 0 or not math.isfinite(largest) or largest == 0:
        return None
    value, peak, threshold = (_METER_WIDTH * number / (largest * 1.15) for number in numbers)
    rising = condition.direction > 0
    return Meter(value, peak, threshold, threshold if rising else 0, _METER_WIDTH if rising else threshold)


def by_day(entries: Sequence[TimelineEntry]) -> list[tuple[date, list[TimelineEntry]]]:
    """The entries newest first, below the days (UTC) on which they happened."""
    newest_first = list(reversed(entries))
    return [(day, list(group)) for day, group in groupby(newest_first, key=lambda one: one.at.astimezone(UTC).date())]


def _label(state: State, action: Action) -> str:
    return "Back to acknowledged" if (state, action) == (State.MITIGATING, Action.ACKNOWLEDGE) else _LABELS[action]


def _number(alert: IncidentAlert, number: float | None) -> str:
    if number is None:
        return ""
    return filters.percent(number) if alert.condition.endswith("%") else filters.humanize(number)
