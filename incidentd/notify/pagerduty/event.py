"""A notification and what PagerDuty was told before -> the events that bring it to the truth, in order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from incidentd.lifecycle import State
from incidentd.notify import wording
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt
from incidentd.severity import Severity

# https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
MAX_SUMMARY = 1024
_MAX_TEXT = 1000
_SHOWN_ALERTS = 20
_SHOWN_LABELS = 50

_DEDUP_KEY = re.compile(r"(?P<uid>[0-9a-f]{32})-g(?P<generation>[1-9][0-9]{0,8})")

_SEVERITIES = {
    Severity.SEV1: "critical",
    Severity.SEV2: "error",
    Severity.SEV3: "warning",
    Severity.SEV4: "info",
}


class Step(StrEnum):
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Event:
    step: Step
    dedup_key: str


def dedup_key(uid: str, generation: int) -> str:
    """A new one for every page: after a resolve, or while acknowledged, an old key would page nobody."""
    return f"{uid}-g{generation}"


def read_dedup_key(key: str) -> tuple[str, int] | None:
    """The incident's uid and the generation that :func:`dedup_key` wrote; None for the key of somebody else."""
    match = _DEDUP_KEY.fullmatch(key)
    return (match["uid"], int(match["generation"])) if match else None


def plan(notification: Notification, attempt: Attempt) -> tuple[Event, ...]:
    """The events that are missing. ``remote`` holds the ``dedup_key`` of the alert, the last ``event`` sent for it, and
    the incident's ``state`` at that time."""
    if notification.state is State.RESOLVED:
        return _resolves(notification, attempt)
    key, old = dedup_key(notification.uid, notification.generation), attempt.remote.get("dedup_key", "")
    resolved = attempt.remote.get("event") == Step.RESOLVE
    if not old:
        acknowledges = notification.state is not State.DETECTED
        begun = (Event(Step.TRIGGER, key), *((Event(Step.ACKNOWLEDGE, key),) if acknowledges else ()))
        return (*begun, *_strays(notification, attempt))
    if old != key:
        return _pages_again(notification, attempt, old, resolved=resolved)
    if resolved:
        return ()  # it reopened quietly: a page that is due has a key of its own
    if notification.kind is Kind.ESCALATED:
        return (Event(Step.TRIGGER, key),)
    return _changed(notification, attempt.remote)


def _pages_again(notification: Notification, attempt: Attempt, old: str, *, resolved: bool) -> tuple[Event, ...]:
    """A new alert in place of the old one. Whoever had acknowledged is paged as well, unless this tells that somebody
    acknowledged just now."""
    if notification.kind is Kind.UPDATED:
        return ()
    key = dedup_key(notification.uid, notification.generation)
    steps = [Event(Step.TRIGGER, key)]
    if notification.kind is Kind.ACKNOWLEDGED:
        steps.append(Event(Step.ACKNOWLEDGE, key))
    if not resolved:
        steps.append(Event(Step.RESOLVE, old))
    return (*steps, *_strays(notification, attempt))


def _strays(notification: Notification, attempt: Attempt) -> tuple[Event, ...]:
    """The ends of alerts between the known one and the current one, which attempts may have opened whose answers were
    lost; PagerDuty drops the end of what it does not know."""
    if not attempt.uncertain:
        return ()
    known = int(attempt.remote.get("dedup_key", "-g0").rpartition("-g")[2])
    between = range(known + 1, notification.generation)
    return tuple(Event(Step.RESOLVE, dedup_key(notification.uid, generation)) for generation in between)


def _resolves(notification: Notification, attempt: Attempt) -> tuple[Event, ...]:
    """Whatever may be open; nobody was told where nothing is known."""
    old, current = attempt.remote.get("dedup_key", ""), dedup_key(notification.uid, notification.generation)
    keys = [old] if old and attempt.remote.get("event") != Step.RESOLVE else []
    if attempt.uncertain and current not in keys:
        keys.append(current)
    return (*(Event(Step.RESOLVE, key) for key in keys), *_strays(notification, attempt))


def _changed(notification: Notification, remote: Mapping[str, str]) -> tuple[Event, ...]:
    """The alert is open under the right key: what is new since."""
    acknowledged = notification.state is not State.DETECTED
    known = remote.get("state") != State.DETECTED
    if acknowledged and remote.get("event") != Step.ACKNOWLEDGE:
        # A climb pages those who had acknowledged as well; it stays open until somebody acknowledges that page.
        wanted = notification.kind is Kind.ACKNOWLEDGED or not known
        return (Event(Step.ACKNOWLEDGE, remote["dedup_key"]),) if wanted else ()
    if not acknowledged and known:
        return (Event(Step.TRIGGER, remote["dedup_key"]),)
    return ()


def trigger(notification: Notification, summary: str) -> Mapping[str, Any]:
    """The properties of a trigger beside its action and keys."""
    n = notification
    alert = wording.leading(n)
    payload = {
        "summary": wording.one_line(summary, MAX_SUMMARY) or n.name,
        "source": wording.one_line(_source(n), _MAX_TEXT),
        "severity": _SEVERITIES[n.severity],
        "timestamp": n.opened_at.isoformat(),
        "component": wording.one_line(n.component, _MAX_TEXT),
        "group": wording.one_line(n.owner, _MAX_TEXT),
        "class": wording.one_line(alert.rule, _MAX_TEXT) if alert else "",
        "custom_details": _details(n),
    }
    return {
        "payload": {name: value for name, value in payload.items() if value},
        "links": _links(n),
        "client": "incidentd",
        "client_url": n.url,
    }


def _source(n: Notification) -> str:
    return n.labels.get("instance") or n.labels.get("service") or n.component or n.name


def _details(n: Notification) -> dict[str, Any]:
    details: dict[str, Any] = {"incident": n.name, "severity": n.severity.value}
    details |= {fact.name.lower(): wording.one_line(fact.value, _MAX_TEXT) for fact in wording.facts(n)[1:]}
    if n.runbook:
        if n.runbook.next_step:
            details["next step"] = wording.clean(n.runbook.next_step, _MAX_TEXT)
        details["runbook"] = n.runbook.url
    details["alerts"] = [
        wording.one_line(wording.alert_line(alert), _MAX_TEXT) for alert in (n.firing or n.alerts)[:_SHOWN_ALERTS]
    ]
    details["labels"] = {
        wording.one_line(name, _MAX_TEXT): wording.one_line(value, _MAX_TEXT)
        for name, value in sorted(n.labels.items())[:_SHOWN_LABELS]
    }
    if n.previous:
        details["previous incident"] = n.previous
    return details


def _links(n: Notification) -> list[dict[str, str]]:
    links = [{"href": n.url, "text": f"{n.name} in incidentd"}]
    if n.runbook:
        links.append({"href": n.runbook.url, "text": wording.one_line(f"Runbook: {n.runbook.title}", _MAX_TEXT)})
    return links
