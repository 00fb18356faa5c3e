"""Slack's interactions -> actions at the incident desk. No call to Slack here: the answer is due within 3 s."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from incidentd.incidents.actor import Actor, Origin
from incidentd.notify.slack import interaction
from incidentd.web import callbacks
from incidentd.web.callbacks import RawBody
from incidentd.web.context import Context, WebContext
from incidentd.web.problems import WebError

ROUTER = APIRouter(include_in_schema=False)

_VENDOR = "slack"


@ROUTER.post("/slack/interactions")
def interactions(
    context: Context,
    body: RawBody,
    timestamp: Annotated[str | None, Header(alias="X-Slack-Request-Timestamp")] = None,
    signature: Annotated[str | None, Header(alias="X-Slack-Signature")] = None,
) -> Response:
    """200 and no text for every press that is Slack's: what became of it is told by the message, which is redrawn."""
    press = _verified(context, body, timestamp, signature)
    actor = Actor(press.user_name, Origin.SLACK, user=press.user_id, channel=press.channel_id)
    outcome = context.desk.act(press.number, press.action, actor, version=press.version)
    callbacks.count(_VENDOR, outcome)
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
        raise callbacks.refused(_VENDOR, HTTPStatus.UNAUTHORIZED, str(exc)) from exc
    except interaction.Malformed as exc:
        raise callbacks.refused(_VENDOR, HTTPStatus.BAD_REQUEST, str(exc)) from exc
