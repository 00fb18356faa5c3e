"""One rule's complete answer + the alerts before it -> the alerts after it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from incidentd.alert import Alert, AlertKey, Change, LevelClock, Phase, Transition
from incidentd.catalog.rule import Level, NoData, Rule
from incidentd.evaluation import expand
from incidentd.labels import Labels, fingerprint
from incidentd.severity import Severity, worst
from incidentd.sources.base import Answered, Sample

_REST = LevelClock()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one series says at one time: the levels that it breaches, and whether it shows the condition gone."""

    value: float | None
    breached: frozenset[Severity]
    clear: bool
    series: Labels | None = None


_NO_SERIES = fingerprint({})
"""The alert of ``no_data: alert`` for a rule that has no series at all."""
_CLEAR = _Reading(None, frozenset(), clear=True)
"""The condition is gone, without a value to show for it."""


def step(rule: Rule, answer: Answered, previous: Mapping[str, Alert], at: datetime) -> list[Transition]:
    """One transition for each series that the answer holds and each alert that was there before.

    *previous* are the rule's alerts by the fingerprint of their series. A NaN and, with ``no_data: hold``, a series
    that vanished change nothing and are left out. New alerts beyond ``limit`` are not begun, unless others end in the
    same answer; none is ever ended by it.
    """
    readings = dict(_readings(rule, answer, previous))
    room = rule.limit - sum(alert.phase is not Phase.INACTIVE for alert in previous.values())
    transitions: list[Transition] = []
    for print_, (labels, reading) in sorted(readings.items(), key=lambda item: (item[0] not in previous, item[0])):
        before = previous.get(print_) or Alert(AlertKey(rule.id, print_), labels)
        transition = _transition(rule, before, labels, reading, at)
        more = (transition.after.phase is not Phase.INACTIVE) - (before.phase is not Phase.INACTIVE)
        if rule.limit and more > 0 and room <= 0:
            continue
        room -= more
        transitions.append(transition)
    return transitions


def is_quiet(rule: Rule, answer: Answered, previous: Mapping[str, Alert]) -> bool:
    """Whether there is nothing to step: no series, and no alert before."""
    return not answer.samples and not previous and rule.no_data is not NoData.ALERT and not rule.heartbeat


def worst_value(rule: Rule, samples: Sequence[Sample]) -> float | None:
    """The value that comes closest to the worst level, or went furthest beyond; None without samples."""
    values = [sample.value for sample in samples if not math.isnan(sample.value)]
    if not values:
        return None
    return min(values) if _smaller_is_worse(rule) else max(values)


def alert_labels(rule: Rule, series: Labels, value: float | None = None) -> dict[str, str]:
    """The labels of an alert: the series' own, the rule's over them, the rule's name as ``alertname``, and below all
    of them those that the source adds. Templates among the rule's are expanded; an empty one takes the label away."""
    labels = {**series, **rule.labels, "alertname": rule.name}
    if rule.templated_labels:
        labels |= {name: expand.text(rule, template, series, value) for name, template in rule.templated_labels.items()}
    if not rule.is_native:
        labels = {name: text for name, text in labels.items() if text}
    if rule.external_labels:
        labels = {**rule.external_labels, **labels}
    # PostgreSQL cannot store NUL, Prometheus can: one such series would keep its whole group from being written.
    return {name: value.replace("\0", "\ufffd") for name, value in labels.items()}


def _readings(
    rule: Rule, answer: Answered, previous: Mapping[str, Alert]
) -> Iterator[tuple[str, tuple[Labels, _Reading]]]:
    if rule.heartbeat:
        yield from _heartbeat(rule, answer, previous)
        return
    seen: set[str] = set()
    numbers = False
    for sample in answer.samples:
        print_ = fingerprint(sample.labels)
        seen.add(print_)
        if not math.isnan(sample.value):
            numbers = True
            labels = alert_labels(rule, sample.labels, sample.value)
            yield print_, (labels, _read(rule, sample.value, sample.labels))
    for print_, alert in previous.items():
        if print_ in seen or (reading := _absent(rule)) is None:
            continue
        if print_ != _NO_SERIES or not seen:
            yield print_, (alert.labels, reading)
        elif numbers:
            yield print_, (alert.labels, _CLEAR)
    if rule.no_data is NoData.ALERT and not answer.samples and not previous and (reading := _absent(rule)):
        yield _NO_SERIES, (alert_labels(rule, {}), reading)


def _heartbeat(
    rule: Rule, answer: Answered, previous: Mapping[str, Alert]
) -> Iterator[tuple[str, tuple[Labels, _Reading]]]:
    """One alert for the whole rule: it is breached while no series of a complete answer is what the rule fires for. A
    NaN says nothing."""
    values = [sample.value for sample in answer.samples if not math.isnan(sample.value)]
    for print_, alert in previous.items():
        if print_ != _NO_SERIES:  # from when the rule was none
            yield print_, (alert.labels, _CLEAR)
    if any(_read(rule, value).breached for value in values):
        if _NO_SERIES in previous:
            yield _NO_SERIES, (previous[_NO_SERIES].labels, _CLEAR)
    elif values or not answer.samples:
        missing = _Reading(None, frozenset(level.severity for level in rule.levels), clear=False)
        yield _NO_SERIES, (alert_labels(rule, {}), missing)


def _read(rule: Rule, value: float, series: Labels | None = None) -> _Reading:
    breached = frozenset(level.severity for level in rule.levels if level.when is None or level.when.holds(value))
    return _Reading(value, breached, clear=rule.resolve.when is None or rule.resolve.when.holds(value), series=series)


def _absent(rule: Rule) -> _Reading | None:
    """What it says that a complete answer lacks a series: None when it says nothing."""
    if rule.compares_by_itself or rule.no_data is NoData.OK:
        return _CLEAR
    if rule.no_data is NoData.HOLD:
        return None
    return _Reading(None, frozenset({rule.levels[-1].severity}), clear=False)


def _transition(rule: Rule, before: Alert, labels: Labels, reading: _Reading, at: datetime) -> Transition:
    clocks = _step_levels(rule, before, reading, at)
    severity = worst(one for one, clock in clocks.items() if clock.active)
    phase = Phase.FIRING if severity else Phase.PENDING if clocks else Phase.INACTIVE
    value = reading.value if reading.value is not None else before.value
    after = replace(
        before,
        labels=labels,
        phase=phase,
        severity=severity,
        levels=clocks,
        value=value,
        peak=_peak(rule, before.peak if before.phase is phase else None, value) if severity else None,
        evaluated_at=at,
        firing_since=(before.firing_since or at) if severity else None,
        series=before.series if reading.series is None else reading.series,
    )
    return Transition(before, after, change(before, after))


def _step_levels(rule: Rule, before: Alert, reading: _Reading, at: datetime) -> dict[Severity, LevelClock]:
    """The clocks that run or hold after this reading, worst first."""
    clocks: dict[Severity, LevelClock] = {}
    firing_at = before.severity
    for level in rule.levels:
        clock = before.levels.get(level.severity, _REST)
        mildest = level is rule.levels[-1]
        # A worse level has already held its time, so the milder state needs no time of its own.
        paid = firing_at is not None and not level.severity.is_worse_than(firing_at)
        if level.severity in reading.breached:
            clock = _breached(level, clock, at, paid=paid)
        elif mildest and not reading.clear:
            clock = LevelClock(active=clock.active or paid)
        else:
            clock = _clear(rule, clock, at)
        if clock != _REST:
            clocks[level.severity] = clock
        if clock.active and (firing_at is None or level.severity.is_worse_than(firing_at)):
            firing_at = level.severity
    return clocks | _left_behind(rule, before, reading, clocks, at)


def _left_behind(
    rule: Rule, before: Alert, reading: _Reading, clocks: Mapping[Severity, LevelClock], at: datetime
) -> dict[Severity, LevelClock]:
    """The clock of a level that fired and that a reload removed: it ends as the mildest one does, or when another
    fires, so that no edit of a rule resolves what is still wrong."""
    severity = before.severity
    if severity is None or any(level.severity is severity for level in rule.levels):
        return {}
    if any(clock.active for clock in clocks.values()):
        return {}
    if reading.breached or not reading.clear:
        return {severity: LevelClock(active=True)}
    clock = _clear(rule, before.levels.get(severity, _REST), at)
    return {severity: clock} if clock != _REST else {}


def _breached(level: Level, clock: LevelClock, at: datetime, *, paid: bool) -> LevelClock:
    since = min(clock.breached_since or at, at)  # a clock that was moved back must not stop it
    return LevelClock(breached_since=since, active=clock.active or paid or at - since >= level.holds_for)


def _clear(rule: Rule, clock: LevelClock, at: datetime) -> LevelClock:
    if not clock.active:
        return _REST
    since = min(clock.clear_since or at, at)
    return _REST if at - since >= rule.resolve.holds_for else LevelClock(clear_since=since, active=True)


def _peak(rule: Rule, peak: float | None, value: float | None) -> float | None:
    if peak is None or value is None:
        return value if peak is None else peak
    return min(peak, value) if _smaller_is_worse(rule) else max(peak, value)


def _smaller_is_worse(rule: Rule) -> bool:
    when = rule.levels[-1].when
    return when is not None and when.direction < 0


def change(before: Alert, after: Alert) -> Change:
    """What became of an alert from *before* to *after*."""
    match before.phase, after.phase:
        case Phase.INACTIVE, Phase.PENDING:
            return Change.STARTED
        case Phase.INACTIVE | Phase.PENDING, Phase.FIRING:
            return Change.FIRED
        case Phase.FIRING, Phase.INACTIVE | Phase.PENDING:
            return Change.CLEARED
        case Phase.PENDING, Phase.INACTIVE:
            return Change.ENDED
    if before.severity is None or after.severity is None or before.severity is after.severity:
        return Change.SAME
    return Change.CLIMBED if after.severity.is_worse_than(before.severity) else Change.DESCENDED
