"""Labels, silences, inhibitions, time intervals -> whether somebody is told now, and why not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from incidentd.catalog import time_interval
from incidentd.catalog.inhibit_rule import InhibitRule
from incidentd.catalog.route import Route
from incidentd.catalog.time_interval import TimeInterval
from incidentd.labels import Labels
from incidentd.routing.silence import Silence

_NEVER = datetime.max.replace(tzinfo=UTC)


class MuteReason(StrEnum):
    """Why nobody is told."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    INHIBITION = "inhibition"
    MUTE_TIME_INTERVAL = "mute_time_interval"
    ACTIVE_TIME_INTERVAL = "active_time_interval"


@dataclass(frozen=True, slots=True)
class Muted:
    """*by* names what mutes: a silence's id, an inhibition, time intervals. *text* is for people, as ``silenced by anna
    (deploy), S-12``. *until* is when that ends; None when it is not known."""

    reason: MuteReason
    by: str
    text: str
    until: datetime | None = None

    @property
    def sentence(self) -> str:
        return (
            self.text if self.until is None else f"{self.text}, until {self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        )


class Inhibitions:
    """Who inhibits whom: *rules* over the labels of every alert that fires. Sources are looked up by the labels of
    ``equal``, so that a thousand of them cost a thousand targets nothing."""

    def __init__(self, rules: Sequence[InhibitRule], firing: Iterable[Labels]) -> None:
        self._rules = rules
        self._sources: list[dict[tuple[str, ...], Labels]] = [{} for _ in rules]
        self._one_sided: list[dict[tuple[str, ...], Labels]] = [{} for _ in rules]
        for labels in firing if rules else ():
            for index, rule in enumerate(rules):
                if rule.source_matchers.matches(labels):
                    self._sources[index].setdefault(_equal(rule, labels), labels)
                    if not rule.target_matchers.matches(labels):
                        self._one_sided[index].setdefault(_equal(rule, labels), labels)

    def of(self, labels: Labels) -> Muted | None:
        """Whether an alert with *labels* is inhibited. One that meets both sides of a rule is not inhibited by others
        that do, so by itself neither."""
        for index, rule in enumerate(self._rules):
            if not rule.target_matchers.matches(labels):
                continue
            both = rule.source_matchers.matches(labels)
            source = (self._one_sided if both else self._sources)[index].get(_equal(rule, labels))
            if source is not None:
                name = rule.name or str(rule.source_matchers)
                return Muted(MuteReason.INHIBITION, name, f"inhibited by {_shown(source)}")
        return None


def labels_of(labels: Labels, severity: str) -> Labels:
    """What matchers see of an alert: its severity is a label too, unless it has one of that name."""
    return {"severity": severity, **labels}


def of_alert(labels: Labels, active: Sequence[Silence], inhibitions: Inhibitions, now: datetime) -> Muted | None:
    """Why this alert notifies nobody, None when it does. Of the *active* silences, the one that ends last."""
    matching = [silence for silence in active if silence.matchers.matches(labels)]
    if matching:
        return _by_silence(max(matching, key=lambda one: one.until(now) or _NEVER), now)
    return inhibitions.of(labels)


def of_incident(
    alerts: Iterable[Labels], active: Sequence[Silence], inhibitions: Inhibitions, now: datetime
) -> Muted | None:
    """Why an incident with these firing alerts notifies nobody: every one of them is muted. What mutes the alert that
    is heard again first is named. One alert that is not muted is enough to be heard, and so is having none."""
    first: Muted | None = None
    for labels in alerts:
        muted = of_alert(labels, active, inhibitions, now)
        if muted is None:
            return None
        if first is None or (muted.until or _NEVER) < (first.until or _NEVER):
            first = muted
    return first


def of_route(node: Route, intervals: Mapping[str, Sequence[TimeInterval]], now: datetime) -> Muted | None:
    """Why a route notifies nobody at this time of the week. Names that the catalog does not know are never in force."""
    for name in node.mute_time_intervals:
        known = intervals.get(name, ())
        if time_interval.contains(known, now):
            until = time_interval.end(known, now)
            return Muted(MuteReason.MUTE_TIME_INTERVAL, name, f"muted during {name}", until)
    active = [one for name in node.active_time_intervals for one in intervals.get(name, ())]
    if node.active_time_intervals and not time_interval.contains(active, now):
        names = ", ".join(node.active_time_intervals)
        until = time_interval.end(active, now)
        return Muted(MuteReason.ACTIVE_TIME_INTERVAL, names, f"active only during {names}", until)
    return None


def _by_silence(silence: Silence, now: datetime) -> Muted:
    ends = f", until INC-{silence.until_incident} resolves" if silence.until_incident is not None else ""
    what = f"in maintenance ({silence.maintenance.title})" if silence.maintenance else "silenced"
    reason = MuteReason.MAINTENANCE if silence.maintenance else MuteReason.SILENCE
    text = f"{what} by {silence.author} ({silence.reason}), {silence.id}{ends}"
    return Muted(reason, silence.id, text, silence.until(now))


def _equal(rule: InhibitRule, labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)


def _shown(labels: Labels) -> str:
    """``NodeDown (instance=a, severity=sev1)``"""
    more = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return f"{labels.get('alertname', 'an alert')} ({more})"
