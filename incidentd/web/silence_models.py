"""The shapes of /api/v1/silences, which the command line prints too; times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from incidentd import duration
from incidentd.incidents.preview import LOOKS_BACK, Preview
from incidentd.labels import parse_matcher
from incidentd.routing.silence import Silence, SilenceState
from incidentd.web import numbers

_MOST_MATCHERS = 50
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class MaintenanceOut(BaseModel):
    """What the status page says of it: nothing but this, and when."""

    title: str
    message: str
    components: list[str]


class SilenceOut(BaseModel):
    """*origin* is where it was made: ``api``, ``page``, ``cli``, or ``file``. *recurs*: it mutes in windows that its
    file names. *until_resolved* is the incident with which it ends, *ended_at* when it was ended before its time."""

    id: str
    state: SilenceState
    origin: str
    matchers: list[str]
    author: str
    reason: str
    starts_at: datetime | None
    ends_at: datetime | None
    recurs: bool
    until_resolved: str | None
    maintenance: MaintenanceOut | None
    created_at: datetime | None
    ended_at: datetime | None
    ended_by: str


class SilenceList(BaseModel):
    """Those of files first, then those that people made, newest first."""

    silences: list[SilenceOut]


class AlertSeenOut(BaseModel):
    labels: dict[str, str]
    phase: str


class IncidentSeenOut(BaseModel):
    """*wholly*: all of its alerts would be muted, so that nobody would be told."""

    name: str
    title: str
    severity: str
    state: str
    opened_at: datetime
    wholly: bool


class PreviewNow(BaseModel):
    """Counts are of all, lists hold the first 50."""

    alert_count: int
    alerts: list[AlertSeenOut]
    incident_count: int
    incidents: list[IncidentSeenOut]


class PreviewPast(BaseModel):
    """Incidents that were open in the last *days*, and the pages that were sent for those that would have been muted as
    a whole. Not *is_complete*: there were too many to look at."""

    days: int
    alert_count: int
    incident_count: int
    incidents: list[IncidentSeenOut]
    pages: int
    is_complete: bool


class PreviewOut(BaseModel):
    matchers: list[str]
    now: PreviewNow
    past: PreviewPast


class PreviewIn(BaseModel):
    """*until_resolved* names an incident, whose labels are taken where *matchers* are missing. *everything* says that
    it is meant to match alerts without labels too."""

    model_config = ConfigDict(extra="forbid")

    matchers: Annotated[list[_Text], Field(max_length=_MOST_MATCHERS)] = []
    until_resolved: str | None = None
    everything: bool = False

    @field_validator("matchers")
    @classmethod
    def _are_matchers(cls, texts: list[str]) -> list[str]:
        for text in texts:
            parse_matcher(text)
        return texts

    @field_validator("until_resolved")
    @classmethod
    def _is_an_incident(cls, text: str | None) -> str | None:
        if text is not None and numbers.parse(text) is None:
            raise ValueError(f"{text!r} is no incident; write 42 or INC-42")
        return text


class MaintenanceIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: _Text
    message: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""
    components: Annotated[list[_Text], Field(min_length=1, max_length=_MOST_MATCHERS)]


class SilenceIn(PreviewIn):
    """It begins at *starts_at* (default: now) and ends at *ends_at*, or after *for*, or with *until_resolved*. *author*
    is the token's name unless given."""

    reason: _Text
    author: _Name | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    lasts: str | None = Field(default=None, alias="for", examples=["2h"])
    maintenance: MaintenanceIn | None = None

    @field_validator("lasts")
    @classmethod
    def _is_a_duration(cls, text: str | None) -> str | None:
        if text is not None:
            duration.parse(text)
        return text


def silence_out(silence: Silence, now: datetime) -> SilenceOut:
    maintenance = silence.maintenance
    return SilenceOut(
        id=silence.id,
        state=silence.state(now),
        origin=silence.origin,
        matchers=[str(one) for one in silence.matchers.all_of],
        author=silence.author,
        reason=silence.reason,
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        recurs=bool(silence.time_intervals),
        until_resolved=f"INC-{silence.until_incident}" if silence.until_incident is not None else None,
        maintenance=MaintenanceOut.model_validate(maintenance.model_dump()) if maintenance is not None else None,
        created_at=silence.created_at,
        ended_at=silence.ended_at,
        ended_by=silence.ended_by,
    )


def preview_out(preview: Preview) -> PreviewOut:
    return PreviewOut(
        matchers=[str(one) for one in preview.matchers.all_of],
        now=PreviewNow(
            alert_count=preview.alert_count,
            alerts=[AlertSeenOut(labels=dict(one.labels), phase=one.phase) for one in preview.alerts],
            incident_count=preview.open_count,
            incidents=[IncidentSeenOut.model_validate(one, from_attributes=True) for one in preview.open_incidents],
        ),
        past=PreviewPast(
            days=LOOKS_BACK.days,
            alert_count=preview.past_alert_count,
            incident_count=preview.past_count,
            incidents=[IncidentSeenOut.model_validate(one, from_attributes=True) for one in preview.past],
            pages=preview.pages,
            is_complete=preview.is_complete,
        ),
    )
