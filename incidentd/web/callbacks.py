"""What the endpoints for vendors share: the raw body, and the count of what became of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import Depends, Request

from incidentd import metrics
from incidentd.incidents.outcome import Outcome, Result
from incidentd.web.problems import WebError

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


RawBody = Annotated[bytes, Depends(_raw_body)]


def count(vendor: str, outcome: Outcome) -> None:
    metrics.CALLBACKS.labels(vendor, _COUNTED[outcome.result]).inc()


def refused(vendor: str, status: HTTPStatus, reason: str) -> WebError:
    """The error to raise; counted and logged."""
    metrics.CALLBACKS.labels(vendor, "refused").inc()
    _LOG.warning("a callback was refused", action="callback_refused", vendor=vendor, reason=reason)
    return WebError(status, f"Refused: {reason}.")
