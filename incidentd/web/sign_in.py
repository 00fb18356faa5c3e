"""An API token typed by a person -> a browser session."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Cookie, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from incidentd.store import tokens
from incidentd.web import auth
from incidentd.web.auth import Attempts, Visitor
from incidentd.web.context import Context
from incidentd.web.problems import WebError
from incidentd.web.templates import page

ROUTER = APIRouter(include_in_schema=False)

_LONGEST_NAME = 80


@ROUTER.get("/sign-in")
def show(request: Request, visitor: Visitor, following: Annotated[str, Query(alias="next")] = "/") -> Response:
    """A browser that followed a link from elsewhere sends its strict cookie only from here on: it is sent back."""
    if visitor is not None:
        return RedirectResponse(local_path(following), status_code=HTTPStatus.SEE_OTHER)
    return page(request, "sign_in.html.j2", following=local_path(following), name="", failure="")


@ROUTER.post("/sign-in")
def sign_in(
    request: Request,
    *,
    context: Context,
    visitor: Visitor,
    token: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    following: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    auth.require_same_origin(request, context.settings)
    attempts: Attempts = request.app.state.attempts
    peer = request.client.host if request.client else ""
    wait = attempts.wait(peer)
    if wait:
        headers = {"Retry-After": str(wait)}
        raise WebError(HTTPStatus.TOO_MANY_REQUESTS, f"Too many failed attempts; wait {wait} s.", headers=headers)
    owner = auth.owner_of(context, token.strip())
    following = local_path(following)
    if owner is None:
        attempts.failed(peer)
        failure = "This token is unknown. Nothing was changed."
        return page(request, "sign_in.html.j2", status=401, following=following, name=name, failure=failure)
    who = " ".join(name.split())[:_LONGEST_NAME] or owner
    expires_at = context.clock.now() + auth.SESSION_LIFETIME
    with context.database.transaction() as session:
        cookie = tokens.sign_in(session, who=who, token=token.strip(), expires_at=expires_at)
    response = RedirectResponse(following, status_code=HTTPStatus.SEE_OTHER)
    response.set_cookie(
        auth.COOKIE,
        cookie,
        max_age=int(auth.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=context.settings.base_url.startswith("https://"),
    )
    return response


@ROUTER.post("/sign-out")
def sign_out(request: Request, context: Context, cookie: Annotated[str, Cookie(alias=auth.COOKIE)] = "") -> Response:
    auth.require_same_origin(request, context.settings)
    with context.database.transaction() as session:
        tokens.sign_out(session, cookie)
    response = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
    response.delete_cookie(auth.COOKIE, httponly=True, samesite="strict")
    return response


def local_path(path: str) -> str:
    """*path* when it leads to this service, else the list: a link must not send a person elsewhere after sign-in."""
    leads_away = not path.startswith("/") or path[1:2] in ("/", "\\") or not path.isprintable()
    return "/" if leads_away else path
