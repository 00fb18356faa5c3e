"""The JSON as consumers of Statuspage read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from incidentd.catalog.component import StatusPage
from tests.unit.statuspage.town import CHAT, EMBED, LOGIN, Town, happened

CONTRACTS = Path(__file__).parents[4] / "shared" / "contracts"
PATHS = {
    "summary": "SummaryResponse",
    "status": "StatusResponse",
    "components": "ComponentsResponse",
    "incidents": "IncidentsResponse",
    "incidents/unresolved": "IncidentsResponse",
    "scheduled-maintenances": "ScheduledMaintenancesResponse",
    "scheduled-maintenances/upcoming": "ScheduledMaintenancesResponse",
    "scheduled-maintenances/active": "ScheduledMaintenancesResponse",
}

needs_contracts = pytest.mark.skipif(
    not CONTRACTS.is_dir(), reason="the vendors' contracts are not here: ../shared/contracts beside the repository"
)


@pytest.fixture
def answer(town: Town) -> Callable[[str], Any]:
    """A page with an open outage, a resolved incident and one that nobody may see; answers by path."""
    town.page = StatusPage(title="Example", out=town.out, time_zone="Europe/Berlin", components=(CHAT, EMBED, LOGIN))
    town.story(
        "login",
        [
            happened("11-18 09:00", "opened", "detected", "sev1"),
            happened("11-18 09:05", "acknowledged", "acknowledged", "sev1"),
            happened("11-18 09:20", "mitigating", "mitigating", "sev1"),
            happened("11-18 09:30", "resolved", "resolved", "sev1"),
        ],
        uid="a" * 32,
    )
    town.story(
        "chat-api",
        [
            happened("11-20 11:00", "opened", "detected", "sev3"),
            happened("11-20 11:10", "severity", "detected", "sev2"),
        ],
        uid="b" * 32,
    )
    town.story("", [happened("11-20 11:00", "opened", "detected", "sev1")])
    town.publish()
    return lambda path: json.loads(town.read(f"api/v2/{path}.json"))


@needs_contracts
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_valid_by_the_contract(path: str, answer: Callable[[str], Any]) -> None:
    contract = yaml.safe_load((CONTRACTS / "statuspage-public-v2.yml").read_text(encoding="utf-8"))
    schema = {"$ref": f"#/components/schemas/{PATHS[path]}", "components": contract["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer(path))


@needs_contracts
@pytest.mark.parametrize("path", ["summary", "status", "components", "incidents"])
def test_every_answer_has_the_keys_of_a_live_one(path: str, answer: Callable[[str], Any]) -> None:
    live = json.loads((CONTRACTS / "statuspage-samples" / f"{path}.json").read_text(encoding="utf-8"))
    ours = answer(path)
    assert ours.keys() == live.keys()
    for noun in ("page", "status"):
        if noun in live:
            assert ours[noun].keys() == live[noun].keys()
    if "components" in live:
        assert _keys(ours["components"], group=False) == _keys(live["components"], group=False)
        assert _keys(ours["components"], group=True) == _keys(live["components"], group=True)
    if live.get("incidents"):
        assert ours["incidents"][0].keys() == live["incidents"][0].keys()
        update, live_update = ours["incidents"][0]["incident_updates"][0], live["incidents"][0]["incident_updates"][0]
        assert update.keys() == live_update.keys()
        assert update["affected_components"][0].keys() == live_update["affected_components"][0].keys()


def _keys(components: list[dict[str, Any]], *, group: bool) -> set[str]:
    return next(set(one) for one in components if one["group"] is group)


def test_the_summary_says_what_is_wrong_now(answer: Callable[[str], Any]) -> None:
    summary = answer("summary")
    assert summary["page"] == {
        "id": summary["page"]["id"],
        "name": "Example",
        "url": "https://status.example.com/status",
        "time_zone": "Europe/Berlin",
        "updated_at": "2026-11-20T13:00:00.000+01:00",
    }
    assert summary["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert [(one["name"], one["status"], one["position"], one["group"]) for one in summary["components"]] == [
        ("Chat API", "partial_outage", 1, False),
        ("Embeddings", "operational", 2, False),
        ("Sign-in", "operational", 3, False),
        ("API", "partial_outage", 4, True),
    ]
    chat, _, login, api = summary["components"]
    assert (chat["group_id"], login["group_id"], api["components"]) == (api["id"], None, ["chat-api", "embeddings"])
    assert (chat["updated_at"], login["updated_at"]) == (
        "2026-11-20T12:10:00.000+01:00",
        "2026-11-18T10:30:00.000+01:00",
    )
    assert [one["id"] for one in summary["incidents"]] == ["b" * 32]
    assert summary["scheduled_maintenances"] == []


def test_incidents_carry_their_updates_newest_first(answer: Callable[[str], Any]) -> None:
    still, over = answer("incidents")["incidents"]
    assert (still["name"], still["status"], still["impact"]) == ("Chat API: partial outage", "investigating", "major")
    assert (still["resolved_at"], still["monitoring_at"]) == (None, None)
    assert (over["name"], over["status"], over["impact"]) == ("Sign-in: major outage", "resolved", "critical")
    assert over["started_at"] == "2026-11-18T10:00:00.000+01:00"
    assert over["monitoring_at"] == "2026-11-18T10:20:00.000+01:00"
    assert over["resolved_at"] == "2026-11-18T10:30:00.000+01:00"
    assert over["shortlink"] == f"https://status.example.com/status/incidents/{'a' * 32}.html"
    assert [(one["status"], one["body"]) for one in over["incident_updates"]] == [
        ("resolved", "This incident has been resolved."),
        ("monitoring", "A fix is in place and we are watching."),
        ("identified", "The cause is being worked on."),
        ("investigating", "We are investigating."),
    ]
    assert still["incident_updates"][0]["affected_components"] == [
        {
            "code": "chat-api",
            "name": "API - Chat API",
            "old_status": "degraded_performance",
            "new_status": "partial_outage",
        }
    ]
    assert [one["id"] for one in answer("incidents/unresolved")["incidents"]] == ["b" * 32]


def test_a_quiet_page_is_operational(town: Town) -> None:
    town.publish()
    status = json.loads(town.read("api/v2/status.json"))["status"]
    assert status == {"indicator": "none", "description": "All Systems Operational"}
