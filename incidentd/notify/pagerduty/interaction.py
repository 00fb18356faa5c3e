"""A V3 webhook of PagerDuty -> verified, and what somebody did there."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from incidentd.lifecycle import Action
from incidentd.notify import wording
from incidentd.notify.pagerduty.event import read_dedup_key

_MAX_NAME = 80
_MAX_ID = 128
_ACTIONS = {
    "incident.acknowledged": Action.ACKNOWLEDGE,
    "incident.unacknowledged": Action.UNACKNOWLEDGE,
    "incident.resolved": Action.RESOLVE,
}


class Refused(Exception):  # noqa: N818 - what happened to the request
    """The request does not prove that it comes from PagerDuty. Answer 401."""


class Malformed(Exception):  # noqa: N818 - what the request is
    """The request comes from PagerDuty but is no event. Answer 400."""


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody, or PagerDuty's own time-out, did *action* to the alert of incident *uid* in its *generation*."""

    event_id: str
    action: Action
    uid: str
    generation: int
    who: str


def verify(secret: str, body: bytes, signatures: str | None) -> None:
    """Raises Refused unless one of *signatures* (several while secrets rotate) is PagerDuty's over exactly these bytes.

    https://developer.pagerduty.com/docs/webhooks/webhook-signatures
    """
    if not secret.strip():
        raise Refused("no webhook secret is set")
    expected = "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = (one.strip().encode("utf-8", "replace") for one in (signatures or "").split(","))
    if not any(hmac.compare_digest(one, expected.encode()) for one in given):
        raise Refused("no signature fits")


def parse(body: bytes) -> Step | None:
    """What happened to an alert of ours; None for events that concern us not. Raises Malformed."""
    try:
        return _step(json.loads(body)["event"])
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise Malformed(f"no event: {type(exc).__name__}") from exc


def _step(event: Any) -> Step | None:
    """Raises KeyError or TypeError where the shape is another."""
    action = _ACTIONS.get(_text(event["event_type"]))
    if action is None:
        return None
    page = read_dedup_key(_text(event["data"].get("incident_key") or ""))
    if page is None:
        return None
    uid, generation = page
    agent = event.get("agent")
    name = agent.get("summary") if isinstance(agent, Mapping) else None
    return Step(
        event_id=wording.one_line(_text(event["id"]), _MAX_ID),
        action=action,
        uid=uid,
        generation=generation,
        who=wording.one_line(_text(name), _MAX_NAME) if name else "PagerDuty",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
