"""What we send, held against the vendors' own descriptions. Skipped where those are not beside the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest
from openapi_core.validation.request.exceptions import InvalidRequestBody

from incidentd.demo.server import Request, StandIn
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind, Notification, PrivateReply
from tests.unit.notify.notices import NOW, acknowledged, alert, notice, resolved
from tests.unit.notify.rigs import Rig, rig

CONTRACTS = Path(__file__).resolve().parents[3].parent / "shared" / "contracts"

pytestmark = pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the vendors' contracts are not beside the repository")

LIFE: tuple[Notification, ...] = (
    notice(thread_texts=("Opened",), private_replies=(PrivateReply("U7", "too late"),)),
    notice(id="n1b", kind=Kind.UPDATED, alerts=(alert(), alert(value=None, peak=None, condition=""))),
    acknowledged(thread_texts=("Acknowledged by anna",)),
    acknowledged(id="n4", kind=Kind.ESCALATED, generation=2, headline="Climbed"),
    acknowledged(id="n5", state=State.MITIGATING, mitigating_at=NOW - timedelta(minutes=1), generation=2),
    resolved(generation=2),
    notice(id="n6", generation=3, kind=Kind.UPDATED, headline="Fires again", runbook=None, labels={}),
)


def lived(channel: Rig) -> Iterator[Request]:
    """Every request of an incident's life, twice: once as it goes, once with every attempt uncertain."""
    for uncertain in (False, True):
        remote: Any = {}
        for notification in LIFE:
            remote = channel.send(notification, remote, uncertain=uncertain)
        channel.send(LIFE[-1], {}, uncertain=uncertain)
    assert isinstance(channel.stand_in, StandIn)
    assert channel.stand_in.received
    yield from (request for request, _ in channel.stand_in.received)


def described(request: Request, host: str) -> MockRequest:
    return MockRequest(
        host,
        request.method.lower(),
        request.path,
        args=dict(request.query),
        headers=dict(request.headers),
        data=request.body or None,
        content_type=request.headers.get("content-type", "application/json").partition(";")[0],
    )


def test_pagerduty_events_are_as_pagerduty_describes_them() -> None:
    described_by = OpenAPI.from_dict(json.loads((CONTRACTS / "pagerduty-events-v2.json").read_text()))
    with rig("pagerduty") as channel:
        for request in lived(channel):
            described_by.validate_request(described(request, "https://events.pagerduty.com"))


def test_slack_calls_are_as_slacks_web_api_describes_them() -> None:
    described_by = OpenAPI.from_dict(yaml.safe_load((CONTRACTS / "slack-web-api.yml").read_text()))
    methods = set()
    with rig("slack") as channel:
        for request in lived(channel):
            method = request.path.removeprefix("/api")
            methods.add(method)
            if request.headers["content-type"].startswith("application/json"):
                described_by.validate_request(described(request, "https://slack.com"))
            else:  # slack-sdk posts forms where the description has a query; Slack takes both
                as_query = Request("GET", request.path, request.form(), {**request.headers, "content-type": ""}, b"")
                described_by.validate_request(described(as_query, "https://slack.com"))
    assert methods == {
        "/chat.postMessage",
        "/chat.update",
        "/chat.postEphemeral",
        "/conversations.list",
        "/conversations.history",
        "/conversations.replies",
    }


def test_jira_calls_are_as_atlassian_describes_them() -> None:
    described_by = OpenAPI.from_dict(json.loads((CONTRACTS / "jira-cloud-v3.json").read_text()))
    schema = json.loads((CONTRACTS / "atlassian-document-format.schema.json").read_text())
    documents = 0
    with rig("jira") as channel:
        for request in lived(channel):
            described_by.validate_request(described(request, "https://your-domain.atlassian.net"))
            body = json.loads(request.body or b"{}")
            for text in (body.get("fields", {}).get("description") if isinstance(body.get("fields"), dict) else None,
                         body.get("body")):  # fmt: skip
                if text is not None:
                    jsonschema.Draft4Validator(schema).validate(text)
                    documents += 1
    assert documents >= 6


def test_the_descriptions_do_refuse_something() -> None:
    """Otherwise the tests above prove nothing."""
    pagerduty = OpenAPI.from_dict(json.loads((CONTRACTS / "pagerduty-events-v2.json").read_text()))
    bad = Request("POST", "/v2/enqueue", {}, {"content-type": "application/json"}, b'{"event_action": "shout"}')
    with pytest.raises(InvalidRequestBody):
        pagerduty.validate_request(described(bad, "https://events.pagerduty.com"))
    slack = OpenAPI.from_dict(yaml.safe_load((CONTRACTS / "slack-web-api.yml").read_text()))
    headers = {"content-type": "application/json", "authorization": "Bearer x"}
    bad = Request("POST", "/api/chat.update", {}, headers, b'{"text": "x"}')
    with pytest.raises(InvalidRequestBody):
        slack.validate_request(described(bad, "https://slack.com"))
