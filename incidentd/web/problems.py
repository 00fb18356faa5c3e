"""Whatever goes wrong -> application/problem+json, or a page where a person asked for one."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from incidentd.web.templates import page

_LOG = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class WebError(Exception):
    """A request that is answered with an error. *detail* is a sentence for the one who asked, *more* further members
    of the problem (RFC 9457)."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def install(app: FastAPI) -> None:
    """Makes *app* answer every error in this form."""
    app.add_exception_handler(WebError, _ours)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def body(status: int, detail: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of a problem."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **(more or {}),
    }


def wants_page(request: Request) -> bool:
    """Whether a person looks at a page, not a program at the API."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _ours(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, WebError)  # noqa: S101 - what it was registered for
    return _answer(request, exc)


def _of_framework(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - what it was registered for
    detail = f"There is nothing at {request.url.path}." if exc.status_code == HTTPStatus.NOT_FOUND else str(exc.detail)
    return _answer(request, WebError(exc.status_code, detail, headers=exc.headers))


def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - what it was registered for
    errors = [{"at": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in exc.errors()]
    detail = "; ".join(f"{one['at']}: {one['message']}" for one in errors)
    return _answer(request, WebError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, more={"errors": errors}))


def _unexpected(request: Request, exc: Exception) -> Response:
    """Never a page: its template may be what failed."""
    _LOG.error("a request failed", action="request_failed", path=request.url.path, exc_info=exc)
    content = body(HTTPStatus.INTERNAL_SERVER_ERROR, "incidentd failed on this request; its log says why.")
    return JSONResponse(content, status_code=HTTPStatus.INTERNAL_SERVER_ERROR, media_type=MEDIA_TYPE)


def _answer(request: Request, error: WebError) -> Response:
    if wants_page(request):
        title = HTTPStatus(error.status).phrase
        return page(
            request, "error.html.j2", status=error.status, headers=error.headers, title=title, detail=error.detail
        )
    content = body(error.status, error.detail, error.more)
    return JSONResponse(content, status_code=error.status, headers=error.headers, media_type=MEDIA_TYPE)
