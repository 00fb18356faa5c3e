"""A notification -> the JSON that a webhook receives.

The shape is versioned by ``version``: fields are added within a version, never renamed or removed. Moments are ISO 8601
in UTC, durations are seconds, what is not known is null. Texts are cut at 4,000 characters, labels at 1,000; the
first hundred alerts, the last hundred lines of the timeline and fifty labels are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from incidentd.labels import Labels
from incidentd.notify import wording
from incidentd.notify.notification import AlertLine, Notification

VERSION = "1"
_MAX_TEXT = 4000
_MAX_ITEMS = 100
_MAX_LABEL = 1000
_MAX_LABELS = 50


def build(notification: Notification) -> Mapping[str, Any]:
    """Everything about the incident as it is now, and why it is told (``kind``, ``headline``)."""
    n = notification
    return {
        "version": VERSION,
        "id": n.id,
        "kind": n.kind.value,
        "headline": _text(n.headline),
        "sent_at": _moment(n.now),
        "incident": _incident(n),
        "alerts": [_alert(alert) for alert in n.alerts[:_MAX_ITEMS]],
        "runbook": _runbook(n),
        "timeline": [
            {"at": _moment(line.at), "who": _text(line.who), "text": _text(line.text)}
            for line in n.timeline[-_MAX_ITEMS:]
        ],
    }


def _incident(n: Notification) -> dict[str, Any]:
    return {
        "number": n.number,
        "name": n.name,
        "uid": n.uid,
        "version": n.version,
        "generation": n.generation,
        "title": _text(n.title),
        "state": n.state.value,
        "severity": n.severity.value,
        "labels": _labels(n.labels),
        "url": n.url,
        "owner": _text(n.owner),
        "component": _text(n.component),
        "opened_at": _moment(n.opened_at),
        "acknowledged_at": _moment(n.acknowledged_at),
        "acknowledged_by": _text(n.acknowledged_by),
        "mitigating_at": _moment(n.mitigating_at),
        "resolved_at": _moment(n.resolved_at),
        "resolved_by": _text(n.resolved_by),
        "flaps": n.flaps,
        "previous": _text(n.previous) or None,
        "alerts": n.alert_count,
    }


def _alert(alert: AlertLine) -> dict[str, Any]:
    return {
        "rule": _text(alert.rule),
        "summary": _text(alert.summary),
        "description": _text(alert.description),
        "labels": _labels(alert.labels),
        "annotations": _annotations(alert.annotations),
        "severity": alert.severity.value,
        "condition": _text(alert.condition),
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
        "next_step": _text(n.runbook.next_step),
        "owner": n.runbook.owner,
        "expected_resolution": expected.total_seconds() if expected else None,
    }


def _text(text: str) -> str:
    return wording.clean(text, _MAX_TEXT)


def _labels(labels: Labels) -> dict[str, str]:
    return {
        wording.clean(name, _MAX_LABEL): wording.clean(value, _MAX_LABEL)
        for name, value in sorted(labels.items())[:_MAX_LABELS]
    }


def _annotations(annotations: Labels) -> dict[str, str]:
    return {wording.clean(name, _MAX_LABEL): _text(value) for name, value in sorted(annotations.items())[:_MAX_LABELS]}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _number(value: float | None) -> float | str | None:
    """JSON knows no NaN and no infinity: they are told as Prometheus writes them."""
    if value is None or value - value == 0:
        return value
    return "NaN" if value != value else ("+Inf" if value > 0 else "-Inf")  # noqa: PLR0124 - only NaN differs from itself
