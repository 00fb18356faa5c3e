import threading
from collections.abc import Iterator
from typing import Any

import pdpyras
import pytest
import requests

from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.server import NotSeenError

KEY = "a" * 32


@pytest.fixture
def pagerduty() -> Iterator[PagerDutyStandIn]:
    with PagerDutyStandIn(routing_keys=[KEY, "b" * 32]) as running:
        yield running


@pytest.fixture
def session(pagerduty: PagerDutyStandIn) -> Iterator[Any]:
    with session_for(pagerduty, KEY) as session:
        yield session


def session_for(pagerduty: PagerDutyStandIn, key: str) -> Any:
    session = pdpyras.EventsAPISession(key)
    session.url = pagerduty.url
    session.timeout = 5
    session.max_http_attempts = -1
    session.max_network_attempts = 0
    session.sleep_timer = 0
    return session


def test_one_alert_pages_once_from_trigger_to_resolve(pagerduty: PagerDutyStandIn, session: Any) -> None:
    assert session.trigger("LLM errors 21%", "chat-api", dedup_key="INC-42/1", severity="critical") == "INC-42/1"
    session.trigger("LLM errors 30%", "chat-api", dedup_key="INC-42/1")
    session.acknowledge("INC-42/1")
    session.trigger("LLM errors 40%", "chat-api", dedup_key="INC-42/1")
    session.acknowledge("INC-42/1")
    alert = pagerduty.alert("INC-42/1")
    assert alert
    assert (alert.state, alert.summary, alert.severity, pagerduty.pages) == (
        "acknowledged",
        "LLM errors 21%",
        "critical",
        1,
    )
    session.resolve("INC-42/1")
    assert alert.state == "resolved"
    assert [event.effect for event in alert.events] == [
        "paged",
        "logged",
        "acknowledged",
        "logged",
        "logged",
        "resolved",
    ]
    session.trigger("again", "chat-api", dedup_key="INC-42/1")
    assert pagerduty.pages == 2
    assert [alert.state for alert in pagerduty.alerts] == ["resolved", "triggered"]


def test_acknowledge_and_resolve_without_an_open_alert_are_dropped_in_silence(
    pagerduty: PagerDutyStandIn, session: Any
) -> None:
    session.acknowledge("nobody")
    session.trigger("x", "y", dedup_key="k")
    with session_for(pagerduty, "b" * 32) as through_another_key:
        through_another_key.resolve("k")
    assert [event.effect for event in pagerduty.events] == ["dropped", "paged", "dropped"]
    with pytest.raises(NotSeenError, match=r"'resolve'.*resolve k \(dropped\)"):
        pagerduty.expect("resolve", timeout=0.01)


def test_a_trigger_without_a_key_gets_one(session: Any) -> None:
    assert len(session.trigger("x", "y")) == 32


def test_expect_waits_for_the_event(pagerduty: PagerDutyStandIn, session: Any) -> None:
    threading.Timer(0.05, session.trigger, ["Überlast in EU", "y"]).start()
    assert pagerduty.expect("trigger", containing="überlast").body["payload"]["source"] == "y"


PAYLOAD = {"summary": "s", "source": "c", "severity": "error"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": "short"}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
        ({"routing_key": "c" * 32}, "'routing_key' is invalid"),
        ({"event_action": "page"}, "'event_action' is missing or is not one of trigger, acknowledge, resolve"),
        ({"event_action": "resolve"}, "'dedup_key' is missing or blank"),
        ({"dedup_key": "k" * 256}, "'dedup_key' must be a string of at most 255 characters"),
        ({"payload": None}, "'payload' is missing or is not an object"),
        ({"payload": PAYLOAD | {"summary": ""}}, "'payload.summary' is missing or blank"),
        (
            {"payload": PAYLOAD | {"summary": "s" * 1025}},
            "'payload.summary' is too long (maximum 1024 characters)",
        ),
        ({"payload": {"summary": "s", "severity": "error"}}, "'payload.source' is missing or blank"),
        (
            {"payload": PAYLOAD | {"severity": "sev1"}},
            "'payload.severity' is invalid (must be one of the following: critical, warning, error or info)",
        ),
        ({"payload": PAYLOAD | {"custom_details": "x"}}, "'payload.custom_details' must be an object"),
        ({"links": [{"text": "x"}]}, "'links[0].href' is missing"),
        ({"images": [{"src": "http://x/y.png"}]}, "'images[0].src' must be an https URL"),
    ],
)
def test_what_the_vendor_refuses(pagerduty: PagerDutyStandIn, change: dict[str, Any], error: str) -> None:
    event = {"routing_key": KEY, "event_action": "trigger", "payload": PAYLOAD} | change
    answer = requests.post(f"{pagerduty.url}/v2/enqueue", json=event, timeout=5)
    assert (answer.status_code, answer.json()["errors"]) == (400, [error])
    assert pagerduty.events == []


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 400), (b"x" * 600_000, 413)])
def test_what_is_not_an_event_at_all(pagerduty: PagerDutyStandIn, body: bytes, status: int) -> None:
    assert requests.post(f"{pagerduty.url}/v2/enqueue", data=body, timeout=5).status_code == status


def test_change_events_are_kept_and_page_nobody(pagerduty: PagerDutyStandIn) -> None:
    event = {"routing_key": KEY, "payload": {"summary": "rules reloaded"}}
    assert requests.post(f"{pagerduty.url}/v2/change/enqueue", json=event, timeout=5).status_code == 202
    assert (pagerduty.changes, pagerduty.pages) == ([event], 0)


def test_the_page_shows_alerts_and_their_log_escaped(pagerduty: PagerDutyStandIn, session: Any) -> None:
    assert "Nobody was paged" in requests.get(pagerduty.url, timeout=5).text
    session.trigger("<b>errors</b>", "y", dedup_key="k")
    session.acknowledge("k")
    text = requests.get(pagerduty.url, timeout=5).text
    assert "&lt;b&gt;errors&lt;/b&gt;" in text
    assert '<span class="pill warn">acknowledged</span>' in text


def test_the_page_shows_what_a_telephone_shows_below_the_summary(pagerduty: PagerDutyStandIn, session: Any) -> None:
    links = [{"href": "http://i/1", "text": "INC-1 <b>"}, {"href": "javascript:alert(1)", "text": "no"}]
    details = {"next step": "Fall <back>.", "alerts": ["one", "<two>"], "labels": {"model": "gpt"}}
    session.trigger("errors", "y", dedup_key="k", links=links, custom_details=details)
    text = requests.get(pagerduty.url, timeout=5).text
    assert '<a href="http://i/1">INC-1 &lt;b&gt;</a>' in text
    assert "javascript" not in text
    assert "<tr><th>next step<td>Fall &lt;back&gt;." in text
    assert "<tr><th>alerts<td>one<br>&lt;two&gt;" in text
    assert "<tr><th>labels<td>model=gpt" in text
