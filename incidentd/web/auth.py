"""A request -> who may change something: a bearer token, or a browser that signed in with one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from incidentd.clock import Clock
from incidentd.incidents.actor import Origin
from incidentd.settings import Settings
from incidentd.store import tokens
from incidentd.store.database import Session
from incidentd.web.context import Context, WebContext
from incidentd.web.problems import WebError

COOKIE = "incidentd_session"
SESSION_LIFETIME = timedelta(days=7)
_FAILURES_ALLOWED = 5
_FAILURES_WITHIN = timedelta(minutes=1)
_PEERS_REMEMBERED = 10_000
_CONFIGURED = "api token"

_BEARER = HTTPBearer(auto_error=False, description="An API token: `api.token`, or one of `incidentd token create`.")
_SESSION = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser that signed in.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and through which door."""

    name: str
    origin: Origin


def may_listen(settings: Settings, *, has_token: bool) -> str | None:
    """None, or why the service must not listen where it is told to. *has_token* says that a token is stored."""
    if settings.listens_on_loopback or settings.api.token is not None or has_token:
        return None
    return (
        f"listen is {settings.listen}, which others can reach, and there is no API token: "
        "set api.token, run `incidentd token create NAME`, or listen on 127.0.0.1"
    )


def owner_of(context: WebContext, token: str) -> str | None:
    """Whose *token* it is; None when it is nobody's."""
    if _is_configured(context.settings, tokens.digest(token)):
        return _CONFIGURED
    with context.database.reading() as session:
        return tokens.name_of(session, token)


def session_owner(context: WebContext, cookie: str | None) -> str | None:
    """Who signed in and got *cookie*; None when it has expired or its token is no longer good."""
    if not cookie:
        return None
    with context.database.reading() as session:
        found = tokens.session_of(session, cookie, context.clock.now())
        return found.who if found is not None and _still_good(context, session, found.token_digest) else None


def require_same_origin(request: Request, settings: Settings) -> None:
    """Raises WebError 403 when the request was sent from another site's page.

    https://web.dev/articles/fetch-metadata; browsers that do not say so send ``Origin`` with every POST.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        same = site in ("same-origin", "none")
    else:
        origin = request.headers.get("origin", "")
        own = {_origin(settings.base_url), f"{request.url.scheme}://{request.headers.get('host', '')}"}
        same = origin in own
    if not same:
        raise WebError(HTTPStatus.FORBIDDEN, "This request came from another site's page, so nothing was done.")


def visitor(request: Request, context: Context, cookie: Annotated[str | None, Depends(_SESSION)]) -> str | None:
    """Who is signed in, None for a guest; pages show it."""
    who = session_owner(context, cookie)
    request.state.who = who
    return who


def responder(
    request: Request,
    context: Context,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    cookie: Annotated[str | None, Depends(_SESSION)],
) -> Caller:
    """Who asks for a change. Raises WebError 401 when nobody proves to be allowed, 403 for another site's page."""
    if bearer is not None:
        name = owner_of(context, bearer.credentials)
        if name is None:
            raise _unauthorized("This API token is unknown.", 'Bearer error="invalid_token"')
        return Caller(name, Origin.API)
    who = session_owner(context, cookie)
    if who is None:
        raise _unauthorized("Send an API token as `Authorization: Bearer ...`, or sign in.", "Bearer")
    require_same_origin(request, context.settings)
    return Caller(who, Origin.PAGE)


Visitor = Annotated[str | None, Depends(visitor)]
Responder = Annotated[Caller, Depends(responder)]


class Attempts:
    """Failed sign-ins by peer, in memory: a token cannot be guessed faster than a few times a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: dict[str, list[float]] = {}

    def wait(self, peer: str) -> int:
        """Seconds that *peer* must wait before it may try again, 0 when it need not."""
        recent = self._recent(peer)
        if len(recent) < _FAILURES_ALLOWED:
            return 0
        return int(recent[0] + _FAILURES_WITHIN.total_seconds() - self._now()) + 1

    def failed(self, peer: str) -> None:
        recent = [*self._recent(peer), self._now()]
        self._failed.pop(peer, None)
        while len(self._failed) >= _PEERS_REMEMBERED:
            self._failed.pop(next(iter(self._failed)), None)
        self._failed[peer] = recent[-_FAILURES_ALLOWED:]

    def _recent(self, peer: str) -> list[float]:
        since = self._now() - _FAILURES_WITHIN.total_seconds()
        return [at for at in self._failed.get(peer, []) if at > since]

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _is_configured(settings: Settings, digest: str) -> bool:
    """Compared by digest, in constant time."""
    token = settings.api.token
    return token is not None and hmac.compare_digest(tokens.digest(token.get_secret_value()), digest)


def _still_good(context: WebContext, session: Session, digest: str) -> bool:
    return _is_configured(context.settings, digest) or tokens.is_known(session, digest)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _unauthorized(detail: str, challenge: str) -> WebError:
    return WebError(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
