"""/api/v1/incidents, as a script sees it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_spec_validator import validate

from incidentd.store.tables import TimelineEntry
from tests.unit.web.site import TOKEN, Site, delivery, minutes, open_incident, outbox

INCIDENT = "/api/v1/incidents/42"


def test_an_incident_has_everything_that_scripts_hold_on_to(site: Site) -> None:
    site.write(*open_incident(previous_number=37, rule_commit="abc1234"))
    shown = site.get("/api/v1/incidents/INC-42").json()
    alert = shown.pop("alerts")[0]
    assert shown == {
        "number": 42,
        "name": "INC-42",
        "uid": "0000000000000000000000000000002a",
        "url": "https://incidents.example.com/incidents/INC-42",
        "title": "chat: 31% of calls fail",
        "state": "detected",
        "severity": "sev2",
        "peak_severity": "sev2",
        "version": 1,
        "actions": ["acknowledge", "mitigate", "resolve"],
        "labels": {"service": "chat"},
        "component": "chat-api",
        "owner": "ai-platform",
        "rule_commit": "abc1234",
        "flaps": 0,
        "previous": "INC-37",
        "opened_at": "2026-11-20T18:00:00Z",
        "updated_at": "2026-11-20T18:00:00Z",
        "acknowledged_at": None,
        "acknowledged_by": "",
        "mitigating_at": None,
        "resolved_at": None,
        "resolved_by": "",
        "alert_count": 1,
        "firing_count": 1,
        "muted": None,
        "runbooks": [
            {
                "name": "errors",
                "title": "Calls fail",
                "url": "https://incidents.example.com/runbooks/errors",
                "owner": "ai-platform",
                "next_step": "Split the failures by status.",
                "expected_resolution_seconds": 2700.0,
            }
        ],
        "timeline": [
            {
                "at": "2026-11-20T18:00:00Z",
                "kind": "opened",
                "who": "the rule",
                "origin": "rule",
                "text": "Opened as sev2",
                "state": "detected",
                "severity": "sev2",
            }
        ],
        "deliveries": [],
    }
    assert (alert["rule"], alert["condition"], alert["value"], alert["peak"]) == ("ErrorRate", "> 20%", 0.31, 0.42)
    assert (alert["since"], alert["cleared_at"]) == ("2026-11-20T18:00:00Z", None)


@pytest.mark.parametrize("number", ["42", "INC-42", "inc-42", "0042"])
def test_an_incident_is_found_by_its_number_or_its_name(site: Site, number: str) -> None:
    site.write(*open_incident())
    assert site.get(f"/api/v1/incidents/{number}").json()["number"] == 42


@pytest.mark.parametrize("number", ["43", "INC-", "forty", "-1", "9" * 30, "4%202", "INC-42x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_incident_is_a_problem(site: Site, number: str, method: str) -> None:
    site.write(*open_incident())
    path = f"/api/v1/incidents/{number}"
    answer = site.get(path) if method == "GET" else site.post(f"{path}/resolve", token=TOKEN)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_the_list_is_filtered_and_turns_pages(site: Site) -> None:
    resolved = {"state": "resolved", "resolved_at": minutes(5)}
    site.write(*open_incident(41, **resolved), *open_incident(42), *open_incident(43, state="acknowledged"))

    def numbers(query: str) -> tuple[list[int], int | None]:
        answer = site.get(f"/api/v1/incidents{query}").json()
        return [one["number"] for one in answer["incidents"]], answer["next_before"]

    assert numbers("") == ([43, 42, 41], None)
    assert numbers("?state=open") == ([43, 42], None)
    assert numbers("?state=resolved") == ([41], None)
    assert numbers("?limit=2") == ([43, 42], 42)
    assert numbers("?limit=2&before=42") == ([41], None)


@pytest.mark.parametrize("query", ["state=closed", "limit=0", "limit=501", "before=x", f"before={2**63}"])
def test_a_wrong_query_says_what_is_wrong_with_it(site: Site, query: str) -> None:
    answer = site.get(f"/api/v1/incidents?{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["at"] == f"query.{query.partition('=')[0]}"


def test_a_responder_takes_it_through_its_states(site: Site) -> None:
    site.write(*open_incident())

    def act(action: str, **body: Any) -> dict[str, Any]:
        answer = site.post(f"{INCIDENT}/{action}", token=TOKEN, json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    acknowledged = act("acknowledge", by="anna", version=1, note="on it")
    assert (acknowledged["state"], acknowledged["acknowledged_by"], acknowledged["version"]) == (
        "acknowledged",
        "anna",
        2,
    )
    assert acknowledged["timeline"][-1]["text"] == "Acknowledged by anna: on it"
    assert act("unacknowledge")["state"] == "detected"
    assert act("mitigate")["mitigating_at"] == "2026-11-20T18:10:00Z"
    assert act("notes", by="anna", note="  rolled back  ")["timeline"][-1]["text"] == "rolled back"
    resolved = act("resolve", by="anna")
    assert (resolved["resolved_by"], resolved["actions"]) == ("anna", ["reopen"])
    assert act("reopen")["state"] == "detected"


def test_a_repeated_action_is_no_error_and_changes_nothing(site: Site) -> None:
    site.write(*open_incident())
    first = site.post(f"{INCIDENT}/acknowledge", token=TOKEN)
    second = site.post(f"{INCIDENT}/acknowledge", token=TOKEN, json={"version": 1})
    assert (second.status_code, second.json()) == (200, first.json())


def test_a_stale_action_loses_and_its_author_is_told(site: Site) -> None:
    site.write(*open_incident())
    site.post(f"{INCIDENT}/acknowledge", token=TOKEN, json={"by": "bert"})
    site.clock.at += timedelta(seconds=2)
    answer = site.post(f"{INCIDENT}/resolve", token=TOKEN, json={"version": 1})
    problem = answer.json()
    assert (answer.status_code, problem["result"], problem["state"]) == (409, "stale", "acknowledged")
    assert problem["detail"] == "INC-42 was acknowledged 2s earlier by bert; nothing was done."
    assert site.incident(42).state == "acknowledged"


def test_what_the_state_does_not_allow_is_refused(site: Site) -> None:
    site.write(*open_incident(state="resolved", resolved_at=minutes(5)))
    answer = site.post(f"{INCIDENT}/mitigate", token=TOKEN)
    assert (answer.status_code, answer.json()["result"]) == (409, "refused")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("acknowledge", {"by": ""}),
        ("acknowledge", {"version": 0}),
        ("acknowledge", {"colour": "red"}),
        ("acknowledge", [1]),
        ("notes", {}),
        ("notes", {"note": "   "}),
        ("notes", {"note": "x" * 4001}),
    ],
)
def test_a_wrong_body_changes_nothing(site: Site, path: str, body: Any) -> None:
    site.write(*open_incident())
    answer = site.post(f"{INCIDENT}/{path}", token=TOKEN, json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert len(site.get(INCIDENT).json()["timeline"]) == 1


def test_deliveries_tell_how_far_they_are_and_keep_their_secrets(site: Site) -> None:
    site.write(*open_incident())
    told, retrying, dead, waiting = (
        delivery(42, "jira", "Jira OPS", told_at=minutes(1), remote={"key": "OPS-12"}),
        delivery(42, "slack", "Slack #a", failing_since=minutes(1), due_at=minutes(11), last_error="ratelimited"),
        delivery(42, "email", "mail to a@example.com", last_error="550 no such user"),
        delivery(42, "pagerduty", "PagerDuty (page)", due_at=minutes(10)),
    )
    site.write(told, retrying, dead, waiting)
    for one, status in ((told, "sent"), (told, "merged"), (retrying, "waiting"), (dead, "dead"), (waiting, "waiting")):
        assert one.id is not None
        site.write(outbox(one.id, 42, status=status))
    answer = site.get(INCIDENT)
    shown = [(one["name"], one["state"], one["error"]) for one in answer.json()["deliveries"]]
    assert shown == [
        ("Jira OPS-12", "delivered", ""),
        ("Slack #a", "retrying", "ratelimited"),
        ("mail to a@example.com", "failed", "550 no such user"),
        ("PagerDuty (page)", "waiting", ""),
    ]
    assert answer.json()["deliveries"][1]["next_attempt_at"] == "2026-11-20T18:11:00Z"
    assert "k3y-that-nobody-may-see" not in answer.text + site.get("/incidents/42").text


def test_infinite_values_are_words(site: Site) -> None:
    incident, alert, entry = open_incident()
    alert.value = alert.peak = float("inf")
    site.write(incident, alert, entry)
    assert site.get(INCIDENT).json()["alerts"][0]["value"] == "Infinity"
    assert site.get("/incidents/42").status_code == 200


def test_what_is_answered_is_what_the_openapi_document_promises(site: Site) -> None:
    document = site.get("/api/v1/openapi.json").json()
    validate(document)
    document["servers"] = [{"url": site.url}]
    of_problems = Config(extra_media_type_deserializers={"application/problem+json": json.loads})
    api = OpenAPI.from_dict(document, config=of_problems)
    incident, alert, entry = open_incident()
    alert.value = float("inf")
    site.write(incident, alert, entry)
    site.write(TimelineEntry(**entry.model_dump(exclude={"id"}) | {"kind": "note", "text": "<b>"}))
    answers = [
        site.get("/api/v1/incidents"),
        site.get(INCIDENT),
        site.get("/api/v1/incidents/43"),
        site.get("/api/v1/incidents?limit=0"),
        site.get("/api/v1/rules"),
        site.get("/api/v1/alerts"),
        site.get("/-/ready"),
        site.post(f"{INCIDENT}/resolve"),
        site.post(f"{INCIDENT}/resolve", token=TOKEN, json={"version": 9}),
        site.post(f"{INCIDENT}/resolve", token=TOKEN, json={"by": "anna"}),
        site.post(f"{INCIDENT}/notes", token=TOKEN, json={"note": "x"}),
        site.post("/-/reload", token=TOKEN),
        site.post("/api/v1/silences/preview", token=TOKEN, json={"matchers": ['service="chat"']}),
        site.post("/api/v1/silences", token=TOKEN, json={"matchers": ["a=b"], "reason": "x", "for": "1h"}),
        site.post("/api/v1/silences", token=TOKEN, json={"matchers": ["a=b"]}),
        site.get("/api/v1/silences"),
        site.get("/api/v1/silences/S-1"),
        site.get("/api/v1/silences/S-2"),
        site.post("/api/v1/silences/S-1/end", token=TOKEN),
    ]
    assert [answer.status_code for answer in answers] == [
        200, 200, 404, 422, 200, 200, 200, 401, 409, 200, 200, 200, 200, 201, 422, 200, 200, 404, 200,
    ]  # fmt: skip
    for answer in answers:
        request, response = RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer)
        api.validate_response(request, response)


def test_the_openapi_document_names_every_operation_once_and_leaves_out_the_pages(site: Site) -> None:
    paths = site.get("/api/v1/openapi.json").json()["paths"]
    operations = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert sorted(operations) == [
        "acknowledgeIncident",
        "addNote",
        "endSilence",
        "healthy",
        "listAlerts",
        "listIncidents",
        "listRules",
        "listSilences",
        "makeSilence",
        "mitigateIncident",
        "previewSilence",
        "ready",
        "reload",
        "reopenIncident",
        "resolveIncident",
        "showIncident",
        "showSilence",
        "unacknowledgeIncident",
    ]
