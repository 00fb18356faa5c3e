"""PagerDuty's V3 webhooks -> actions at the incident desk. What people do there comes back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.callback import Callback
from incidentd.notify.pagerduty import interaction
from incidentd.web import callbacks
from incidentd.web.callbacks import RawBody
from incidentd.web.context import Context, WebContext
from incidentd.web.problems import WebError

ROUTER = APIRouter(include_in_schema=False)

_VENDOR = "pagerduty"


@ROUTER.post("/pagerduty/webhook")
def webhook(
    context: Context,
    body: RawBody,
    signatures: Annotated[str | None, Header(alias="X-PagerDuty-Signature")] = None,
) -> Response:
    """200 for every event that is PagerDuty's, those that concern us not included: another answer is told again."""
    step = _verified(context, body, signatures)
    if step is not None:
        callback = Callback(_VENDOR, step.event_id, step.uid, step.generation)
        outcome = context.desk.act_from_afar(callback, step.action, Actor(step.who, Origin.PAGERDUTY))
        callbacks.count(_VENDOR, outcome)
    return Response()


def _verified(context: WebContext, body: bytes, signatures: str | None) -> interaction.Step | None:
    """Raises WebError 404 when the webhook is not set up, 401 for a forged one, 400 for one that is no event."""
    secret = context.settings.pagerduty.webhook_secret
    if secret is None:
        raise WebError(HTTPStatus.NOT_FOUND, "PagerDuty's webhook is not set up here; set pagerduty.webhook_secret.")
    try:
        interaction.verify(secret.get_secret_value(), body, signatures)
        return interaction.parse(body)
    except interaction.Refused as exc:
        raise callbacks.refused(_VENDOR, HTTPStatus.UNAUTHORIZED, str(exc)) from exc
    except interaction.Malformed as exc:
        raise callbacks.refused(_VENDOR, HTTPStatus.BAD_REQUEST, str(exc)) from exc
