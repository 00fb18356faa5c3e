"""One declaration mutes, and tells the public what it may know: nothing of matchers, author or reason."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from incidentd.catalog.silence import AuthoredSilence
from incidentd.store.tables import SilenceRow
from tests.unit.statuspage.test_statuspage_summary import CONTRACTS, PATHS, needs_contracts
from tests.unit.statuspage.town import Town, at, happened

SECRET = "hunter2-dbhost.internal-anna"


def announce(town: Town, title: str = "New database", **fields: Any) -> None:
    """From 11:00 to 13:00; it is noon."""
    row: dict[str, Any] = {
        "matchers": [f'host="{SECRET}"'],
        "author": SECRET,
        "reason": SECRET,
        "origin": "cli",
        "starts_at": at("11-20 11:00"),
        "ends_at": at("11-20 13:00"),
        "created_at": at("11-20 10:00"),
        "maintenance": {"title": title, "message": "Read only for an hour.", "components": ["chat-api", "gone"]},
    }
    with town.database.transaction() as session:
        session.add(SilenceRow(**(row | fields)))


def document(town: Town, path: str) -> Any:
    return json.loads(town.read(f"api/v2/{path}.json"))


def test_what_is_in_progress_is_on_the_page_and_its_component_is_under_maintenance(town: Town) -> None:
    announce(town)
    town.publish()
    page = " ".join(town.read("index.html").split())
    assert "<h1>Maintenance is in progress</h1>" in page
    assert "<h3>New database</h3>" in page
    assert "<strong>In progress</strong>" in page
    assert "Read only for an hour." in page
    assert page.count("Under maintenance") == 1
    summary = document(town, "summary")
    (one,) = summary["scheduled_maintenances"]
    assert (one["name"], one["status"], one["impact"]) == ("New database", "in_progress", "maintenance")
    assert (one["scheduled_for"], one["scheduled_until"]) == (
        "2026-11-20T11:00:00.000+00:00", "2026-11-20T13:00:00.000+00:00",
    )  # fmt: skip
    assert one["incident_updates"][0]["body"] == "Read only for an hour."
    assert [component["id"] for component in one["components"]] == ["chat-api"]
    statuses = {component["name"]: component["status"] for component in summary["components"]}
    assert statuses == {
        "Chat API": "under_maintenance",
        "Embeddings": "operational",
        "Sign-in": "operational",
        "API": "under_maintenance",
    }
    assert document(town, "status")["status"] == {
        "indicator": "maintenance",
        "description": "Service Under Maintenance",
    }


def test_nothing_of_the_silence_itself_is_in_any_file(town: Town) -> None:
    announce(town)
    announce(town, starts_at=at("11-21 11:00"), ends_at=at("11-21 13:00"))
    announce(town, ended_at=at("11-20 11:30"), ended_by=SECRET)
    town.publish()
    for path in (path for path in town.out.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8")
        assert "hunter2" not in text
        assert "S-1" not in text


@pytest.mark.parametrize(
    ("fields", "stage", "listed"),
    [
        ({"starts_at": at("11-20 12:30")}, "scheduled", ["summary", "upcoming"]),
        ({}, "in_progress", ["summary", "active"]),
        ({"ends_at": at("11-20 11:30")}, "completed", []),
        ({"ended_at": at("11-20 11:30")}, "completed", []),
    ],
)
def test_it_is_scheduled_then_in_progress_then_completed(
    town: Town, fields: dict[str, Any], stage: str, listed: list[str]
) -> None:
    announce(town, **fields)
    town.publish()
    assert [one["status"] for one in document(town, "scheduled-maintenances")["scheduled_maintenances"]] == [stage]
    paths = {
        "summary": "summary",
        "upcoming": "scheduled-maintenances/upcoming",
        "active": "scheduled-maintenances/active",
    }
    found = [name for name, path in paths.items() if document(town, path)["scheduled_maintenances"]]
    assert found == listed


def test_what_was_taken_back_before_it_began_is_not_shown(town: Town) -> None:
    announce(town, starts_at=at("11-20 11:00"), ended_at=at("11-20 10:30"))
    town.publish()
    assert document(town, "scheduled-maintenances")["scheduled_maintenances"] == []


def test_an_end_that_is_far_away_is_further_notice(town: Town) -> None:
    """Statuspage's shape leaves out what is not known."""
    announce(town, ends_at=None)
    town.publish()
    assert "further notice" in town.read("index.html")
    assert "scheduled_until" not in document(town, "summary")["scheduled_maintenances"][0]


def test_an_incident_during_it_is_listed_and_counts_but_is_no_trouble_of_the_component(town: Town) -> None:
    town.story("chat-api", [happened("11-20 11:30", "opened", "detected", "sev1")])
    announce(town)
    town.publish()
    summary = document(town, "summary")
    assert [one["impact"] for one in summary["incidents"]] == ["critical"]
    assert summary["components"][0]["status"] == "under_maintenance"
    assert "Maintenance is in progress" in town.read("index.html")
    town.clock.at += timedelta(hours=2)
    town.publish()
    assert document(town, "summary")["components"][0]["status"] == "major_outage"


def test_trouble_elsewhere_is_the_headline(town: Town) -> None:
    town.story("login", [happened("11-20 11:30", "opened", "detected", "sev1")])
    announce(town)
    town.publish()
    assert "<h1>Sign-in has a major outage</h1>" in town.read("index.html")
    assert document(town, "status")["status"]["indicator"] == "critical"


def test_one_that_recurs_shows_its_next_window(town: Town) -> None:
    weekly = AuthoredSilence.model_validate(
        {
            "id": "weekly",
            "matchers": ['host="a"'],
            "author": "ops",
            "reason": "backup",
            "time_intervals": [{"weekdays": ["saturday"], "times": [{"start_time": "02:00", "end_time": "03:00"}]}],
            "maintenance": {"title": "Backup", "components": ["login"]},
        }
    )
    town.silences = (weekly,)
    town.publish()
    (one,) = document(town, "summary")["scheduled_maintenances"]
    assert (one["status"], one["scheduled_for"], one["scheduled_until"]) == (
        "scheduled", "2026-11-21T02:00:00.000+00:00", "2026-11-21T03:00:00.000+00:00",
    )  # fmt: skip
    town.clock.at = at("11-21 02:30")
    town.publish()
    (one,) = document(town, "summary")["scheduled_maintenances"]
    assert (one["status"], one["scheduled_for"]) == ("in_progress", "2026-11-21T02:00:00.000+00:00")


def test_it_is_escaped(town: Town) -> None:
    announce(town, title="<script>alert(1)</script>")
    town.publish()
    assert "<script>alert" not in town.read("index.html")


def test_a_component_that_is_not_on_the_page_announces_nothing(town: Town) -> None:
    announce(town, maintenance={"title": SECRET, "message": "", "components": ["gone"]})
    town.publish()
    assert SECRET not in town.read("index.html")


@needs_contracts
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_with_maintenance_is_valid_by_the_contract(town: Town, path: str) -> None:
    announce(town)
    announce(town, starts_at=at("11-21 11:00"), ends_at=None, until_incident=None)
    announce(town, ended_at=at("11-20 11:30"))
    town.publish()
    contract = yaml.safe_load((CONTRACTS / "statuspage-public-v2.yml").read_text(encoding="utf-8"))
    schema = {"$ref": f"#/components/schemas/{PATHS[path]}", "components": contract["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document(town, path))
