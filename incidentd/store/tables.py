"""Every table, written by `incidents` and `delivery`. Tables do not validate, so nothing is parsed into one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

METADATA = SQLModel.metadata
METADATA.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def _json(*, nullable: bool = False) -> Column[Any]:
    """A JSON column. Assign a new value to change it: changes inside the value are not seen."""
    return Column(JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"), nullable=nullable)


def _uid() -> str:
    return uuid4().hex


_OPEN = text("state <> 'resolved'")
_WAITING = text("status = 'waiting'")
_DUE = text("due_at IS NOT NULL")
_HELD = text("cleared_at IS NULL")


class Incident(SQLModel, table=True):
    """What people respond to. *version* grows with every change of state, *generation* with every page after the
    first. *paged_at* is the last opening notice, *page_again_at* when the next is due if it still fires. *held_at* is
    when the last page was held back because somebody was muted; None when none is owed. *muted_reason* and *muted_by*
    say why.
    """

    __tablename__ = "incident"
    __table_args__ = (Index("uq_incident_open_key", "key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),)

    number: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=_uid, unique=True)
    key: str = Field(index=True)
    title: str = Field(sa_type=Text)
    state: str
    severity: str
    peak_severity: str
    version: int = 1
    generation: int = 1
    labels: dict[str, str] = Field(default_factory=dict, sa_column=_json())
    component: str = ""
    runbook: str = ""
    runbook_url: str = Field(default="", sa_type=Text)
    owner: str = ""
    rule_commit: str = ""
    cooldown_seconds: float = 0
    flaps: int = 0
    previous_number: int | None = None
    opened_at: datetime = Field(index=True)
    updated_at: datetime
    paged_at: datetime
    page_again_at: datetime | None = Field(default=None, index=True)
    held_at: datetime | None = Field(default=None, index=True)
    muted_reason: str = ""
    muted_by: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigating_at: datetime | None = None
    resolved_at: datetime | None = Field(default=None, index=True)
    resolved_by: str = ""


class IncidentAlert(SQLModel, table=True):
    """One alert's part in one incident; *cleared_at* is None while it fires. *clearing*: it still fires, but only until
    its condition has been gone for long enough."""

    __tablename__ = "incident_alert"
    __table_args__ = (
        Index("ix_incident_alert_held", "rule_id", "fingerprint", sqlite_where=_HELD, postgresql_where=_HELD),
    )

    incident_number: int = Field(primary_key=True, foreign_key="incident.number")
    rule_id: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    rule: str
    labels: dict[str, str] = Field(default_factory=dict, sa_column=_json())
    severity: str
    condition: str = ""
    summary: str = Field(default="", sa_type=Text)
    description: str = Field(default="", sa_type=Text)
    annotations: dict[str, str] = Field(default_factory=dict, sa_column=_json())
    value: float | None = None
    peak: float | None = None
    since: datetime
    clearing: bool = False
    cleared_at: datetime | None = None


class AlertRow(SQLModel, table=True):
    """Where one alert stands on its ladder: what evaluation needs after a restart."""

    __tablename__ = "alert"

    rule_id: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    labels: dict[str, str] = Field(default_factory=dict, sa_column=_json())
    phase: str
    severity: str | None = None
    levels: dict[str, Any] = Field(default_factory=dict, sa_column=_json())
    value: float | None = None
    peak: float | None = None
    evaluated_at: datetime | None = None
    firing_since: datetime | None = None


class EvaluationMark(SQLModel, table=True):
    """Until when rules were evaluated. With an empty *rule_id*: all rules of the source."""

    __tablename__ = "evaluation_mark"

    source: str = Field(primary_key=True)
    rule_id: str = Field(primary_key=True)
    at: datetime


class TimelineEntry(SQLModel, table=True):
    """One happening. *state* and *severity* are the incident's after it."""

    __tablename__ = "timeline"

    id: int | None = Field(default=None, primary_key=True)
    incident_number: int = Field(foreign_key="incident.number", index=True)
    at: datetime
    kind: str
    who: str
    origin: str
    text: str = Field(sa_type=Text)
    state: str
    severity: str


class Delivery(SQLModel, table=True):
    """One incident at one destination: where it is told, the vendor's keys, and when it is next tried.

    *destination* is the authored destination as it was at the first contact, secrets included, so that the resolve
    follows the page wherever the configuration has moved. *due_at* is None while nothing waits. *attempted_row* is the
    newest outbox row that the last attempt spoke for, None once that attempt is settled. *remote* may be there before
    *told_at*: then an attempt got that far and failed. *held_page* is the kind of page that it is owed once it is muted
    no longer, *paged_severity* the incident's when it was paged last.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("incident_number", "destination_key"),
        Index("ix_delivery_due", "channel", "due_at", sqlite_where=_DUE, postgresql_where=_DUE),
    )

    id: int | None = Field(default=None, primary_key=True)
    incident_number: int = Field(foreign_key="incident.number", index=True)
    receiver: str
    channel: str
    name: str
    destination: dict[str, Any] = Field(default_factory=dict, sa_column=_json())
    destination_key: str
    remote: dict[str, str] = Field(default_factory=dict, sa_column=_json())
    held_page: str = ""
    paged_severity: str = ""
    due_at: datetime | None = None
    attempts: int = 0
    attempted_row: int | None = None
    uncertain: bool = False
    failing_since: datetime | None = None
    lease_until: datetime | None = None
    lease_owner: str = ""
    told_at: datetime | None = None
    last_error: str = Field(default="", sa_type=Text)


class OutboxRow(SQLModel, table=True):
    """One thing that one destination must be told. *status*: waiting, sent, merged (said by a later one), dead."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "delivery_id", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(default_factory=_uid, unique=True)
    delivery_id: int = Field(foreign_key="delivery.id")
    incident_number: int = Field(index=True)
    kind: str
    text: str = Field(default="", sa_type=Text)
    private_user: str = ""
    status: str = "waiting"
    created_at: datetime
    settled_at: datetime | None = None
    error: str = Field(default="", sa_type=Text)


class SilenceRow(SQLModel, table=True):
    """A silence that somebody made while the service ran: ``S-<number>``. *until_incident* is the incident with which
    it ends. *maintenance* is what the status page says of it, None when it says nothing."""

    __tablename__ = "silence"

    number: int | None = Field(default=None, primary_key=True)
    matchers: list[str] = Field(default_factory=list, sa_column=_json())
    author: str
    reason: str = Field(sa_type=Text)
    origin: str
    starts_at: datetime
    ends_at: datetime | None = Field(default=None, index=True)
    until_incident: int | None = Field(default=None, foreign_key="incident.number", index=True)
    maintenance: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))
    created_at: datetime
    ended_at: datetime | None = Field(default=None, index=True)
    ended_by: str = ""


class ApiToken(SQLModel, table=True):
    """A token that may change something over HTTP; only its SHA-256 is kept."""

    __tablename__ = "api_token"

    name: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    created_at: datetime


class WebSession(SQLModel, table=True):
    """A browser that signed in with a token; only the SHA-256 of the cookie is kept."""

    __tablename__ = "web_session"

    digest: str = Field(primary_key=True)
    who: str
    token_digest: str
    expires_at: datetime


class Callback(SQLModel, table=True):
    """An event of a vendor that was acted on, so that its repetition does nothing."""

    __tablename__ = "callback"

    vendor: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    received_at: datetime
