"""Slack's interactions: what is proven to be Slack's acts, everything else is counted and changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from incidentd.settings import Slack
from tests.unit.web.site import SIGNING_SECRET, T0, Site, counted, minutes, open_incident

NOW = int(T0.timestamp()) + 600
"""The site's clock stands at 18:10."""


def pressed(action: str = "acknowledge", number: int = 42, version: int = 1, **changes: Any) -> bytes:
    """The body that Slack sends."""
    button = {"action_id": f"incident:{action}", "value": json.dumps({"n": number, "v": version})}
    payload = {
        "type": "block_actions",
        "user": {"id": "U7", "username": "anna", "name": "anna"},
        "channel": {"id": "C1", "name": "incidents"},
        "actions": [button],
    }
    return urlencode({"payload": json.dumps(payload | changes)}).encode()


def signed(body: bytes, *, at: int = NOW, secret: str = SIGNING_SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={digest}",
    }


def press(site: Site, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    answer = site.post("/slack/interactions", data=body, headers=headers or signed(body))
    return answer.status_code, answer.text


def callbacks(outcome: str) -> float:
    return counted("incidentd_callbacks_total", vendor="slack", outcome=outcome)


def test_a_press_acknowledges_in_the_name_of_who_pressed(site: Site) -> None:
    site.write(*open_incident())
    before = callbacks("accepted")
    assert press(site, pressed()) == (200, "")
    entry = site.get("/api/v1/incidents/42").json()["timeline"][-1]
    assert (entry["who"], entry["origin"], entry["state"]) == ("anna", "slack", "acknowledged")
    assert callbacks("accepted") == before + 1


def test_a_double_press_is_harmless(site: Site) -> None:
    site.write(*open_incident())
    before = callbacks("accepted")
    assert [press(site, pressed()), press(site, pressed())] == [(200, ""), (200, "")]
    assert (site.incident(42).version, callbacks("accepted")) == (2, before + 2)


def test_a_stale_press_is_answered_and_counted_but_does_nothing(site: Site) -> None:
    site.write(*open_incident(version=4, state="acknowledged"))
    before = callbacks("stale")
    assert press(site, pressed("resolve", version=1)) == (200, "")
    assert (site.incident(42).state, callbacks("stale")) == ("acknowledged", before + 1)


def test_a_press_for_an_incident_that_does_not_exist_is_counted_as_refused(site: Site) -> None:
    before = callbacks("refused")
    assert press(site, pressed(number=99)) == (200, "")
    assert callbacks("refused") == before + 1


FORGED = [
    signed(pressed(), secret="another"),
    signed(pressed(number=41)),
    signed(pressed(), at=NOW - 301),
    signed(pressed(), at=NOW + 301),
    signed(pressed()) | {"X-Slack-Request-Timestamp": "soon"},
    signed(pressed()) | {"X-Slack-Signature": "v0=é".encode().decode("latin-1")},
    signed(pressed()) | {"X-Slack-Signature": ""},
    {"Content-Type": "application/x-www-form-urlencoded"},
]


@pytest.mark.parametrize("headers", FORGED)
def test_what_slack_did_not_send_now_is_refused(site: Site, headers: dict[str, str]) -> None:
    site.write(*open_incident())
    before = callbacks("refused")
    status, text = press(site, pressed(), headers)
    assert (status, SIGNING_SECRET in text) == (401, False)
    assert (site.incident(42).state, site.incident(42).version, callbacks("refused")) == ("detected", 1, before + 1)


MALFORMED = [
    b"",
    b"payload=",
    b"payload=[]",
    b"payload={",
    b"nothing=1",
    pressed("explode"),
    pressed(number=-1),
    pressed(version=0),
    pressed(type="view_submission"),
    pressed(actions=[]),
    pressed(actions=[{"action_id": "incident:resolve", "value": "42"}]),
    pressed(user=None),
    urlencode({"payload": "[" * 100_000}).encode(),
]


@pytest.mark.parametrize("body", MALFORMED)
def test_what_holds_no_press_of_ours_is_refused(site: Site, body: bytes) -> None:
    site.write(*open_incident())
    before = callbacks("refused")
    assert press(site, body)[0] == 400
    assert (site.incident(42).state, callbacks("refused")) == ("detected", before + 1)


def test_bytes_that_are_no_text_are_refused(site: Site) -> None:
    assert press(site, b"payload=\xff\xfe")[0] in (400, 401)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_the_signature_counts_whatever_the_content_type_says(site: Site, content_type: str) -> None:
    body = pressed()
    assert press(site, body, signed(body, secret="another") | {"Content-Type": content_type})[0] == 401


@pytest.mark.parametrize("slack", [None, Slack.model_validate({"token": "xoxb"})])
def test_without_a_signing_secret_there_is_no_such_place(site: Site, slack: Slack | None) -> None:
    site.restart(slack=slack)
    site.write(*open_incident())
    status, text = press(site, pressed(), signed(pressed(), secret=""))
    assert (status, json.loads(text)["status"]) == (404, 404)
    assert site.incident(42).opened_at == minutes(0)
    assert site.incident(42).state == "detected"
