from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidentd.demo.webhook import WebhookStandIn
from incidentd.notify import transport
from incidentd.notify.notifier import DeliveryError
from incidentd.notify.transport import Answer, Door

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("17", timedelta(seconds=17)),
        (" 0 ", timedelta()),
        ("99999999", timedelta(days=1)),
        ("9" * 400, None),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("Fri, 20 Nov 2026 18:00:30 GMT", timedelta(seconds=30)),
        ("Fri, 20 Nov 2026 17:00:00 GMT", timedelta()),
        ("Fri, 20 Nov 2099 17:00:00 GMT", timedelta(days=1)),
        ("Fri, 20 Nov 2026 18:00:30 -0000", timedelta(seconds=30)),
    ],
)
def test_retry_after_is_seconds_or_a_date(asked: str, wait: timedelta | None) -> None:
    assert transport.retry_after({"Retry-After": asked}, NOW) == wait


def test_a_date_says_nothing_without_the_time() -> None:
    assert transport.retry_after({"Retry-After": "Fri, 20 Nov 2026 18:00:30 GMT"}) is None


def test_an_error_text_is_one_short_line_without_secrets() -> None:
    error = transport.refused("Jira", 400, {}, "a\nb s3cret " + "x" * 900, secrets=("", "s3cret"))
    assert str(error).startswith("Jira answered 400: a b [secret] xxx")
    assert len(str(error)) < 330


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"errorMessages": ["a", "b"], "errors": {"f": "c"}}', "a; b; f: c"),
        ('{"message": "m", "errors": ["e"]}', "e; m"),
        ("[]", ""),
        ("<html>", ""),
        ("[" * 100_000, ""),
    ],
)
def test_the_vendors_reason_is_read_where_there_is_one(body: str, said: str) -> None:
    assert transport.reason(Answer(400, body)) == said


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://no-such-host.invalid/x"])
def test_a_connection_that_was_never_made_is_certain(url: str) -> None:
    with pytest.raises(DeliveryError) as raised:
        Door("It", timedelta(seconds=2)).call("GET", url)
    assert (raised.value.permanent, raised.value.uncertain) == (False, False)


def test_a_proxy_of_the_environment_is_used_and_netrc_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example.com")
    opened = transport.session("https://vendor.example.com/")
    assert opened.proxies["https"] == "http://proxy.example.com:3128"
    assert opened.trust_env is False
    assert "https" not in transport.session("https://internal.example.com/").proxies


def test_an_endless_answer_is_read_up_to_a_bound() -> None:
    with WebhookStandIn() as stand_in:
        stand_in.fail_next(status=200, body="x" * 3_000_000)
        answer = Door("It", timedelta(seconds=2)).call("POST", stand_in.hook_url)
    assert len(answer.body) == 1_000_000
