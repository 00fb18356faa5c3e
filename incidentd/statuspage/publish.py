"""The store and the catalog -> the public folder, again and again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from incidentd import metrics
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.component import StatusPage
from incidentd.clock import Clock
from incidentd.incidents import mutes
from incidentd.routing import silence
from incidentd.routing.silence import Silence
from incidentd.settings import Settings
from incidentd.statuspage import board, feed, folder, summary
from incidentd.statuspage import days as calendar
from incidentd.statuspage.board import Board
from incidentd.statuspage.folder import FolderError
from incidentd.statuspage.incident import PublicIncident
from incidentd.statuspage.page import PageError, Pages
from incidentd.store import incidents, silences, timeline
from incidentd.store.database import Database
from incidentd.store.tables import Incident, TimelineEntry

EVERY_SECONDS = 60.0
_AT_MOST_EVERY_SECONDS = 1.0
_NUMBERS_PER_QUERY = 500
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_INCIDENT_PAGE = re.compile(r"[0-9a-f]{32}\.html")

_log = structlog.get_logger(__name__)


class PublishError(Exception):
    """The status page was not published; what was published before is still there."""


class Publisher:
    """Writes the status page. One thread at a time may publish."""

    def __init__(self, database: Database, current: Callable[[], Catalog], settings: Settings, clock: Clock) -> None:
        self._database = database
        self._current = current
        self._settings = settings
        self._clock = clock
        self._complete_for: StatusPage | None = None

    def publish(self, out: Path | None = None) -> tuple[Path, ...]:
        """Brings the folder (*out*, default: the catalog's) to what the store says now; returns the files that were
        different, `index.html` last. Raises PublishError."""
        page = self._current().statuspage
        target = out or page.out
        try:
            files = self._files(page, complete=page != self._complete_for)
            changed = folder.replace(target, files)
            if page != self._complete_for:
                _remove_obsolete(target, files)
            folder.remove_abandoned(target, target / "index.html")
        except (FolderError, PageError) as exc:
            raise PublishError(str(exc)) from exc
        self._complete_for = page
        return tuple(target / path for path in changed)

    def run(self, wake: threading.Event, stop: threading.Event) -> None:
        """Publishes now, whenever *wake* is set, and every minute, but at most once a second, until *stop* is set.
        Set *wake* after *stop*, else the end is noticed within the minute."""
        while not stop.is_set():
            wake.clear()
            self._try()
            stop.wait(_AT_MOST_EVERY_SECONDS)
            wake.wait(EVERY_SECONDS - _AT_MOST_EVERY_SECONDS)

    def _try(self) -> None:
        """Publishes where there is something to show: without components nobody asked for a page."""
        try:
            if not self._current().statuspage.components:
                return
            changed = self.publish()
        except Exception as exc:  # noqa: BLE001 - the top of the loop: whatever it was, the next minute tries again
            metrics.PUBLICATIONS.labels("failed").inc()
            expected = isinstance(exc, PublishError)
            _log.error(
                "the status page was not published; the page that is there stays",
                action="statuspage_failed",
                error=str(exc) if expected else type(exc).__name__,
                exc_info=not expected,
            )
            return
        metrics.PUBLICATIONS.labels("published").inc()
        if any(path.name == feed.PATH for path in changed):  # else only the time of generation moved
            _log.info("the status page was published", action="statuspage_published", files=len(changed))

    def _files(self, page: StatusPage, *, complete: bool) -> dict[str, str]:
        """Every file by path. Pages of incidents that ended before the days shown never change: they are written only
        when *complete*."""
        zone = ZoneInfo(page.time_zone)
        now = self._clock.now()
        begins = calendar.first_midnight(now, zone)
        found, timelines = self._read(page, _EVER if complete else begins)
        announced = self._announced(begins)
        older = [one for one in found if one.resolved_at is not None and one.resolved_at < begins]
        shown = [one for one in found if one.resolved_at is None or one.resolved_at >= begins]
        current = board.build(page, shown, timelines, now=now, zone=zone, silences=announced)
        return _render(current, board.public_incidents(page, older, timelines), self._settings)

    def _announced(self, since: datetime) -> list[Silence]:
        """The silences that are maintenance, wherever they were made."""
        authored = [silence.authored(one) for one in self._current().silences if one.maintenance is not None]
        with self._database.reading() as session:
            return authored + [mutes.stored(row) for row in silences.announced_since(session, since)]

    def _read(self, page: StatusPage, since: datetime) -> tuple[list[Incident], dict[int, list[TimelineEntry]]]:
        public = {component.id for component in page.components}
        timelines: dict[int, list[TimelineEntry]] = {}
        with self._database.reading() as session:
            found = [one for one in incidents.active_since(session, since) if one.component in public]
            for numbers in _chunks([one.number for one in found if one.number is not None]):
                timelines |= timeline.of_all(session, numbers)
        return found, timelines


def _render(current: Board, older: Sequence[PublicIncident], settings: Settings) -> dict[str, str]:
    """The files in the order in which they must appear: what index.html links to is there before it."""
    url = f"{settings.base_url}/status/"
    pages = Pages(current, settings.templates)
    files = pages.assets()
    files["icon.svg"] = pages.icon()
    for one in (*older, *current.incidents):
        files[_path(one)] = pages.incident(one)
    files["history.html"] = pages.history()
    files[feed.PATH] = feed.text(current, url)
    files |= summary.files(current, url)
    files["index.html"] = pages.index()
    return files


def _path(incident: PublicIncident) -> str:
    return f"incidents/{incident.uid}.html"


def _remove_obsolete(target: Path, files: dict[str, str]) -> None:
    """Incidents stop being public when their component does. Files that are not ours stay."""
    for found in (target / "incidents").glob("*.html"):
        path = f"incidents/{found.name}"
        if _INCIDENT_PAGE.fullmatch(found.name) and path not in files:
            folder.remove(target, path)


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _NUMBERS_PER_QUERY):
        yield numbers[start : start + _NUMBERS_PER_QUERY]
