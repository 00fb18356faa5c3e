"""Notifications made of literals, for every test that needs one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from incidentd.lifecycle import State, actions
from incidentd.notify.notification import AlertLine, Kind, Notification, RunbookLink, TimelineLine
from incidentd.severity import Severity

OPENED_AT = datetime(2024, 5, 6, 16, 2, tzinfo=UTC)
NOW = datetime(2024, 5, 6, 16, 14, tzinfo=UTC)
HOSTILE = "<!channel> & {noformat} *b* [~admin] \r\nBcc: eve@example.com \u202e end"


def alert(**changes: Any) -> AlertLine:
    """One alert that fires: 21 % of calls fail."""
    return replace(
        AlertLine(
            rule="LLMErrorRateHigh",
            summary="chat: 21% of LLM calls fail",
            description="",
            labels={"service": "chat", "model": "gpt"},
            severity=Severity.SEV2,
            condition="> 5%",
            value=0.21,
            peak=0.24,
            since=OPENED_AT,
            cleared_at=None,
        ),
        **changes,
    )


def notice(**changes: Any) -> Notification:
    """INC-42 as it was opened, 12 minutes ago; the actions follow the state."""
    state = changes.get("state", State.DETECTED)
    return replace(
        Notification(
            id="n1",
            kind=Kind.OPENED,
            headline="Opened",
            now=NOW,
            number=42,
            uid="u42",
            version=3,
            generation=1,
            title="chat: 21% of LLM calls fail",
            state=state,
            severity=Severity.SEV2,
            labels={"service": "chat"},
            alerts=(alert(),),
            url="https://incidents.example.com/incidents/INC-42",
            actions=actions(state),
            opened_at=OPENED_AT,
            owner="ai-platform",
            component="chat-api",
            runbook=RunbookLink(
                name="llm-error-rate",
                title="Elevated error rate",
                url="https://incidents.example.com/runbooks/llm-error-rate",
                next_step="Check the provider's status page.",
                owner="ai-platform",
                expected_resolution=timedelta(minutes=30),
            ),
            timeline=(TimelineLine(OPENED_AT, "the rule", "Opened as sev2"),),
        ),
        **changes,
    )


def acknowledged(**changes: Any) -> Notification:
    """Anna acknowledged it after two minutes."""
    known: dict[str, Any] = {
        "id": "n2",
        "kind": Kind.ACKNOWLEDGED,
        "headline": "Acknowledged by anna",
        "state": State.ACKNOWLEDGED,
        "version": 4,
        "acknowledged_at": OPENED_AT + timedelta(minutes=2),
        "acknowledged_by": "anna",
    }
    return notice(**(known | changes))


def resolved(**changes: Any) -> Notification:
    """The rule resolved it after ten minutes."""
    known: dict[str, Any] = {
        "id": "n3",
        "kind": Kind.RESOLVED,
        "headline": "Resolved by the rule",
        "state": State.RESOLVED,
        "version": 5,
        "resolved_at": OPENED_AT + timedelta(minutes=10),
        "resolved_by": "the rule",
        "alerts": (alert(value=0.01, cleared_at=OPENED_AT + timedelta(minutes=10)),),
    }
    return acknowledged(**(known | changes))
