"""A notification -> the sentences that every channel says the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from incidentd import duration
from incidentd.lifecycle import State
from incidentd.notify import filters
from incidentd.notify.notification import AlertLine, Notification

NOTHING = "—"
"""Stands where nothing is known."""

STATE_WORDS = {
    State.DETECTED: "unacknowledged",
    State.ACKNOWLEDGED: "acknowledged",
    State.MITIGATING: "mitigating",
    State.RESOLVED: "resolved",
}
# They differ in shape, for those who do not see the colours.
MARKS = {State.DETECTED: "🚨", State.ACKNOWLEDGED: "👀", State.MITIGATING: "🔧", State.RESOLVED: "✅"}

_MAX_NAME = 80
_NEW = timedelta(minutes=1)
_MAX_PLAIN = 50_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


def clean(text: str, limit: int) -> str:
    """*text* without control, direction and half characters, at most *limit* characters long."""
    text = _CONTROLS.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """The same on one line."""
    return clean(" ".join(_CONTROLS.sub(" ", text).split()), limit)


def leading(notification: Notification) -> AlertLine | None:
    """The alert that speaks for the incident: the worst that fires, the oldest of those; None when there is none."""
    alerts = notification.firing or notification.alerts
    return min(alerts, key=lambda alert: (alert.severity.rank, alert.since), default=None)


def number(value: float | None, condition: str) -> str:
    """*value* in the unit of the condition that it is held against."""
    if value is None:
        return ""
    return filters.percent(value) if condition.endswith("%") else filters.humanize(value)


def value_and_condition(alert: AlertLine) -> str:
    """``21% (> 5%)``; empty when there is neither."""
    value = number(alert.value, alert.condition)
    return f"{value} ({alert.condition})" if value and alert.condition else value or alert.condition


def measured(alert: AlertLine, said: str) -> str:
    """The same, beside *said*: only ``limit > 5%`` where that names the value already."""
    value = number(alert.value, alert.condition)
    if value and alert.condition and re.search(rf"(?<![\w.]){re.escape(value)}(?![\w%])", said):
        return f"limit {alert.condition}"
    return value_and_condition(alert)


def alert_line(alert: AlertLine) -> str:
    """``chat: 21% of calls fail · limit > 5%``."""
    return " · ".join(part for part in (alert.summary, measured(alert, alert.summary)) if part)


def state(notification: Notification) -> str:
    """The state with who and when: ``Acknowledged by anna after 2m``. Since when rather than for how long, for it
    stands in mails and tickets that nobody edits."""
    n = notification
    match n.state:
        case State.RESOLVED:
            return f"Resolved{_by(n.resolved_by)} after {duration.text(n.age)}{_while_firing(n)}"
        case State.MITIGATING:
            return (
                f"Mitigating since {filters.local(n.mitigating_at or n.opened_at)}{_acknowledged(n, ', acknowledged')}"
            )
        case State.ACKNOWLEDGED:
            return _acknowledged(n, "Acknowledged") or "Acknowledged"
        case _:
            return f"Unacknowledged since {filters.local(n.opened_at)}"


def facts(notification: Notification) -> tuple[Fact, Fact, Fact, Fact]:
    """State and age; value now, limit and peak; owner; service."""
    owner = notification.owner or (notification.runbook.owner if notification.runbook else "")
    labels = notification.labels
    service = labels.get("service") or notification.component or labels.get("job") or _some(labels)
    return (
        Fact("State", state(notification)),
        Fact("Value", _value(leading(notification))),
        Fact("Owner", owner or NOTHING),
        Fact("Service", service or NOTHING),
    )


def lock_screen(notification: Notification) -> str:
    """``SEV1 · chat: 21% of calls fail · limit > 5% · 12m · unacknowledged``."""
    alert = leading(notification)
    parts = (
        notification.severity.upper(),
        one_line(notification.title, 200),
        measured(alert, notification.title) if alert and notification.state is not State.RESOLVED else "",
        *_age_and_word(notification),
    )
    return " · ".join(part for part in parts if part)


def response_times(notification: Notification) -> str:
    """How long it lasted, until it was acknowledged, and who ended it."""
    n = notification
    ended = f"resolved{_by(n.resolved_by)}{_while_firing(n)}"
    return f"Lasted {duration.text(n.age)}{_acknowledged(n, ' · acknowledged')} · {ended}"


def told(notification: Notification) -> str:
    """What other destinations have proven to hold: ``Told: PagerDuty · Jira OPS-12``; empty when there is none."""
    return f"Told: {' · '.join(notification.delivered)}" if notification.delivered else ""


def plain(notification: Notification) -> str:
    """Everything that a responder needs as plain text: what is sent where a template fails."""
    n = notification
    lines = [n.headline, n.title, "", *(f"{fact.name}: {fact.value}" for fact in facts(n)), ""]
    if n.runbook:
        lines += [f"Next: {n.runbook.next_step}"] if n.runbook.next_step else []
        lines += [f"Runbook: {n.runbook.url}", ""]
    lines += [f"- {alert_line(alert)}" for alert in n.alerts[:20]]
    lines += ["", n.url]
    return clean("\n".join(lines), _MAX_PLAIN)


def values(notification: Notification) -> Mapping[str, Any]:
    """What the templates of every channel are given: ``notification``, ``facts``, ``leading``, ``condition``
    (``21% (> 5%)``, or ``limit > 5%`` where the title names the value), ``conditions`` (of each alert, beside its
    summary), ``state`` (a sentence), ``word`` (of the state), ``mark``, ``age``, ``told``."""
    alert = leading(notification)
    return {
        "notification": notification,
        "facts": facts(notification),
        "leading": alert,
        "condition": measured(alert, notification.title) if alert else "",
        "conditions": tuple(measured(one, one.summary) for one in notification.alerts),
        "state": state(notification),
        "word": STATE_WORDS[notification.state],
        "mark": MARKS[notification.state],
        "age": duration.text(notification.age),
        "told": told(notification),
    }


def _value(alert: AlertLine | None) -> str:
    if alert is None:
        return NOTHING
    value, peak = number(alert.value, alert.condition), number(alert.peak, alert.condition)
    parts = (
        value,
        alert.condition and f"limit {alert.condition}",
        f"peak {peak}" if peak and peak != value else "",
    )
    return " · ".join(part for part in parts if part) or NOTHING


def _some(labels: Mapping[str, str]) -> str:
    named = [f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname"]
    return ", ".join(named[:2])


def _by(who: str) -> str:
    return f" by {one_line(who, _MAX_NAME)}" if who else ""


def _acknowledged(n: Notification, word: str) -> str:
    if n.acknowledged_at is None:
        return ""
    return f"{word}{_by(n.acknowledged_by)} after {duration.text(n.acknowledged_at - n.opened_at)}"


def _age_and_word(n: Notification) -> tuple[str, ...]:
    """An opening is told within seconds: `0s` would say nothing."""
    if n.state is State.RESOLVED:
        return (f"resolved after {duration.text(n.age)}",)
    age = duration.text(n.age) if n.age >= _NEW else ""
    return (age, STATE_WORDS[n.state])


def _while_firing(n: Notification) -> str:
    """A person may resolve what still fires; who reads it should know."""
    count = n.firing_count
    return f" while {count} {'alert' if count == 1 else 'alerts'} still fired" if count else ""
