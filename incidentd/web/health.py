"""How the service is, for machines: metrics, liveness, readiness, and the reload of what people author."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel
from starlette.responses import PlainTextResponse, Response

from incidentd import metrics
from incidentd.alert import Phase
from incidentd.incidents import silencing
from incidentd.lifecycle import OPEN_STATES
from incidentd.routing.silence import SilenceState
from incidentd.severity import Severity
from incidentd.store import alerts, deliveries, incidents
from incidentd.web.api_models import problems
from incidentd.web.auth import Responder
from incidentd.web.context import Context, WebContext
from incidentd.web.problems import WebError

ROUTER = APIRouter(tags=["service"])


class Ready(BaseModel):
    ready: bool
    checks: dict[str, str]


class Reloaded(BaseModel):
    """Names of rules."""

    added: list[str]
    changed: list[str]
    removed: list[str]


@ROUTER.get("/metrics", include_in_schema=False)
def show_metrics(request: Request, context: Context) -> Response:
    refresh(context)
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(metrics.REGISTRY), headers={"Content-Type": content_type})


@ROUTER.get("/-/healthy", summary="Whether the process answers", operation_id="healthy")
def healthy() -> PlainTextResponse:
    return PlainTextResponse("incidentd is healthy.\n")


@ROUTER.get("/-/ready", summary="Whether it does its work", operation_id="ready", responses=problems(503))
def ready(context: Context) -> Ready:
    report = context.health()
    checks = dict(report.checks)
    if not report.ready:
        detail = "; ".join(f"{name}: {text}" for name, text in checks.items())
        raise WebError(HTTPStatus.SERVICE_UNAVAILABLE, detail, more={"checks": checks})
    return Ready(ready=True, checks=checks)


@ROUTER.post(
    "/-/reload",
    summary="Read rules, runbooks and routes anew",
    operation_id="reload",
    responses=problems(401, 403, 413, 422),
)
def reload(context: Context, caller: Responder) -> Reloaded:
    """All or nothing: with 422 the running catalog stays, and `problems` says what is wrong where."""
    result = context.reload()
    if not result.ok:
        found = [asdict(problem) for problem in result.problems]
        detail = "The catalog was refused, the running one stays: " + "; ".join(one.message for one in result.problems)
        raise WebError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, more={"problems": found})
    return Reloaded(added=list(result.added), changed=list(result.changed), removed=list(result.removed))


def refresh(context: WebContext) -> None:
    """Sets the gauges that say what the store holds now."""
    now = context.clock.now()
    with context.database.reading() as session:
        phases = alerts.count_by_phase(session)
        opened = incidents.count_open(session)
        waiting, oldest = deliveries.waiting(session)
        silences = silencing.every(session, context.current(), now)
    for phase in (Phase.PENDING, Phase.FIRING):
        metrics.ALERTS.labels(phase.value).set(phases.get(phase.value, 0))
    for state in OPEN_STATES:
        for severity in Severity:
            metrics.INCIDENTS.labels(state.value, severity.value).set(opened.get((state.value, severity.value), 0))
    states = [silence.state(now) for silence in silences]
    for known in (SilenceState.ACTIVE, SilenceState.PENDING):
        metrics.SILENCES.labels(known.value).set(states.count(known))
    metrics.OUTBOX_DEPTH.set(waiting)
    metrics.OUTBOX_AGE_SECONDS.set((now - oldest).total_seconds() if oldest is not None else 0)
