"""A notification -> the JSON that a webhook receives.

The shape is versioned by ``version``: fields are added within a version, never renamed or removed. Moments are ISO 8601
in UTC, durations are seconds, what is not known is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from incidentd.notify.notification import AlertLine, Notification

VERSION = "1"


def build(notification: Notification) -> Mapping[str, Any]:
    """Everything about the incident as it is now, and why it is told (``kind``, ``headline``)."""
    n = notification
    return {
        "version": VERSION,
        "id": n.id,
        "kind": n.kind.value,
        "headline": n.headline,
        "sent_at": _moment(n.now),
        "incident": _incident(n),
        "alerts": [_alert(alert) for alert in n.alerts],
        "runbook": _runbook(n),
        "timeline": [{"at": _moment(line.at), "who": line.who, "text": line.text} for line in n.timeline],
    }


def _incident(n: Notification) -> dict[str, Any]:
    return {
        "number": n.number,
        "name": n.name,
        "uid": n.uid,
        "version": n.version,
        "generation": n.generation,
        "title": n.title,
        "state": n.state.value,
        "severity": n.severity.value,
        "labels": dict(n.labels),
        "url": n.url,
        "owner": n.owner,
        "component": n.component,
        "opened_at": _moment(n.opened_at),
        "acknowledged_at": _moment(n.acknowledged_at),
        "acknowledged_by": n.acknowledged_by,
        "mitigating_at": _moment(n.mitigating_at),
        "resolved_at": _moment(n.resolved_at),
        "resolved_by": n.resolved_by,
        "flaps": n.flaps,
        "previous": n.previous or None,
    }


def _alert(alert: AlertLine) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "summary": alert.summary,
        "description": alert.description,
        "labels": dict(alert.labels),
        "severity": alert.severity.value,
        "condition": alert.condition,
        "value": _number(alert.value),
        "peak": _number(alert.peak),
        "since": _moment(alert.since),
        "cleared_at": _moment(alert.cleared_at),
    }


def _runbook(n: Notification) -> dict[str, Any] | None:
    if n.runbook is None:
        return None
    expected = n.runbook.expected_resolution
    return {
        "name": n.runbook.name,
        "title": n.runbook.title,
        "url": n.runbook.url,
        "next_step": n.runbook.next_step,
        "owner": n.runbook.owner,
        "expected_resolution": expected.total_seconds() if expected else None,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _number(value: float | None) -> float | str | None:
    """JSON knows no NaN and no infinity: they are told as Prometheus writes them."""
    if value is None or value - value == 0:
        return value
    return "NaN" if value != value else ("+Inf" if value > 0 else "-Inf")  # noqa: PLR0124 - only NaN differs from itself
