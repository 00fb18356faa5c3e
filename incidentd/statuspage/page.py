"""The board -> HTML, and what stands beside it: style sheet, script, icon."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from math import floor
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from incidentd import duration, settings
from incidentd.statuspage.board import Board, Stretch
from incidentd.statuspage.days import DOWN_SHARE, SHOWN_DAYS, Day
from incidentd.statuspage.incident import PublicIncident
from incidentd.statuspage.status import Status

PAST_DAYS = 14

_ASSETS = ("style.css", "stale.js")


class PageError(Exception):
    """A template of the status page cannot be read or rendered; the text says which and why."""


class Pages:
    """Renders one board. Templates are ``statuspage/*`` in *user_dir*, else those that came with incidentd.

    Every method raises PageError.
    """

    def __init__(self, board: Board, user_dir: Path | None) -> None:
        self._board = board
        folders = [folder for folder in (user_dir, settings.shipped("templates")) if folder is not None]
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": lambda at: moment(at, board.zone),
            "clock": lambda at: clock(at, board.zone),
            "stretch": stretch_title,
            "iso": lambda at: at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "lasted": duration.text,
            "percent": percent,
        }
        self._environment.globals |= {
            "board": board,
            "Status": Status,
            "shares": {status: percent(share) for status, share in DOWN_SHARE.items()},
            "day_title": day_title,
            "on_day": lambda incident, day: on_day(incident, day, board.zone),
            "version": hashlib.sha256("".join(self.assets().values()).encode()).hexdigest()[:12],
        }

    def assets(self) -> dict[str, str]:
        """The style sheet and the script, as they are."""
        return {name: self._source(name) for name in _ASSETS}

    def icon(self) -> str:
        """The favicon of the page's status, which differs in shape and colour."""
        return self._render("icon.svg", status=self._board.status)

    def index(self) -> str:
        return self._render("index.html", root="", stretches=self._board.recent(PAST_DAYS))

    def history(self) -> str:
        """Every day shown that has an incident; a bar that stands for several links to its day in it."""
        stretches = [one for one in self._board.recent(SHOWN_DAYS) if one.incidents]
        return self._render("history.html", root="", stretches=stretches)

    def incident(self, incident: PublicIncident) -> str:
        """The permanent page of one incident, which lies one folder deeper."""
        return self._render("incident.html", root="../", incident=incident)

    def _render(self, name: str, **values: object) -> str:
        try:
            return self._environment.get_template(f"statuspage/{name}").render(**values)
        except (TemplateError, OSError, UnicodeError, TypeError, ValueError, ArithmeticError, LookupError) as exc:
            raise PageError(f"template statuspage/{name}: {type(exc).__name__}: {exc}") from exc

    def _source(self, name: str) -> str:
        assert self._environment.loader is not None  # noqa: S101 - given above
        try:
            return self._environment.loader.get_source(self._environment, f"statuspage/{name}")[0]
        except (TemplateError, OSError, UnicodeError) as exc:
            raise PageError(f"template statuspage/{name}: {type(exc).__name__}: {exc}") from exc


def clock(at: datetime, zone: ZoneInfo) -> str:
    """The time of day with its zone, as in ``14:02 CET``; a zone without letters is written ``UTC-03``."""
    local = at.astimezone(zone)
    name = local.strftime("%Z")
    return f"{local:%H:%M} {name if name.isalpha() else f'UTC{name}'}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """As in ``20 Nov 2026, 14:02 CET``."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y}, {clock(at, zone)}"


def long_day(day: date) -> str:
    """As in ``20 November 2026``."""
    return f"{day.day} {day:%B %Y}"


def percent(share: float) -> str:
    """0.99987 -> ``99.98 %``: cut, never rounded up, so that only a full share reads 100 %."""
    cut = floor(share * 10_000 + 1e-9) / 100
    return f"{cut:.0f} %" if cut.is_integer() else f"{cut:.2f} %"


def day_title(day: Day) -> str:
    """A bar in words, as in ``20 November 2026: partial outage 1h 12m, degraded performance 20m``."""
    lasted = ", ".join(f"{status.label.lower()} {duration.text(time)}" for status, time in day.affected.items())
    return f"{long_day(day.date)}: {lasted or 'no incident'}"


def stretch_title(stretch: Stretch) -> str:
    """As in ``16 to 20 Nov 2026``; one day alone is written out."""
    oldest, newest = stretch.oldest, stretch.newest
    if oldest == newest:
        return long_day(newest)
    same_month = (oldest.year, oldest.month) == (newest.year, newest.month)
    begin = f"{oldest.day}" if same_month else f"{oldest.day} {oldest:%b}"
    return f"{begin} to {newest.day} {newest:%b %Y}"


def on_day(incident: PublicIncident, day: date, zone: ZoneInfo) -> str:
    """What one incident did on one local day on which it was active."""
    began = incident.started_at.astimezone(zone).date() == day
    resolved_at = incident.resolved_at
    if resolved_at is not None and resolved_at.astimezone(zone).date() == day:
        return f"Resolved {clock(resolved_at, zone)} after {duration.text(incident.lasted)}"
    beginning = f"Began {clock(incident.started_at, zone)}" if began else "Continued"
    return beginning if resolved_at is not None else f"{beginning}, not resolved yet"
