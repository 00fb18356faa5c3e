"""/api/v1/incidents: read by anybody who reaches the service, changed by whoever holds a token."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from incidentd.incidents.actor import Actor
from incidentd.incidents.outcome import Outcome, Result
from incidentd.lifecycle import OPEN_STATES, Action, State
from incidentd.store import incidents
from incidentd.web import shapes
from incidentd.web.api_models import ActionIn, IncidentInFull, IncidentList, NoteIn, problems
from incidentd.web.auth import Responder
from incidentd.web.context import Context, WebContext
from incidentd.web.numbers import Number, missing
from incidentd.web.problems import WebError

ROUTER = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])


class StateFilter(StrEnum):
    """One state, or ``open``: every state but resolved."""

    OPEN = "open"
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    MITIGATING = "mitigating"
    RESOLVED = "resolved"

    def states(self) -> tuple[State, ...]:
        return OPEN_STATES if self is StateFilter.OPEN else (State(self.value),)


@ROUTER.get("", summary="List incidents, newest first", operation_id="listIncidents", responses=problems(422))
def list_incidents(
    context: Context,
    state: StateFilter | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only those with a lower number.")] = None,
) -> IncidentList:
    with context.database.reading() as session:
        found = incidents.recent(session, states=state.states() if state else (), limit=limit + 1, before=before)
        page = found[:limit]
        listed = shapes.listed(session, context, page)
    return IncidentList(incidents=listed, next_before=page[-1].number if len(found) > limit else None)


@ROUTER.get("/{number}", summary="Show an incident", operation_id="showIncident", responses=problems(404, 422))
def show_incident(context: Context, number: Number) -> IncidentInFull:
    return _shown(context, number)


@ROUTER.post(
    "/{number}/notes",
    summary="Add a note to the timeline",
    operation_id="addNote",
    responses=problems(401, 403, 404, 413, 422),
)
def add_note(context: Context, number: Number, caller: Responder, request: NoteIn) -> IncidentInFull:
    outcome = context.desk.note(number, Actor(request.by or caller.name, caller.origin), request.note)
    return _answer(context, outcome)


def _acting(action: Action) -> Callable[..., IncidentInFull]:
    def act(context: Context, number: Number, caller: Responder, request: ActionIn | None = None) -> IncidentInFull:
        asked = request or ActionIn()
        actor = Actor(asked.by or caller.name, caller.origin)
        return _answer(context, context.desk.act(number, action, actor, version=asked.version, note=asked.note))

    return act


for _action in Action:
    ROUTER.add_api_route(
        f"/{{number}}/{_action.value}",
        _acting(_action),
        methods=["POST"],
        summary=f"{_action.value.capitalize()} an incident",
        description="Repeating it is no error. A stale `version`, or a state that forbids it, is answered with 409.",
        operation_id=f"{_action.value}Incident",
        responses=problems(401, 403, 404, 409, 413, 422),
    )


def _answer(context: WebContext, outcome: Outcome) -> IncidentInFull:
    """The incident as it is now. Raises WebError 404 or 409 with the desk's sentence."""
    match outcome.result:
        case Result.UNKNOWN:
            raise WebError(HTTPStatus.NOT_FOUND, outcome.text)
        case Result.STALE | Result.REFUSED:
            raise WebError(HTTPStatus.CONFLICT, outcome.text, more={"result": outcome.result, "state": outcome.state})
        case Result.DONE | Result.REPEATED:
            return _shown(context, outcome.number)


def _shown(context: WebContext, number: int) -> IncidentInFull:
    with context.database.reading() as session:
        found = shapes.in_full(session, context, number)
    if found is None:
        raise missing(f"INC-{number}")
    return found
