"""The pages of responders: what is open, one incident with its runbook beside it, and the buttons."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from incidentd.catalog import runbook_link
from incidentd.catalog.runbook_link import Reference
from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.outcome import Outcome, Result
from incidentd.lifecycle import OPEN_STATES, Action, State
from incidentd.store import incidents, timeline
from incidentd.web import auth, present, shapes, told
from incidentd.web.api_models import MAX_NOTE
from incidentd.web.auth import Visitor
from incidentd.web.context import Context, WebContext
from incidentd.web.numbers import Number, missing
from incidentd.web.problems import WebError
from incidentd.web.templates import page

ROUTER = APIRouter(include_in_schema=False)

_MOST_OPEN = 500
_RECENTLY_RESOLVED = 20
_MOST_ALERTS = 50
_MOST_ENTRIES = 300


@ROUTER.get("/")
def show_list(request: Request, context: Context, visitor: Visitor) -> Response:
    with context.database.reading() as session:
        opened = incidents.recent(session, states=OPEN_STATES, limit=_MOST_OPEN)
        resolved = incidents.recent(session, states=(State.RESOLVED,), limit=_RECENTLY_RESOLVED)
        muted = shapes.muted(session, context, opened)
    states = context.rule_states().values()
    times = [state.last_evaluation for state in states if state.last_evaluation is not None]
    return page(
        request,
        "list.html.j2",
        opened=sorted(opened, key=lambda one: (one.severity, one.opened_at)),
        muted=muted,
        resolved=sorted(resolved, key=lambda one: one.resolved_at or one.updated_at, reverse=True),
        rules=sum(rule.enabled for rule in context.current().rules),
        evaluated_at=max(times, default=None),
        failing=sum(state.health == "err" for state in states),
    )


@ROUTER.get("/incidents/{number}")
def show_incident(request: Request, context: Context, number: Number, visitor: Visitor) -> Response:
    return _incident(request, context, number)


@ROUTER.post("/incidents/{number}/notes")
def add_note(
    request: Request, context: Context, number: Number, visitor: Visitor, note: Annotated[str, Form()] = ""
) -> Response:
    if visitor is None:
        return _to_sign_in(number)
    auth.require_same_origin(request, context.settings)
    note = note.strip()
    if not note or len(note) > MAX_NOTE:
        said = f"A note has between 1 and {MAX_NOTE} characters."
        return _incident(request, context, number, status=HTTPStatus.UNPROCESSABLE_ENTITY, said=said, note=note)
    return _after(request, context, context.desk.note(number, Actor(visitor, Origin.PAGE), note), note)


@ROUTER.post("/incidents/{number}/{action}")
def act(
    request: Request,
    *,
    context: Context,
    number: Number,
    action: str,
    visitor: Visitor,
    version: Annotated[int | None, Form()] = None,
    note: Annotated[str, Form()] = "",
) -> Response:
    if action not in set(Action):
        raise WebError(HTTPStatus.NOT_FOUND, f"There is no action {action}.")
    if visitor is None:
        return _to_sign_in(number)
    auth.require_same_origin(request, context.settings)
    note = note.strip()[:MAX_NOTE]
    outcome = context.desk.act(number, Action(action), Actor(visitor, Origin.PAGE), version=version, note=note)
    return _after(request, context, outcome, note)


@ROUTER.get("/incidents/{number}/{action}")
def back_to_incident(number: Number, action: str) -> Response:
    """Where a browser that shows a refused action is when its address is opened anew. Does nothing."""
    return RedirectResponse(f"/incidents/INC-{number}", status_code=HTTPStatus.SEE_OTHER)


@ROUTER.get("/runbooks/{name}")
def show_runbook(request: Request, context: Context, name: str, visitor: Visitor) -> Response:
    runbook = context.current().runbook(name)
    if runbook is None:
        raise WebError(HTTPStatus.NOT_FOUND, f"There is no runbook {name}.")
    return page(request, "runbook.html.j2", runbook=runbook)


@ROUTER.get("/static/incidentd.css")
def show_style(request: Request) -> Response:
    """Pages name it with a version, so that it may be kept."""
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(request.app.state.pages.style, media_type="text/css", headers=headers)


def _after(request: Request, context: WebContext, outcome: Outcome, note: str) -> Response:
    """Back to the incident; with what the desk said when it did nothing, and the note still in its field."""
    match outcome.result:
        case Result.DONE | Result.REPEATED:
            return RedirectResponse(f"/incidents/INC-{outcome.number}", status_code=HTTPStatus.SEE_OTHER)
        case Result.STALE | Result.REFUSED:
            return _incident(request, context, outcome.number, status=HTTPStatus.CONFLICT, said=outcome.text, note=note)
        case Result.UNKNOWN:
            raise WebError(HTTPStatus.NOT_FOUND, outcome.text)


def _incident(
    request: Request,
    context: WebContext,
    number: int,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    said: str = "",
    note: str = "",
) -> Response:
    with context.database.reading() as session:
        incident = incidents.get(session, number)
        if incident is None:
            raise missing(f"INC-{number}")
        alerts = incidents.alerts(session, number, most=_MOST_ALERTS)
        count = incidents.count_alerts(session, [number])[number]
        muted = shapes.muted(session, context, [incident])
        entries = timeline.of(session, number)
        told_of = told.of_incident(session, number)
    return page(
        request,
        "incident.html.j2",
        status=status,
        incident=incident,
        muted=muted.get(number),
        steps=present.steps(incident),
        buttons=present.buttons(State(incident.state)),
        alerts=[present.alert_view(alert) for alert in alerts],
        alert_count=count.total,
        firing_count=count.firing,
        days=present.by_day(entries[-_MOST_ENTRIES:]),
        older_entries=max(0, len(entries) - _MOST_ENTRIES),
        told=told_of,
        runbook=context.current().runbook(incident.runbook),
        link=runbook_link.link(context.current(), Reference(incident.runbook, incident.runbook_url), ""),
        said=said,
        note=note,
        most_characters=MAX_NOTE,
    )


def _to_sign_in(number: int) -> Response:
    return RedirectResponse(f"/sign-in?next=/incidents/INC-{number}", status_code=HTTPStatus.SEE_OTHER)
