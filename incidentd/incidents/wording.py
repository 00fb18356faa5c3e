"""Facts -> the sentences that people read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from incidentd import duration
from incidentd.alert import Alert
from incidentd.catalog.rule import Rule
from incidentd.labels import Labels
from incidentd.lifecycle import Action, State
from incidentd.notify import render
from incidentd.store.parts import Firing
from incidentd.store.tables import Incident, TimelineEntry
from incidentd.store.timeline import EntryKind

_LOG = structlog.get_logger(__name__)

DONE = {
    Action.ACKNOWLEDGE: "Acknowledged",
    Action.UNACKNOWLEDGE: "Acknowledgement taken back",
    Action.MITIGATE: "Mitigation begun",
    Action.RESOLVE: "Resolved",
    Action.REOPEN: "Reopened",
}
_STATE_WORDS = {
    State.DETECTED: "open and not acknowledged",
    State.ACKNOWLEDGED: "acknowledged",
    State.MITIGATING: "being mitigated",
    State.RESOLVED: "resolved",
}
_SUMMARIES = ("summary", "title", "message", "description")
_DESCRIPTIONS = ("description", "message", "details", "impact")
"""Annotations as real rule files have them, the best first."""
_MOVED = {EntryKind.MITIGATING.value: "taken into mitigation"}


def summary(rule: Rule, alert: Alert, annotations: Labels) -> str:
    """The rule's summary for this alert; the built-in text when there is none or its template fails. A rule of a
    Prometheus file has it in *annotations*; of a heartbeat they say what it is, not that it is gone."""
    if rule.is_native:
        said = _rendered(rule, rule.summary, alert)
    elif rule.heartbeat:
        said = f"{rule.name} does not fire any more: it must always fire"
    else:
        said = _annotated(annotations, _SUMMARIES)[:1_000]
    return said or f"{rule.name} {_shown(alert.labels)}".strip()


def description(rule: Rule, alert: Alert, evidence: str, annotations: Labels) -> str:
    """The rule's description for this alert, with the evidence below it."""
    said = _rendered(rule, rule.description, alert) if rule.is_native else _annotated(annotations, _DESCRIPTIONS)
    said = "" if said == summary(rule, alert, annotations) else said
    return "\n\n".join(part for part in (said, storable(evidence)) if part)


def storable(text: str) -> str:
    """*text* without NUL, which PostgreSQL refuses."""
    return text.replace("\0", "\ufffd")


def title(firing: Sequence[Firing]) -> str:
    """The worst alert's summary, and how many more there are."""
    more = f" (+{len(firing) - 1} more)" if len(firing) > 1 else ""
    return firing[0].summary + more


def alerts(count: int) -> str:
    """``1 alert``, ``2 alerts``."""
    return "1 alert" if count == 1 else f"{count} alerts"


def done(action: Action, who: str, note: str) -> str:
    """``Acknowledged by anna: looking into it``."""
    return f"{DONE[action]} by {who}" + (f": {note}" if note else "")


def already(incident: Incident) -> str:
    """Why a repeated action changed nothing."""
    return f"INC-{incident.number} is already {_STATE_WORDS[State(incident.state)]}."


def stale(incident: Incident, last: TimelineEntry | None, now: datetime) -> str:
    """Who was faster, and by how much."""
    if last is None:
        return f"INC-{incident.number} is {_STATE_WORDS[State(incident.state)]} meanwhile; nothing was done."
    ago = duration.text(now - last.at)
    return (
        f"INC-{incident.number} was {_MOVED.get(last.kind, last.kind)} {ago} earlier by {last.who}; nothing was done."
    )


def refused(incident: Incident, action: Action) -> str:
    """Why the state does not allow it."""
    return f"INC-{incident.number} is {_STATE_WORDS[State(incident.state)]}; it cannot be changed by `{action}`."


def followed(incident: Incident, newer: Incident) -> str:
    """Why an old incident stays resolved."""
    return f"INC-{incident.number} was followed by INC-{newer.number}; go on there."


def _shown(labels: Labels) -> str:
    shown = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return f"({shown})" if shown else ""


def _annotated(annotations: Labels, names: Sequence[str]) -> str:
    """The first of the annotations called *names* that says something."""
    return next((text for name in names if (text := annotations.get(name, "").strip())), "")


def _rendered(rule: Rule, template: str, alert: Alert) -> str:
    """The template's text, empty when it fails: a page is never lost to a template."""
    if not template:
        return ""
    try:
        return render.text(
            template,
            labels=alert.labels,
            value=alert.value,
            peak=alert.peak,
            rule=rule.name,
            severity=alert.severity or "",
        ).strip()
    except render.TemplateError as exc:
        _LOG.warning("a rule's template failed", action="template_failed", rule=rule.name, error=str(exc))
        return ""
