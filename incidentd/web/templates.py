"""A page's template and values -> HTML, every value escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from starlette.responses import HTMLResponse

from incidentd import duration, settings
from incidentd.notify import filters

_FOLDER = "pages"
_STYLE = "incidentd.css"


class Pages:
    """The templates below ``pages/``: the user's where there is one, else those that ship."""

    def __init__(self, user_dir: Path | None) -> None:
        folders = [folder / _FOLDER for folder in (user_dir, settings.shipped("templates")) if folder is not None]
        self._env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters |= {
            "brief": _brief,
            "clock": lambda at: at.astimezone(UTC).strftime("%H:%M:%S"),
            "day": lambda at: at.astimezone(UTC).strftime("%-d %b %Y"),
            "humanize": filters.humanize,
            "iso": lambda at: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "span": duration.text,
            "utc": lambda at: at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        }

    @property
    def style(self) -> str:
        """The style sheet."""
        return self._env.get_template(_STYLE).render()

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The template *name* with *values*. Raises jinja2.TemplateError where a user's template fails."""
        version = hashlib.sha256(self.style.encode()).hexdigest()[:12]
        return self._env.get_template(name).render(style_version=version, **values)


def _brief(at: datetime, now: datetime) -> str:
    """Hours and minutes, with the day when it is not today."""
    at = at.astimezone(UTC)
    return at.strftime("%H:%M" if at.date() == now.astimezone(UTC).date() else "%-d %b %H:%M")


def page(
    request: Request, name: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A page as a response. Every template may use *who* (None unless signed in), *here* and *now* beside *values*."""
    now: datetime = request.app.state.context.clock.now()
    known = {"who": getattr(request.state, "who", None), "here": request.url.path, "now": now}
    html = request.app.state.pages.render(name, known | values)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})
