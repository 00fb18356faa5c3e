"""One rule fed reading by reading, as an evaluator would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from incidentd.alert import Alert, Phase
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder
from incidentd.sources.base import Answered, Sample

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
CHAT = {"service": "chat"}

LADDER: dict[str, Any] = {
    "name": "ErrorRate",
    "expr": "errors",
    "levels": [
        {"when": "> 0.05", "severity": "sev2", "for": "2m"},
        {"when": "> 2%", "severity": "sev3", "for": "5m"},
    ],
    "resolve": {"when": "< 0.015", "for": "5m"},
}
SIMPLE: dict[str, Any] = {"name": "Down", "expr": "up == 0", "severity": "sev2", "for": "1m"}


class Walk:
    """One rule fed minute by minute; remembers what the evaluator would."""

    def __init__(self, **authored: Any) -> None:
        self.rule = Rule.model_validate(authored)
        self.alerts: dict[str, Alert] = {}

    def at(self, minute: float, *values: float | tuple[Mapping[str, str], float]) -> list[str]:
        """What each series did, as ``fired sev2``."""
        samples = tuple(Sample(*value) if isinstance(value, tuple) else Sample(CHAT, float(value)) for value in values)
        transitions = ladder.step(self.rule, Answered(samples), self.alerts, T0 + timedelta(minutes=minute))
        said = []
        for one in transitions:
            if one.after.phase is Phase.INACTIVE:
                self.alerts.pop(one.after.key.fingerprint, None)
            else:
                self.alerts[one.after.key.fingerprint] = one.after
            said.append(f"{one.change} {one.after.severity or ''}".strip())
        return said

    @property
    def only(self) -> Alert:
        (alert,) = self.alerts.values()
        return alert
