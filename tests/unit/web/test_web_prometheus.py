"""Rules and alerts, for tools that know Prometheus' API."""

from __future__ import annotations

import math

import pytest

from incidentd.store.tables import AlertRow
from incidentd.web.context import RuleState
from incidentd.web.prometheus_api import go_number
from tests.unit.web.site import RULE, Site, alert_row, minutes, open_incident

ALERT = {
    "labels": {"alertname": "ErrorRate", "service": "chat", "severity": "sev2", "team": "ai"},
    "annotations": {"summary": "chat: 31% of calls fail", "description": ""},
    "state": "firing",
    "activeAt": "2026-11-20T17:58:00Z",
    "value": "3.1e-01",
    "severity": "sev2",
    "ruleId": RULE.id,
    "fingerprint": "f" * 16,
    "incident": "INC-42",
}


def test_rules_have_prometheus_shape_with_more_fields(site: Site) -> None:
    site.write(*open_incident(), alert_row())
    site.states = {RULE.id: RuleState(minutes(9.5), 0.25, "ok", "", 0.02, 3, minutes(10))}
    answer = site.get("/api/v1/rules").json()
    (group,) = answer["data"]["groups"]
    (rule,) = group.pop("rules")
    assert answer["status"] == "success"
    assert group == {
        "name": "prometheus/30s",
        "file": "rules/llm.yaml",
        "interval": 30.0,
        "limit": 0,
        "evaluationTime": 0.25,
        "lastEvaluation": "2026-11-20T18:09:30Z",
    }
    assert rule.pop("alerts") == [ALERT]
    assert rule == {
        "state": "firing",
        "name": "ErrorRate",
        "query": "sum by (service) (errors) / sum by (service) (calls)",
        "duration": 300.0,
        "keepFiringFor": 60.0,
        "labels": {"team": "ai", "severity": "sev3"},
        "annotations": {"summary": "{{ labels.service }}: {{ value | percent }} of calls fail", "description": ""},
        "health": "ok",
        "lastError": "",
        "evaluationTime": 0.25,
        "lastEvaluation": "2026-11-20T18:09:30Z",
        "type": "alerting",
        "id": RULE.id,
        "enabled": True,
        "source": "prometheus",
        "levels": [
            {"severity": "sev2", "when": "> 20%", "duration": 120.0},
            {"severity": "sev3", "when": "> 10%", "duration": 300.0},
        ],
        "cooldown": 600.0,
        "heartbeat": False,
        "queryOffset": 0.0,
        "runbook": "errors",
        "runbookUrl": "",
        "component": None,
        "owner": "",
        "line": 7,
        "nextEvaluation": "2026-11-20T18:10:00Z",
        "lastValue": "2e-02",
        "lastSamples": 3,
    }


def test_a_rule_that_was_never_evaluated_is_inactive_and_of_unknown_health(site: Site) -> None:
    (group,) = site.get("/api/v1/rules").json()["data"]["groups"]
    (rule,) = group["rules"]
    assert (rule["state"], rule["health"], rule["lastEvaluation"]) == ("inactive", "unknown", "0001-01-01T00:00:00Z")


def test_alerts_show_what_fires_and_what_is_pending_but_nothing_that_rests(site: Site) -> None:
    levels = {"sev3": {"breached_since": "2026-11-20T18:08:00+00:00", "clear_since": None, "active": False}}
    pending = {"fingerprint": "e" * 16, "labels": {"service": "search"}, "phase": "pending", "severity": None}
    resting = {"fingerprint": "d" * 16, "phase": "inactive", "severity": None}
    site.write(*open_incident(), alert_row(), alert_row(**pending, levels=levels, value=0.125), alert_row(**resting))
    first, second = sorted(site.get("/api/v1/alerts").json()["data"]["alerts"], key=lambda one: str(one["state"]))
    assert first == ALERT
    assert (second["state"], second["activeAt"], second["incident"]) == ("pending", "2026-11-20T18:08:00Z", None)
    assert second["labels"] == {"alertname": "ErrorRate", "service": "search"}
    assert second["annotations"]["summary"] == "search: 12.5% of calls fail"


def test_the_alert_of_a_built_in_rule_is_shown_with_its_incident(site: Site) -> None:
    """Regression: only rules of the catalog were listed, so a source that fails was missing."""
    incident, alert, entry = open_incident()
    alert.rule_id, alert.rule = "builtin", "SourceFailing"
    row = AlertRow(**alert_row().model_dump() | {"rule_id": "builtin", "labels": {"source": "prometheus"}})
    site.write(incident, alert, entry, row)
    (shown,) = site.get("/api/v1/alerts").json()["data"]["alerts"]
    assert (shown["labels"]["alertname"], shown["incident"]) == ("SourceFailing", "INC-42")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42.0, "4.2e+01"),
        (1.0, "1e+00"),
        (0.05, "5e-02"),
        (0.0, "0e+00"),
        (-1500.0, "-1.5e+03"),
        (1e-300, "1e-300"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (None, "NaN"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float | None, text: str) -> None:
    assert go_number(value) == text
