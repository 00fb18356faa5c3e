"""What every channel must do alike. A new channel that lacks a part fails here."""

from __future__ import annotations

import importlib
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from incidentd.catalog.receiver import CHANNELS
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind, PrivateReply
from incidentd.notify.notifier import DeliveryError
from tests.unit.notify.notices import HOSTILE, acknowledged, alert, notice, resolved
from tests.unit.notify.rigs import MailRig, Rig, rig

_HTTP = {
    400: True,
    401: True,
    403: True,
    404: True,
    410: True,
    408: False,
    429: False,
    500: False,
    502: False,
    503: False,
    504: False,
}
_SMTP = {451: False, 452: False, 550: True, 554: True}
ANSWERS = [
    (channel, status, permanent)
    for channel in CHANNELS
    for status, permanent in (_SMTP if channel == "email" else _HTTP).items()
]


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig(request.param) as made:
        yield made


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_has_a_config_and_a_notifier(name: str) -> None:
    config = importlib.import_module(f"incidentd.notify.{name}.config")
    notifier = importlib.import_module(f"incidentd.notify.{name}.notifier")
    spelled = {"pagerduty": "PagerDuty"}.get(name, name.capitalize())
    assert hasattr(config, f"{spelled}Destination")
    assert callable(getattr(notifier, f"{spelled}Notifier").send)


def test_it_tells_once_and_follows_the_incident_to_its_end(channel: Rig) -> None:
    """An update edits, or goes to the same thread, alert or issue; nothing is opened twice."""
    remote = channel.send(notice())
    assert channel.openings() == 1
    remote = channel.send(notice(id="n1b", kind=Kind.UPDATED, headline="2 alerts began to fire"), remote)
    remote = channel.send(acknowledged(), remote)
    remote = channel.send(resolved(), remote)
    assert channel.openings() == 1
    assert remote
    assert all(isinstance(value, str) for value in remote.values())


@pytest.mark.parametrize(("name", "status", "permanent"), ANSWERS)
def test_a_status_code_says_whether_a_retry_can_help(name: str, status: int, permanent: bool) -> None:  # noqa: FBT001 - a table
    with rig(name) as channel:
        channel.fail(status)
        with pytest.raises(DeliveryError) as raised:
            channel.send(notice())
        assert raised.value.permanent is permanent
        assert str(status) in str(raised.value)
        assert channel.openings() == 0
        channel.send(notice(), uncertain=raised.value.uncertain)
        assert channel.openings() == 1


@pytest.mark.parametrize("name", [name for name in CHANNELS if name != "email"])
def test_retry_after_is_handed_on(name: str) -> None:
    with rig(name) as channel:
        channel.stand_in.fail_next(status=429, headers={"Retry-After": "17"})
        with pytest.raises(DeliveryError) as raised:
            channel.send(notice())
        assert raised.value.retry_after == timedelta(seconds=17)


def test_no_secret_is_in_an_error_text(channel: Rig) -> None:
    """Not even when the vendor repeats it."""
    echo = f'{{"ok": false, "error": "{channel.secret}", "errorMessages": ["token {channel.secret}"], "errors": []}}'
    for status in (550, 554) if isinstance(channel, MailRig) else (400, 401, 500):
        channel.fail(status, echo)
        with pytest.raises(DeliveryError) as refused:
            channel.send(notice())
        assert channel.secret not in str(refused.value)
        assert channel.secret not in repr(refused.value)
    channel.stand_in.stop()
    with pytest.raises(DeliveryError) as raised:
        channel.send(notice())
    assert channel.secret not in str(raised.value)


def test_a_vendor_that_never_answers_is_given_up_in_time(channel: Rig, silent_port: int) -> None:
    channel.at(silent_port)
    began = time.monotonic()
    with pytest.raises(DeliveryError) as raised:
        channel.send(notice())
    assert time.monotonic() - began < 2.5
    assert not raised.value.permanent
    # A mail server that never greets was never given the mail; the others may have taken the request.
    assert raised.value.uncertain is not isinstance(channel, MailRig)


def test_a_vendor_that_is_down_has_certainly_taken_nothing(channel: Rig) -> None:
    channel.stand_in.stop()
    with pytest.raises(DeliveryError) as raised:
        channel.send(notice())
    assert (raised.value.permanent, raised.value.uncertain) == (False, False)


def test_a_lost_answer_does_not_double_what_was_taken(channel: Rig) -> None:
    channel.stand_in.cut_after_accept()
    with pytest.raises(DeliveryError) as raised:
        channel.send(notice())
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)
    assert channel.openings() == 1
    remote = channel.send(notice(), uncertain=True)
    assert channel.openings() == 1
    channel.send(resolved(), remote)
    assert channel.openings() == 1


def test_over_long_and_hostile_text_is_taken(channel: Rig) -> None:
    """The stand-ins refuse what their vendors refuse."""
    long = HOSTILE + "x" * 40_000
    labels = {f"{HOSTILE}{n}": long for n in range(60)}
    wild = notice(
        title=long,
        headline=long,
        owner=long,
        component=long,
        labels=labels,
        alerts=tuple(alert(rule=long, summary=long, condition=long, labels=labels) for _ in range(60)),
        runbook=None,
        delivered=(long,) * 5,
        previous=long,
    )
    remote = channel.send(wild)
    replies = {"thread_texts": (long, ""), "private_replies": (PrivateReply("U7", long),)}
    known = {"title": long, "headline": long, "alerts": wild.alerts, "acknowledged_by": long, **replies}
    remote = channel.send(acknowledged(**known), remote)
    channel.send(resolved(**(known | {"resolved_by": long})), remote)
    assert channel.openings() == 1


def test_a_later_notice_that_fails_says_so_as_well(channel: Rig) -> None:
    remote = channel.send(notice())
    channel.fail(550 if isinstance(channel, MailRig) else 403)
    with pytest.raises(DeliveryError) as raised:
        channel.send(acknowledged(), remote)
    assert (raised.value.permanent, raised.value.uncertain) == (True, False)


def test_what_nobody_was_told_of_is_not_an_error_when_it_is_over(channel: Rig) -> None:
    """The opening could not be delivered in time, and now it is resolved."""
    channel.send(resolved(), {})
    assert channel.openings() <= 1


def test_an_empty_incident_can_be_told(channel: Rig) -> None:
    """No alerts, no labels, no runbook, no owner, no value."""
    bare: dict[str, Any] = {
        "title": "",
        "headline": "",
        "labels": {},
        "alerts": (),
        "owner": "",
        "component": "",
        "runbook": None,
    }
    remote = channel.send(notice(**bare))
    channel.send(notice(**bare, kind=Kind.ACKNOWLEDGED, state=State.MITIGATING), remote)
    assert channel.openings() == 1
