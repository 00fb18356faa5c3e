"""What machines ask: metrics, liveness, readiness, reload."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from incidentd.catalog.problem import Position, Problem
from incidentd.web.context import HealthReport, ReloadResult
from tests.unit.web.site import TOKEN, Site, alert_row, delivery, minutes, open_incident, outbox


def test_metrics_say_what_the_store_holds_now(site: Site) -> None:
    site.write(*open_incident(41), *open_incident(42, state="acknowledged"), alert_row())
    waiting = delivery(42, "slack", "Slack #a", due_at=minutes(0))
    site.write(waiting)
    assert waiting.id is not None
    site.write(outbox(waiting.id, 42), outbox(waiting.id, 42, created_at=minutes(5)))
    samples = scraped(site)
    assert samples["incidentd_incidents", "detected", "sev2"] == 1
    assert samples["incidentd_incidents", "acknowledged", "sev2"] == 1
    assert samples["incidentd_incidents", "mitigating", "sev1"] == 0
    assert samples["incidentd_alerts", "firing"] == 1
    assert samples["incidentd_outbox_depth",] == 2
    assert samples["incidentd_outbox_age_seconds",] == 600
    site.post("/api/v1/incidents/41/resolve", token=TOKEN)
    assert scraped(site)["incidentd_incidents", "detected", "sev2"] == 0


def scraped(site: Site) -> dict[tuple[str, ...], float]:
    """The samples by name and values of labels."""
    families = text_string_to_metric_families(site.get("/metrics").text)
    return {
        (one.name, *(value for _, value in sorted(one.labels.items(), reverse=True))): one.value
        for family in families
        for one in family.samples
    }


def test_the_process_is_healthy_while_it_answers(site: Site) -> None:
    site.report = HealthReport(ready=False)
    assert (site.get("/-/healthy").status_code, site.get("/-/healthy").text) == (200, "incidentd is healthy.\n")


def test_it_is_ready_when_every_part_is(site: Site) -> None:
    answer = site.get("/-/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": {"database": "answers"}})


def test_a_part_that_fails_makes_it_unready_and_is_named(site: Site) -> None:
    site.report = HealthReport(ready=False, checks={"database": "ok", "threads": "ended: publish"})
    answer = site.get("/-/ready")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "database: ok; threads: ended: publish"
    assert answer.json()["checks"]["threads"] == "ended: publish"


def test_a_reload_says_what_changed(site: Site) -> None:
    site.reloaded = ReloadResult(ok=True, added=("A",), changed=("B", "C"), removed=())
    answer = site.post("/-/reload", token=TOKEN)
    assert (answer.status_code, answer.json()) == (200, {"added": ["A"], "changed": ["B", "C"], "removed": []})


def test_a_refused_reload_names_file_line_and_column(site: Site) -> None:
    problem = Problem(Position("rules/llm.yaml", 7, 5), "`exprr` is unknown", "did you mean `expr`?")
    site.reloaded = ReloadResult(ok=False, problems=(problem,))
    answer = site.post("/-/reload", token=TOKEN)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    (found,) = answer.json()["problems"]
    position = found["position"]
    assert (position["file"], position["line"], position["column"]) == ("rules/llm.yaml", 7, 5)
    assert (found["message"], found["hint"]) == ("`exprr` is unknown", "did you mean `expr`?")
