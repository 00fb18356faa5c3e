from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from incidentd.lifecycle import Action
from incidentd.notify.slack import interaction
from incidentd.notify.slack.interaction import ButtonPress, Malformed, Refused

# Slack's published example: https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = "1531420618"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
    b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
    b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOW = datetime.fromtimestamp(1531420618, UTC)


def signed(body: bytes, timestamp: str = TIMESTAMP) -> str:
    return "v0=" + hmac.new(SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def press(**changes: Any) -> bytes:
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U7", "username": "anna", "name": "anna"},
        "channel": {"id": "C1", "name": "incidents"},
        "actions": [{"action_id": "incident:acknowledge", "value": '{"n": 42, "v": 3}', "type": "button"}],
    }
    return urlencode({"payload": json.dumps(payload | changes)}).encode()


def action(**changes: Any) -> list[dict[str, Any]]:
    return [{"action_id": "incident:resolve", "value": '{"n": 42, "v": 3}'} | changes]


def test_slacks_published_example_is_accepted() -> None:
    interaction.verify(SECRET, BODY, TIMESTAMP, SIGNATURE, NOW)


@pytest.mark.parametrize("seconds", [300, -300])
def test_the_window_is_five_minutes_both_ways(seconds: int) -> None:
    interaction.verify(SECRET, BODY, TIMESTAMP, SIGNATURE, NOW + timedelta(seconds=seconds))
    with pytest.raises(Refused):
        interaction.verify(
            SECRET, BODY, TIMESTAMP, SIGNATURE, NOW + timedelta(seconds=seconds + (1 if seconds > 0 else -1))
        )


@pytest.mark.parametrize(
    ("body", "timestamp", "signature"),
    [
        (BODY + b"&x=1", TIMESTAMP, SIGNATURE),
        (BODY, TIMESTAMP, SIGNATURE[:-1] + "4"),
        (BODY, TIMESTAMP, "v1=" + SIGNATURE[3:]),
        (BODY, "1531420619", SIGNATURE),
        (BODY, None, SIGNATURE),
        (BODY, TIMESTAMP, None),
        (BODY, "", ""),
        (BODY, "soon", SIGNATURE),
        (BODY, "1531420618.5", SIGNATURE),
        (BODY, "-1531420618", SIGNATURE),
        (BODY, "١٥٣١٤٢٠٦١٨", SIGNATURE),
        (BODY, "9" * 5000, SIGNATURE),
        (BODY, TIMESTAMP, "v0=ü" + SIGNATURE[4:]),
        (b"\xff\xfe", TIMESTAMP, SIGNATURE),
    ],
)
def test_a_forged_or_broken_request_is_refused(body: bytes, timestamp: str | None, signature: str | None) -> None:
    with pytest.raises(Refused):
        interaction.verify(SECRET, body, timestamp, signature, NOW)


def test_bytes_that_are_no_utf8_are_refused_even_with_a_good_signature() -> None:
    with pytest.raises(Refused):
        interaction.verify(SECRET, b"\xff", TIMESTAMP, signed(b"\xff"), NOW)


def test_no_secret_accepts_nothing() -> None:
    with pytest.raises(Refused):
        interaction.verify("", BODY, TIMESTAMP, SIGNATURE, NOW)


def test_a_press_is_understood() -> None:
    assert interaction.parse(press()) == ButtonPress(42, Action.ACKNOWLEDGE, 3, "U7", "anna", "C1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"payload",
        b"payload=%7B",
        b"other=1",
        b"payload=" + b"%5B" * 100_000,
        urlencode({"payload": "[]"}).encode(),
        urlencode({"payload": "null"}).encode(),
        press(type="view_submission"),
        press(type=None),
        press(actions=[]),
        press(actions=action() + action()),
        press(actions="no"),
        press(actions=[None]),
        press(actions=action(action_id="other:resolve")),
        press(actions=action(action_id="incident:destroy")),
        press(actions=action(action_id=7)),
        press(actions=action(value="no json")),
        press(actions=action(value="[1]")),
        press(actions=action(value=None)),
        press(actions=action(value='{"n": 42}')),
        press(actions=action(value='{"n": "42", "v": 3}')),
        press(actions=action(value='{"n": true, "v": 3}')),
        press(actions=action(value='{"n": 0, "v": 3}')),
        press(actions=action(value='{"n": 42, "v": -1}')),
        press(actions=action(value='{"n": 42.0, "v": 3}')),
        press(actions=action(value='{"n": 99999999999999999999, "v": 3}')),
        press(user={}),
        press(user=None),
        press(user={"id": 7}),
        press(user={"id": "U7", "username": ["anna"]}),
        press(channel="C1"),
    ],
)
def test_anything_that_is_not_a_press_of_ours_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        interaction.parse(body)


def test_a_strange_name_is_one_short_line() -> None:
    pressed = interaction.parse(press(user={"id": "U7", "username": "anna\r\n" + "x" * 500}))
    assert pressed.user_name == "anna " + "x" * 74 + "…"


def test_a_user_without_a_name_is_known_by_id() -> None:
    assert interaction.parse(press(user={"id": "U7"})).user_name == "U7"
