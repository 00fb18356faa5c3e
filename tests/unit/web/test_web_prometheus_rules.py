"""Rules of Prometheus files in the API and on the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incidentd.catalog.problem import Position
from incidentd.catalog.rule import Rule
from tests.unit.web.site import Site, alert_row, open_incident


def rule(**fields: Any) -> Rule:
    return Rule.model_validate(
        {
            "name": "Down",
            "expr": "up == 0",
            "severity": "sev2",
            "for": "5m",
            "group": "nodes",
            "identity": ("a.yaml", "nodes", "Down"),
            "labels": {"severity": "critical"},
            "annotations": {"summary": "{{ $labels.job }} is down", "impact": "all"},
            "runbook_url": "https://wiki.example.com/down",
            "query_offset": "30s",
            **fields,
        }
    )


def of(site: Site, *rules: Rule) -> Site:
    positions = {one.id: Position("rules/a.yaml", 3 + index, 5) for index, one in enumerate(rules)}
    site.catalog = replace(site.catalog, rules=rules, positions=positions)
    return site


def test_rules_are_shown_in_the_groups_in_which_they_are_authored(site: Site) -> None:
    other = rule(group="disks", identity=("b",), heartbeat=True)
    first, second = of(site, rule(), other).get("/api/v1/rules").json()["data"]["groups"]
    assert (first["file"], first["name"], second["name"]) == ("rules/a.yaml", "nodes", "disks")
    (shown,) = first["rules"]
    assert shown["labels"] == {"severity": "critical"}
    assert shown["annotations"] == {"summary": "{{ $labels.job }} is down", "impact": "all"}
    assert (shown["runbookUrl"], shown["queryOffset"], shown["heartbeat"], shown["duration"]) == (
        "https://wiki.example.com/down", 30.0, False, 300.0,
    )  # fmt: skip
    assert second["rules"][0]["heartbeat"]


def test_an_alert_has_its_labels_as_prometheus_has_them_and_its_texts(site: Site) -> None:
    labels = {"job": "web", "severity": "critical", "alertname": "Down"}
    pending = alert_row(rule_id=rule().id, labels=labels, phase="pending", severity=None)
    of(site, rule()).write(pending)
    (shown,) = site.get("/api/v1/alerts").json()["data"]["alerts"]
    assert shown["labels"] == labels
    assert shown["annotations"] == {"summary": "web is down", "impact": "all"}


def test_one_that_fires_shows_the_texts_that_its_incident_has(site: Site) -> None:
    incident, alert, entry = open_incident()
    alert.rule_id, alert.rule, alert.annotations = rule().id, "Down", {"summary": "as it was"}
    of(site, rule()).write(incident, alert, entry, alert_row(rule_id=rule().id))
    (shown,) = site.get("/api/v1/alerts").json()["data"]["alerts"]
    assert (shown["annotations"], shown["incident"]) == ({"summary": "as it was"}, "INC-42")
    (listed,) = site.get("/api/v1/incidents/42").json()["alerts"]
    assert listed["annotations"] == {"summary": "as it was"}


def test_one_of_the_severity_none_fires_without_severity_and_incident(site: Site) -> None:
    of(site, rule(opens=False)).write(alert_row(rule_id=rule().id))
    (shown,) = site.get("/api/v1/alerts").json()["data"]["alerts"]
    assert (shown["state"], shown["severity"], shown["incident"]) == ("firing", None, None)


def test_a_runbook_that_is_not_ours_is_linked_from_the_incident(site: Site) -> None:
    url = "https://wiki.example.com/x/Down%20it%20is#top"
    site.write(*open_incident(runbook="", runbook_url=url))
    assert f'Runbook: <a href="{url}" rel="noreferrer">Down it is</a>' in site.get("/incidents/INC-42").text
    (shown,) = site.get("/api/v1/incidents/42").json()["runbooks"]
    assert (shown["name"], shown["title"], shown["url"]) == ("", "Down it is", url)


def test_a_link_that_is_none_is_not_shown(site: Site) -> None:
    site.write(*open_incident(runbook="", runbook_url="javascript:alert(1)"))
    page = site.get("/incidents/INC-42").text
    assert "javascript:" not in page
    assert "This rule names no runbook." in page
    assert site.get("/api/v1/incidents/42").json()["runbooks"] == []


def test_a_runbook_that_is_gone_is_linked_where_it_was_authored(site: Site) -> None:
    site.write(*open_incident(runbook="gone", runbook_url="https://wiki.example.com/gone"))
    assert 'href="https://wiki.example.com/gone"' in site.get("/incidents/INC-42").text
