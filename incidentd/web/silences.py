"""/api/v1/silences: what is muted, by whom, why, and until when."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter

from incidentd import duration
from incidentd.catalog.silence import Maintenance
from incidentd.incidents import preview, silencing
from incidentd.incidents.actor import Actor
from incidentd.incidents.silencing import Draft, SilenceError
from incidentd.labels import parse_matchers
from incidentd.routing.silence import SilenceState
from incidentd.web import numbers
from incidentd.web.api_models import problems
from incidentd.web.auth import Responder
from incidentd.web.context import Context
from incidentd.web.problems import WebError
from incidentd.web.silence_models import (
    PreviewIn,
    PreviewOut,
    SilenceIn,
    SilenceList,
    SilenceOut,
    preview_out,
    silence_out,
)

ROUTER = APIRouter(prefix="/api/v1/silences", tags=["silences"])


@ROUTER.get("", summary="List silences", operation_id="listSilences", responses=problems(422))
def list_silences(context: Context, state: SilenceState | None = None) -> SilenceList:
    now = context.clock.now()
    with context.database.reading() as session:
        found = silencing.every(session, context.current(), now)
    return SilenceList(silences=[silence_out(one, now) for one in found if state in (None, one.state(now))])


@ROUTER.get("/{silence_id}", summary="Show a silence", operation_id="showSilence", responses=problems(404, 422))
def show_silence(context: Context, silence_id: str) -> SilenceOut:
    with context.database.reading() as session:
        found = silencing.one(session, context.current(), silence_id)
    if found is None:
        raise _missing(silence_id)
    return silence_out(found, context.clock.now())


@ROUTER.post(
    "",
    summary="Make a silence",
    operation_id="makeSilence",
    status_code=HTTPStatus.CREATED,
    responses=problems(401, 403, 413, 422),
)
def make_silence(context: Context, caller: Responder, request: SilenceIn) -> SilenceOut:
    now = context.clock.now()
    try:
        made = context.desk.silence(_draft(request, caller.name, now), Actor(caller.name, caller.origin))
    except SilenceError as exc:
        raise WebError(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc)) from exc
    return silence_out(made, now)


@ROUTER.post(
    "/preview",
    summary="Say what a silence would mute",
    description="Now, and in the last seven days. Changes nothing; it needs a token because a regular expression can "
    "keep the service busy.",
    operation_id="previewSilence",
    responses=problems(401, 403, 413, 422),
)
def preview_silence(context: Context, caller: Responder, request: PreviewIn) -> PreviewOut:
    draft = Draft(
        parse_matchers(request.matchers), until_incident=_number(request.until_resolved), everything=request.everything
    )
    try:
        with context.database.reading() as session:
            return preview_out(preview.of(session, silencing.matchers_of(session, draft), context.clock.now()))
    except SilenceError as exc:
        raise WebError(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc)) from exc


@ROUTER.post(
    "/{silence_id}/end",
    summary="End a silence",
    description="Repeating it is no error. One that is kept in a file is answered with 409.",
    operation_id="endSilence",
    responses=problems(401, 403, 404, 409, 413, 422),
)
def end_silence(context: Context, caller: Responder, silence_id: str) -> SilenceOut:
    try:
        ended = context.desk.end_silence(silence_id, Actor(caller.name, caller.origin))
    except SilenceError as exc:
        raise WebError(HTTPStatus.CONFLICT, str(exc)) from exc
    if ended is None:
        raise _missing(silence_id)
    return silence_out(ended, context.clock.now())


def _draft(request: SilenceIn, caller: str, now: datetime) -> Draft:
    ends_at = request.ends_at
    if request.lasts is not None:
        if ends_at is not None:
            raise WebError(HTTPStatus.UNPROCESSABLE_ENTITY, "`for` stands beside `ends_at`; keep one of them.")
        ends_at = max(request.starts_at or now, now) + duration.parse(request.lasts)
    announced = request.maintenance
    return Draft(
        matchers=parse_matchers(request.matchers),
        author=request.author or caller,
        reason=request.reason,
        starts_at=request.starts_at,
        ends_at=ends_at,
        until_incident=_number(request.until_resolved),
        maintenance=Maintenance.model_validate(announced.model_dump()) if announced is not None else None,
        everything=request.everything,
    )


def _number(name: str | None) -> int | None:
    return numbers.parse(name) if name is not None else None


def _missing(silence_id: str) -> WebError:
    return WebError(HTTPStatus.NOT_FOUND, f"There is no silence {silence_id}.")
