"""Slack's interactions -> actions at the incident desk. No call to Slack here: the answer is due within 3 s."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from incidentd import metrics
from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.outcome import Result
from incidentd.notify.slack import interaction
from incidentd.web.context import Context, WebContext
from incidentd.web.problems import WebError

ROUTER = APIRouter(include_in_schema=False)

_LOG = structlog.get_logger(__name__)

_COUNTED = {
    Result.DONE: "accepted",
    Result.REPEATED: "accepted",
    Result.STALE: "stale",
    Result.REFUSED: "refused",
    Result.UNKNOWN: "refused",
}


async def _raw_body(request: Request) -> bytes:
    """The bytes that were signed. A coroutine because the framework offers them in no other way."""
    return await request.body()


@ROUTER.post("/slack/interactions")
def interactions(
    context: Context,
    body: Annotated[bytes, Depends(_raw_body)],
    timestamp: Annotated[str | None, Header(alias="X-Slack-Request-Timestamp")] = None,
    signature: Annotated[str | None, Header(alias="X-Slack-Signature")] = None,
) -> Response:
    """200 and no text for every press that is Slack's: what became of it is told by the message, which is redrawn."""
    press = _verified(context, body, timestamp, signature)
    actor = Actor(press.user_name, Origin.SLACK, user=press.user_id, channel=press.channel_id)
    outcome = context.desk.act(press.number, press.action, actor, version=press.version)
    metrics.CALLBACKS.labels("slack", _COUNTED[outcome.result]).inc()
    return Response()


def _verified(
    context: WebContext, body: bytes, timestamp: str | None, signature: str | None
) -> interaction.ButtonPress:
    """Raises WebError 404 when Slack is not set up, 401 for a forged or late request, 400 for one that is no press."""
    secret = context.settings.slack.signing_secret if context.settings.slack is not None else None
    if secret is None:
        raise WebError(HTTPStatus.NOT_FOUND, "Slack's callbacks are not set up here; set slack.signing_secret.")
    try:
        interaction.verify(secret.get_secret_value(), body, timestamp, signature, context.clock.now())
        return interaction.parse(body)
    except interaction.Refused as exc:
        raise _refused(HTTPStatus.UNAUTHORIZED, str(exc)) from exc
    except interaction.Malformed as exc:
        raise _refused(HTTPStatus.BAD_REQUEST, str(exc)) from exc


def _refused(status: HTTPStatus, reason: str) -> WebError:
    metrics.CALLBACKS.labels("slack", "refused").inc()
    _LOG.warning("a callback was refused", action="callback_refused", vendor="slack", reason=reason)
    return WebError(status, f"Refused: {reason}.")
