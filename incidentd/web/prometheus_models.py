"""The shapes of /api/v1/rules and /api/v1/alerts: Prometheus' own, with more fields.

https://prometheus.io/docs/prometheus/latest/querying/api/#rules
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from incidentd.alert import Phase
from incidentd.severity import Severity

DataT = TypeVar("DataT")

_ZERO_TIME = datetime.fromisoformat("0001-01-01T00:00:00+00:00")
"""What Prometheus, being written in Go, says for a time that has not come yet."""


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class AlertOut(_Answer):
    """*value* is a number in Go's notation. Ours: *severity*, *rule_id*, *fingerprint* and *incident*."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: Phase
    active_at: datetime | None
    value: str
    severity: Severity | None
    rule_id: str
    fingerprint: str
    incident: str | None


class LevelOut(_Answer):
    severity: Severity
    when: str | None
    duration: float


class RuleOut(_Answer):
    """Durations are in seconds; *duration* is that of the mildest level. Ours: all below *type*."""

    state: Phase
    name: str
    query: str
    duration: float
    keep_firing_for: float
    labels: dict[str, str]
    annotations: dict[str, str]
    alerts: list[AlertOut]
    health: Literal["ok", "err", "unknown"]
    last_error: str = ""
    evaluation_time: float
    last_evaluation: datetime = _ZERO_TIME
    type: Literal["alerting"] = "alerting"
    id: str
    enabled: bool
    source: str
    levels: list[LevelOut]
    cooldown: float
    heartbeat: bool
    query_offset: float
    runbook: str | None
    runbook_url: str
    component: str | None
    owner: str
    line: int
    next_evaluation: datetime | None
    last_value: str | None
    last_samples: int


class GroupOut(_Answer):
    """The group of a Prometheus file as it is authored, or the rules of one of our files that share a source and an
    interval (seconds)."""

    name: str
    file: str
    interval: float
    limit: int = 0
    rules: list[RuleOut]
    evaluation_time: float
    last_evaluation: datetime


class Rules(_Answer):
    groups: list[GroupOut]


class Alerts(_Answer):
    alerts: list[AlertOut]


class Success(BaseModel, Generic[DataT]):
    status: Literal["success"] = "success"
    data: DataT
