from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError

from incidentd import settings
from incidentd.notify.notification import Kind
from incidentd.notify.notifier import Attempt, DeliveryError
from incidentd.notify.webhook.config import WebhookDestination
from incidentd.notify.webhook.notifier import WebhookNotifier
from tests.unit.notify.notices import alert, notice
from tests.unit.notify.rigs import WebhookRig, rig


@pytest.fixture
def hook() -> Iterator[WebhookRig]:
    with rig("webhook") as made:
        assert isinstance(made, WebhookRig)
        yield made


def test_the_shape_is_as_documented(hook: WebhookRig) -> None:
    assert hook.send(notice()) == {"id": "n1"}
    (delivery,) = hook.stand_in.deliveries
    assert delivery.headers["idempotency-key"] == "n1"
    assert delivery.headers["authorization"] == "Bearer hook-s3cret"
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.body == {
        "version": "1",
        "id": "n1",
        "kind": "opened",
        "headline": "Opened",
        "sent_at": "2024-05-06T16:14:00+00:00",
        "incident": {
            "number": 42,
            "name": "INC-42",
            "uid": "u42",
            "version": 3,
            "generation": 1,
            "title": "chat: 21% of LLM calls fail",
            "state": "detected",
            "severity": "sev2",
            "labels": {"service": "chat"},
            "url": "https://incidents.example.com/incidents/INC-42",
            "owner": "ai-platform",
            "component": "chat-api",
            "opened_at": "2024-05-06T16:02:00+00:00",
            "acknowledged_at": None,
            "acknowledged_by": "",
            "mitigating_at": None,
            "resolved_at": None,
            "resolved_by": "",
            "flaps": 0,
            "previous": None,
            "alerts": 1,
        },
        "alerts": [
            {
                "rule": "LLMErrorRateHigh",
                "summary": "chat: 21% of LLM calls fail",
                "description": "",
                "labels": {"model": "gpt", "service": "chat"},
                "annotations": {},
                "severity": "sev2",
                "condition": "> 5%",
                "value": 0.21,
                "peak": 0.24,
                "since": "2024-05-06T16:02:00+00:00",
                "cleared_at": None,
            }
        ],
        "runbook": {
            "name": "llm-error-rate",
            "title": "Elevated error rate",
            "url": "https://incidents.example.com/runbooks/llm-error-rate",
            "next_step": "Check the provider's status page.",
            "owner": "ai-platform",
            "expected_resolution": 1800.0,
        },
        "timeline": [{"at": "2024-05-06T16:02:00+00:00", "who": "the rule", "text": "Opened as sev2"}],
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_told(hook: WebhookRig, kind: Kind) -> None:
    hook.send(notice(kind=kind))
    assert [delivery.body["kind"] for delivery in hook.stand_in.deliveries] == [kind.value]


def test_a_retry_carries_the_same_key(hook: WebhookRig) -> None:
    hook.send(notice())
    hook.send(notice(), uncertain=True)
    assert [delivery.repeated for delivery in hook.stand_in.deliveries] == [False, True]


def test_numbers_that_json_does_not_know_are_told_as_prometheus_writes_them(hook: WebhookRig) -> None:
    values = (float("nan"), float("inf"), float("-inf"), None, 0.0)
    hook.send(notice(alerts=tuple(alert(value=value) for value in values)))
    told = [one["value"] for one in hook.stand_in.deliveries[0].body["alerts"]]
    assert told == ["NaN", "+Inf", "-Inf", None, 0.0]


def test_own_headers_are_sent_and_no_token_is_made_up(hook: WebhookRig) -> None:
    destination = WebhookDestination(url=hook.stand_in.hook_url, headers={"X-Team": "ai"})
    WebhookNotifier(settings.Webhook()).send(notice(), destination, Attempt({}, uncertain=False))
    headers = hook.stand_in.deliveries[0].headers
    assert headers["x-team"] == "ai"
    assert "authorization" not in headers


def test_a_redirect_is_not_followed(hook: WebhookRig) -> None:
    """It would turn the POST into a GET, and carry the token elsewhere."""
    hook.stand_in.fail_next(status=302, headers={"Location": "/hook"})
    with pytest.raises(DeliveryError, match="The webhook answered 302") as raised:
        hook.send(notice())
    assert raised.value.permanent
    assert len(hook.stand_in.received) == 1


@pytest.mark.parametrize("url", ["ftp://x/hook", "hook", "http:///hook?key=s3cret", "https://x/hook#key=s3cret"])
def test_a_url_that_cannot_be_posted_to_is_refused_when_it_is_authored(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookDestination(url=url)


def test_a_header_that_cannot_be_written_is_permanent_and_not_repeated(hook: WebhookRig) -> None:
    destination = WebhookDestination(url=hook.stand_in.hook_url, token=SecretStr("s3cret\r\nX-Evil: 1"))
    with pytest.raises(DeliveryError) as raised:
        WebhookNotifier(settings.Webhook()).send(notice(), destination, Attempt({}, uncertain=False))
    assert raised.value.permanent
    assert "s3cret" not in str(raised.value)
