"""The shapes of /api/v1 that are our own; times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from incidentd.lifecycle import Action, State
from incidentd.routing.mute import MuteReason
from incidentd.severity import Severity
from incidentd.web.told import DeliveryState

MAX_NOTE = 4000
"""Characters of a note."""

Labels = dict[str, str]
Value = Annotated[
    float, WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "enum": ["Infinity", "-Infinity", "NaN"]}]})
]
"""A number; JSON has none for the infinite, so those are words."""
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
_Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NOTE)]


class _Answer(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")


class AlertOut(_Answer):
    """One alert's part in the incident; *cleared_at* is null while it fires, *annotations* are those of a Prometheus
    rule."""

    rule: str
    fingerprint: str
    summary: str
    description: str
    annotations: Labels
    labels: Labels
    severity: Severity
    condition: str
    value: Value | None
    peak: Value | None
    since: datetime
    cleared_at: datetime | None


class RunbookOut(_Answer):
    """One that is not ours has no *name*, and its *url* leads out."""

    name: str
    title: str
    url: str
    owner: str
    next_step: str
    expected_resolution_seconds: float | None


class TimelineOut(_Answer):
    """*state* and *severity* are the incident's after it happened."""

    at: datetime
    kind: str
    who: str
    origin: str
    text: str
    state: State
    severity: Severity


class DeliveryOut(_Answer):
    """One destination that is told of the incident, and whether it has been."""

    channel: str
    name: str
    receiver: str
    state: DeliveryState
    told_at: datetime | None
    next_attempt_at: datetime | None
    error: str


class MutedOut(_Answer):
    """Why nobody would be paged now. *by* names what mutes, *until* is null where that is not known."""

    reason: MuteReason
    by: str
    text: str
    until: datetime | None


class IncidentOut(_Answer):
    """*version* is what a button press or an action may send back; *actions* are those that are valid now. *alerts*
    are the first fifty in a list, all of them where one incident is shown; *alert_count* and *firing_count* count all.
    *muted* is null while it is not."""

    number: int
    name: str
    uid: str
    url: str
    title: str
    state: State
    severity: Severity
    peak_severity: Severity
    version: int
    actions: list[Action]
    labels: Labels
    component: str
    owner: str
    rule_commit: str
    flaps: int
    previous: str | None
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    mitigating_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str
    muted: MutedOut | None
    alerts: list[AlertOut]
    alert_count: int
    firing_count: int
    runbooks: list[RunbookOut]
    timeline: list[TimelineOut]


class IncidentInFull(IncidentOut):
    deliveries: list[DeliveryOut]


class IncidentList(_Answer):
    """Newest first. *next_before* asks for the next page as ``?before=``; null on the last one."""

    incidents: list[IncidentOut]
    next_before: int | None


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ActionIn(_Request):
    """*by* is who acts (default: the token's name); *version* is the incident's as the actor saw it."""

    by: _Name | None = None
    version: int | None = Field(default=None, ge=1)
    note: _Note = ""


class NoteIn(_Request):
    by: _Name | None = None
    note: Annotated[_Note, Field(min_length=1)]


class ProblemOut(BaseModel):
    """RFC 9457, with further members where they help."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that may answer with these errors."""
    schema = ProblemOut.model_json_schema()
    return {status: {"content": {"application/problem+json": {"schema": schema}}} for status in statuses}
