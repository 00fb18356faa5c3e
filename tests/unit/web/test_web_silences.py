"""/api/v1/silences, as a script sees it, and what it does to an incident's page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from incidentd.catalog.component import Component, StatusPage
from incidentd.catalog.route import Route
from incidentd.catalog.silence import AuthoredSilence
from incidentd.catalog.time_interval import TimeInterval
from tests.unit.web.site import TOKEN, Site, alert_row, counted, delivery, minutes, open_incident, outbox

SILENCES = "/api/v1/silences"
ASKED: dict[str, Any] = {"matchers": ['service="chat"'], "reason": "deploy", "for": "2h"}
MADE = {
    "id": "S-1",
    "state": "active",
    "origin": "api",
    "matchers": ['service="chat"'],
    "author": "ci",
    "reason": "deploy",
    "starts_at": "2026-11-20T18:10:00Z",
    "ends_at": "2026-11-20T20:10:00Z",
    "recurs": False,
    "until_resolved": None,
    "maintenance": None,
    "created_at": "2026-11-20T18:10:00Z",
    "ended_at": None,
    "ended_by": "",
}
FRIDAYS = AuthoredSilence.model_validate(
    {
        "id": "fridays",
        "matchers": ['service="search"'],
        "author": "ops",
        "reason": "weekly deploy",
        "time_intervals": [{"weekdays": ["friday"], "times": [{"start_time": "18:00", "end_time": "19:00"}]}],
    }
)


def test_a_silence_is_made_shown_listed_and_ended(site: Site) -> None:
    token = site.new_token("ci")
    made = site.post(SILENCES, token=token, json=ASKED)
    assert (made.status_code, made.json()) == (201, MADE)
    assert site.get(f"{SILENCES}/S-1").json() == MADE
    assert site.get(SILENCES).json() == {"silences": [MADE]}
    ended = site.post(f"{SILENCES}/S-1/end", token=token)
    over = MADE | {"state": "expired", "ended_at": "2026-11-20T18:10:00Z", "ended_by": "ci"}
    assert (ended.status_code, ended.json()) == (200, over)
    assert site.post(f"{SILENCES}/S-1/end", token=token).json() == over, "a repetition is no error"
    assert site.get(f"{SILENCES}?state=active").json() == {"silences": []}
    assert site.get(f"{SILENCES}?state=expired").json() == {"silences": [over]}


def test_the_caller_may_name_the_author_and_the_times(site: Site) -> None:
    asked = {
        "matchers": ['service=~"chat|search"', 'severity!="sev1"'],
        "author": "anna",
        "reason": "deploy",
        "starts_at": "2026-11-20T20:00:00+01:00",
        "ends_at": "2026-11-20T21:00:00Z",
    }
    made = site.post(SILENCES, token=TOKEN, json=asked).json()
    assert (made["author"], made["state"], made["starts_at"]) == ("anna", "pending", "2026-11-20T19:00:00Z")
    assert made["matchers"] == asked["matchers"]
    assert site.get(f"{SILENCES}?state=pending").json()["silences"] == [made]


def test_those_of_files_are_listed_first_and_stay_there(site: Site) -> None:
    site.catalog = replace(site.catalog, silences=(FRIDAYS,))
    site.post(SILENCES, token=TOKEN, json=ASKED)
    listed = site.get(SILENCES).json()["silences"]
    assert [(one["id"], one["origin"], one["state"], one["recurs"]) for one in listed] == [
        ("fridays", "file", "active", True),
        ("S-1", "api", "active", False),
    ]
    assert site.get(f"{SILENCES}/fridays").json()["author"] == "ops"
    refused = site.post(f"{SILENCES}/fridays/end", token=TOKEN)
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "application/problem+json")
    assert refused.json()["detail"] == "fridays is kept in a file of the catalog; take it out there."


def test_a_change_needs_a_token_and_so_does_a_preview(site: Site) -> None:
    for path in (SILENCES, f"{SILENCES}/S-1/end", f"{SILENCES}/preview"):
        assert site.post(path, json=ASKED).status_code == 401
    assert site.get(SILENCES).json() == {"silences": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": " "}, "body.reason: String should have at least 1 character"),
        ({"reason": None}, "body.reason: Input should be a valid string"),
        ({"matchers": []}, "These matchers are met by every alert"),
        ({"matchers": ["service"]}, "'service' is not a matcher"),
        ({"matchers": ['a=~"("']}, "broken regular expression"),
        ({"for": None}, "A silence must end"),
        ({"for": "2 hours"}, "'2 hours' is not a duration"),
        ({"ends_at": "2026-11-20T20:00:00Z"}, "`for` stands beside `ends_at`; keep one of them."),
        ({"for": None, "ends_at": "2026-11-20T18:10:00Z"}, "This silence would end before it begins."),
        ({"for": None, "ends_at": "2026-11-20T20:00:00"}, "body.ends_at: Input should have timezone info"),
        ({"until_resolved": "INC-7"}, "There is no INC-7."),
        ({"until_resolved": "seven"}, "'seven' is no incident"),
        ({"comment": "x"}, "body.comment: Extra inputs are not permitted"),
        ({"maintenance": {"title": "x", "components": ["api"]}}, "The status page has no component api"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(site: Site, change: dict[str, Any], said: str) -> None:
    answer = site.post(SILENCES, token=TOKEN, json=ASKED | change)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert said in answer.json()["detail"]
    assert site.get(SILENCES).json() == {"silences": []}


def test_a_silence_that_is_not_there_is_404(site: Site) -> None:
    for answer in (site.get(f"{SILENCES}/S-7"), site.post(f"{SILENCES}/none/end", token=TOKEN)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_silence_may_end_with_an_incident_and_take_its_labels(site: Site) -> None:
    site.write(*open_incident())
    made = site.post(SILENCES, token=TOKEN, json={"reason": "known", "until_resolved": "INC-42"}).json()
    assert (made["matchers"], made["until_resolved"], made["ends_at"]) == (['service="chat"'], "INC-42", None)
    site.post("/api/v1/incidents/42/resolve", token=TOKEN)
    over = site.get(f"{SILENCES}/S-1").json()
    assert (over["state"], over["ended_by"]) == ("expired", "INC-42")


def test_maintenance_is_a_silence_that_is_announced(site: Site) -> None:
    site.catalog = replace(site.catalog, statuspage=StatusPage(components=(Component(id="api", name="API"),)))
    announced = {"title": "New database", "message": "Read only for an hour.", "components": ["api"]}
    made = site.post(SILENCES, token=TOKEN, json=ASKED | {"maintenance": announced})
    assert (made.status_code, made.json()["maintenance"]) == (201, announced)


def test_a_preview_says_what_would_be_muted_now_and_in_the_last_week(site: Site) -> None:
    site.write(
        alert_row(),
        alert_row(fingerprint="e" * 16, phase="pending", severity=None, labels={"service": "chat", "instance": "b"}),
        alert_row(fingerprint="d" * 16, labels={"service": "search"}),
        *open_incident(40, state="resolved", resolved_at=minutes(5)),
        *open_incident(41, state="resolved", resolved_at=minutes(-8 * 24 * 60)),
        *open_incident(),
        delivery(40, "slack", "Slack #a"),
        outbox(1, 40, status="sent"),
        outbox(1, 40, status="sent", kind="resolved"),
        outbox(1, 40, status="sent", kind="escalated"),
    )
    answer = site.post(f"{SILENCES}/preview", token=TOKEN, json={"matchers": ['service="chat"']})
    assert answer.status_code == 200
    seen = answer.json()
    assert seen["matchers"] == ['service="chat"']
    now, past = seen["now"], seen["past"]
    assert (now["alert_count"], now["incident_count"]) == (2, 1)
    assert [one["phase"] for one in now["alerts"]] == ["firing", "pending"]
    assert now["incidents"] == [
        {
            "name": "INC-42",
            "title": "chat: 31% of calls fail",
            "severity": "sev2",
            "state": "detected",
            "opened_at": "2026-11-20T18:00:00Z",
            "wholly": True,
        }
    ]
    assert [one["name"] for one in past["incidents"]] == ["INC-42", "INC-40"]
    counts = {name: past[name] for name in ("days", "alert_count", "incident_count", "pages", "is_complete")}
    assert counts == {"days": 7, "alert_count": 2, "incident_count": 2, "pages": 2, "is_complete": True}
    assert site.get(SILENCES).json() == {"silences": []}, "it makes none"


def test_a_preview_says_where_a_part_of_an_incident_would_still_page(site: Site) -> None:
    incident, alert, entry = open_incident()
    other = type(alert)(**alert.model_dump() | {"fingerprint": "e" * 16, "labels": {"service": "search"}})
    site.write(incident, alert, entry, other)
    seen = site.post(f"{SILENCES}/preview", token=TOKEN, json={"matchers": ['service="chat"']}).json()
    assert [one["wholly"] for one in seen["now"]["incidents"]] == [False]
    refused = site.post(f"{SILENCES}/preview", token=TOKEN, json={"matchers": []})
    assert refused.status_code == 422


def test_an_incident_says_that_it_is_muted_and_why(site: Site) -> None:
    site.write(*open_incident())
    assert site.get("/api/v1/incidents/42").json()["muted"] is None
    assert "Nobody is paged" not in site.get("/incidents/42").text
    site.post(SILENCES, token=TOKEN, json=ASKED | {"author": "<anna>"})
    muted = {
        "reason": "silence",
        "by": "S-1",
        "text": "silenced by <anna> (deploy), S-1",
        "until": "2026-11-20T20:10:00Z",
    }
    assert site.get("/api/v1/incidents/42").json()["muted"] == muted
    assert site.get("/api/v1/incidents").json()["incidents"][0]["muted"] == muted
    page = site.get("/incidents/42").text
    assert "Nobody is paged: silenced by &lt;anna&gt; (deploy), S-1, until 2026-11-20 20:10 UTC" in page
    assert "Nobody has been told: it was muted." in page
    assert "muted by S-1" in site.get("/").text
    site.post("/api/v1/incidents/42/resolve", token=TOKEN)
    assert site.get("/api/v1/incidents/42").json()["muted"] is None, "it is over"


def test_an_incident_whose_every_route_is_muted_says_so(site: Site) -> None:
    evening = TimeInterval.model_validate({"times": [{"start_time": "18:00", "end_time": "19:00"}]})
    muted: dict[str, Any] = {"severity": ["sev2"], "mute_time_intervals": ["evening"]}
    site.catalog = replace(
        site.catalog,
        time_intervals={"evening": (evening,)},
        route=Route.model_validate({"receiver": "team", "routes": [muted]}),
    )
    site.write(*open_incident(), *open_incident(43, severity="sev3"))
    assert site.get("/api/v1/incidents/42").json()["muted"] == {
        "reason": "mute_time_interval",
        "by": "evening",
        "text": "muted during evening",
        "until": "2026-11-20T19:00:00Z",
    }
    assert site.get("/api/v1/incidents/43").json()["muted"] is None


def test_the_metric_counts_silences_by_state(site: Site) -> None:
    site.post(SILENCES, token=TOKEN, json=ASKED)
    site.post(SILENCES, token=TOKEN, json=ASKED | {"starts_at": "2026-11-20T19:00:00Z"})
    site.get("/metrics")
    assert (counted("incidentd_silences", state="active"), counted("incidentd_silences", state="pending")) == (1, 1)
