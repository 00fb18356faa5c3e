"""A callback of Slack -> verified, and the button press that it carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from slack_sdk.signature import Clock, SignatureVerifier

from incidentd.lifecycle import Action
from incidentd.notify import wording
from incidentd.notify.slack.message import ACTION_PREFIX

_MAX_TIMESTAMP_DIGITS = 12
_MAX_NAME = 80
_MAX_ID = 64
_LARGEST = 2**63 - 1


class Refused(Exception):  # noqa: N818 - what happened to the request
    """The request does not prove that it comes from Slack, now. Answer 401."""


class Malformed(Exception):  # noqa: N818 - what the request is
    """The request comes from Slack but holds no button press of ours. Answer 400."""


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """Somebody pressed a button on the message of incident *number*, drawn from *version*."""

    number: int
    action: Action
    version: int
    user_id: str
    user_name: str
    channel_id: str


class _Fixed(Clock):
    def __init__(self, at: datetime) -> None:
        self._at = at.timestamp()

    def now(self) -> float:
        return self._at


def verify(secret: str, body: bytes, timestamp: str | None, signature: str | None, now: datetime) -> None:
    """Raises Refused unless *signature* is Slack's over exactly these bytes and *timestamp* is within five minutes of
    *now*, either way. https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    if not secret.strip():
        raise Refused("no signing secret is set")
    if not timestamp or not signature:
        raise Refused("the timestamp or the signature is missing")
    # What the SDK's verifier would raise other errors for.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MAX_TIMESTAMP_DIGITS):
        raise Refused("the timestamp is not a number of seconds")
    if not signature.isascii():
        raise Refused("the signature is not ASCII")
    try:
        valid = SignatureVerifier(secret, _Fixed(now)).is_valid(body, timestamp, signature)
    except UnicodeDecodeError as exc:
        raise Refused("the body is not UTF-8") from exc
    if not valid:
        raise Refused("the signature does not fit, or the request is too old")


def parse(body: bytes) -> ButtonPress:
    """The press in the form field ``payload`` of *body*. Raises Malformed."""
    try:
        fields = parse_qsl(body.decode("utf-8"), strict_parsing=True, max_num_fields=20)
        payload = json.loads(dict(fields)["payload"])
        return _press(payload)
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise Malformed(f"no button press: {type(exc).__name__}") from exc


def _press(payload: Any) -> ButtonPress:
    """Raises ValueError, KeyError or TypeError where the shape is another."""
    payload = _object(payload)
    if payload["type"] != "block_actions":
        raise ValueError("another kind of interaction")
    (action,) = payload["actions"]
    action = _object(action)
    action_id = _text(action["action_id"])
    if not action_id.startswith(ACTION_PREFIX):
        raise ValueError("not a button of ours")
    drawn = _object(json.loads(_text(action["value"])))
    user, channel = _object(payload["user"]), _object(payload.get("channel") or {})
    user_id = _text(user["id"])
    name = user.get("username") or user.get("name") or user_id
    return ButtonPress(
        number=_count(drawn["n"]),
        action=Action(action_id.removeprefix(ACTION_PREFIX)),
        version=_count(drawn["v"]),
        user_id=wording.one_line(user_id, _MAX_ID),
        user_name=wording.one_line(_text(name), _MAX_NAME) or user_id,
        channel_id=wording.one_line(_text(channel.get("id", "")), _MAX_ID),
    )


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST:
        raise ValueError("not a positive number")
    return value
