"""``prometheus_rules`` of incidentd.yaml: how the alerts of Prometheus' own rule files become rules of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, field_validator

from incidentd.catalog.route import AuthoredMatchers
from incidentd.duration import Duration
from incidentd.labels import Labels
from incidentd.settings import Section
from incidentd.severity import Severity

NONE = "none"
_CHOICES = (*(one.value for one in Severity), NONE)
_NAMES = """
watchdog prometheuswatchdog alertmanagerwatchdog deadmansswitch deadmanswitch deadmansnitch deadmanssnitch alwaysfiring
"""
_ALWAYS_FIRES = re.compile(r"\s*vector\(\s*\d+(?:\.\d+)?\s*\)\s*")
_NO_LETTER = re.compile(r"[^a-z]")


def _from_authored(value: Any) -> Any:
    if value == NONE or value is None:
        return None
    if isinstance(value, str) and value in _CHOICES:
        return Severity(value)
    raise ValueError(f"{value!r} is no severity; write one of {', '.join(_CHOICES)}")


MappedSeverity = Annotated[
    Severity | None,
    BeforeValidator(_from_authored),
    PlainSerializer(lambda value: value or NONE),
    WithJsonSchema({"enum": list(_CHOICES)}),
]
"""A severity, or None for ``none``: it opens nothing."""

SEVERITIES: Mapping[str, Severity | None] = {
    **dict.fromkeys(("sev1", "s1", "p1", "emergency", "disaster", "blocker"), Severity.SEV1),
    **dict.fromkeys(("sev2", "s2", "p2", "critical", "crit", "page", "fatal", "high", "major"), Severity.SEV2),
    **dict.fromkeys(
        ("sev3", "s3", "p3", "error", "err", "warning", "warn", "medium", "moderate", "average", "ticket"),
        Severity.SEV3,
    ),
    **dict.fromkeys(
        ("sev4", "s4", "p4", "info", "information", "informational", "notice", "notify", "low", "minor", "task"),
        Severity.SEV4,
    ),
    NONE: None,
}
"""What occurs in real rule files, in lower case."""


class PrometheusRules(Section):
    """*severity* adds to :data:`SEVERITIES` and overrides them, ignoring case. A rule that any of *heartbeats* meets is
    one, beside those that are known by their name or because they always fire."""

    source: str | None = None
    severity_label: str = "severity"
    severity: Mapping[str, MappedSeverity] = {}
    default_severity: MappedSeverity = Severity.SEV3
    heartbeat_severity: Severity = Severity.SEV2
    heartbeats: tuple[AuthoredMatchers, ...] = ()
    group_by: tuple[str, ...] = ()
    cooldown: Duration = timedelta(minutes=5)

    @field_validator("severity")
    @classmethod
    def _lower(cls, severity: Mapping[str, Severity | None]) -> Mapping[str, Severity | None]:
        return {value.lower(): mapped for value, mapped in severity.items()}

    def knows(self, value: str) -> bool:
        """Whether the label's *value* is in the map."""
        return value.lower() in self.severity or value.lower() in SEVERITIES

    def severity_of(self, labels: Labels) -> Severity | None:
        """The severity for a rule with these static labels; None opens nothing."""
        value = labels.get(self.severity_label, "").lower()
        known = {**SEVERITIES, **self.severity}
        return known.get(value, self.default_severity)

    def is_heartbeat(self, name: str, expr: str, labels: Labels) -> bool:
        """Whether the alert must always fire, so that its absence is the incident."""
        if _NO_LETTER.sub("", name.lower()) in _NAMES.split() or _ALWAYS_FIRES.fullmatch(expr):
            return True
        described = {**labels, "alertname": name}
        return any(matchers.matches(described) for matchers in self.heartbeats)
