"""A rule that must always fire: its absence is the alert."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from incidentd.alert import Alert, Phase
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder
from incidentd.sources.base import Answered, Sample

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


class Pulse:
    """One heartbeat fed minute by minute."""

    def __init__(self, **authored: Any) -> None:
        fields = {"name": "Watchdog", "expr": "vector(1)", "severity": "sev2", "for": "2m", "heartbeat": True}
        self.rule = Rule.model_validate(fields | authored)
        self.alerts: dict[str, Alert] = {}

    def at(self, minute: float, *values: float, **labels: str) -> list[str]:
        samples = tuple(Sample(labels, value) for value in values)
        said = []
        for one in ladder.step(self.rule, Answered(samples), self.alerts, T0 + timedelta(minutes=minute)):
            if one.after.phase is Phase.INACTIVE:
                self.alerts.pop(one.after.key.fingerprint, None)
            else:
                self.alerts[one.after.key.fingerprint] = one.after
            said.append(one.change.value)
        return said


def test_while_it_beats_there_is_nothing() -> None:
    pulse = Pulse()
    assert pulse.at(0, 1) == []
    assert pulse.at(9, 1, job="a") == []


def test_its_absence_from_a_complete_answer_fires_after_for_and_clears_when_it_is_back() -> None:
    pulse = Pulse()
    assert pulse.at(0) == ["started"]
    assert pulse.at(1.9) == ["same"]
    assert pulse.at(2) == ["fired"]
    (alert,) = pulse.alerts.values()
    assert (alert.labels, alert.severity) == ({"alertname": "Watchdog"}, "sev2")
    assert pulse.at(3, 1) == ["cleared"]
    assert pulse.at(4, 1) == []


def test_a_beat_starts_the_clock_anew() -> None:
    pulse = Pulse()
    pulse.at(0)
    assert pulse.at(1, 1) == ["ended"]
    assert pulse.at(2) == ["started"]
    assert pulse.at(3) == ["same"]


def test_a_value_that_is_not_what_it_fires_for_is_no_beat() -> None:
    pulse = Pulse(expr="up", when="> 0", **{"for": "0s"})
    assert pulse.at(0, 1) == []
    assert pulse.at(1, 0) == ["fired"]
    assert pulse.at(2, 0, 1) == ["cleared"]


def test_nan_says_nothing() -> None:
    pulse = Pulse(**{"for": "0s"})
    assert pulse.at(0, math.nan) == []
    assert pulse.at(1) == ["fired"]
    assert pulse.at(2, math.nan) == []


def test_what_fired_before_the_rule_was_a_heartbeat_clears() -> None:
    pulse = Pulse()
    pulse.rule = pulse.rule.model_copy(update={"heartbeat": False})
    pulse.at(0, 1, job="a")
    pulse.rule = pulse.rule.model_copy(update={"heartbeat": True})
    assert pulse.at(1, 1, job="a") == ["ended"]
    assert pulse.alerts == {}
