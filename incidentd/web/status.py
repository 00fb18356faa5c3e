"""/status/: the published status page, as the files that it consists of."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from incidentd.web.context import Context
from incidentd.web.problems import WebError

ROUTER = APIRouter(include_in_schema=False)

# The page has one script of its own, which says when the page is stale.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "public, max-age=15",
    "Access-Control-Allow-Origin": "*",
    "Content-Security-Policy": _POLICY,
}
_TYPES = {
    ".atom": "application/atom+xml",
    ".css": "text/css",
    ".html": "text/html",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@ROUTER.get("/status")
def add_slash() -> Response:
    return RedirectResponse("/status/", status_code=HTTPStatus.PERMANENT_REDIRECT)


@ROUTER.api_route("/status/{path:path}", methods=["GET", "HEAD"])
def serve(context: Context, path: str) -> Response:
    """The folder is that of the catalog in force, so it follows a reload."""
    folder = context.current().statuspage.out.resolve()
    found = _inside(folder, path)
    if found is None:
        generated = _inside(folder, "") is not None
        none_yet = "The status page has not been generated yet; it needs statuspage.components."
        raise WebError(HTTPStatus.NOT_FOUND, f"The status page has no {path}." if generated else none_yet)
    # Read at once: a file that is replaced between its length and its content would break off in the middle.
    return Response(
        found.read_bytes(), headers=_HEADERS, media_type=_TYPES.get(found.suffix, "application/octet-stream")
    )


def _inside(folder: Path, path: str) -> Path | None:
    """The file at *path*, ``index.html`` for a folder; None when there is none, or it is hidden or outside."""
    hidden = any(part.startswith(".") for part in path.split("/")) or "\0" in path
    if hidden:
        return None
    found = (folder / path).resolve()
    if found.is_dir():
        found = found / "index.html"
    return found if found.is_relative_to(folder) and found.is_file() else None
