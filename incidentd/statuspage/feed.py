"""The board -> an Atom feed (RFC 4287), one entry per incident, newest first.

*url* is the address of the page, with a trailing slash.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from uuid import NAMESPACE_URL, UUID, uuid5
from xml.etree import ElementTree as ET

from incidentd.statuspage.board import Board
from incidentd.statuspage.incident import PublicIncident

PATH = "history.atom"
LISTED_INCIDENTS = 50

_ATOM = "http://www.w3.org/2005/Atom"
_NOTHING_YET = datetime(1970, 1, 1, tzinfo=UTC)  # a feed must say when it was updated, and an empty one never was


def text(board: Board, url: str) -> str:
    """The feed; the same text for as long as no incident changes."""
    newest = board.incidents[:LISTED_INCIDENTS]
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(feed, "id", uuid5(NAMESPACE_URL, url).urn)
    _add(feed, "title", f"{board.page.title} status")
    _add(feed, "updated", _time(max((one.updated_at for one in newest), default=_NOTHING_YET)))
    ET.SubElement(feed, "link", rel="self", type="application/atom+xml", href=url + PATH)
    ET.SubElement(feed, "link", rel="alternate", type="text/html", href=url)
    _add(ET.SubElement(feed, "author"), "name", board.page.title)
    for one in newest:
        _entry(feed, one, board, url)
    ET.indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def _entry(feed: ET.Element, one: PublicIncident, board: Board, url: str) -> None:
    entry = ET.SubElement(feed, "entry")
    _add(entry, "id", UUID(one.uid).urn)
    _add(entry, "title", one.name)
    _add(entry, "published", _time(one.started_at))
    _add(entry, "updated", _time(one.updated_at))
    ET.SubElement(entry, "link", rel="alternate", type="text/html", href=f"{url}incidents/{one.uid}.html")
    ET.SubElement(entry, "category", term=one.stage.value)
    content = ET.SubElement(entry, "content", type="html")
    content.text = "\n".join(
        f"<p><strong>{update.stage.label}</strong> {_local(update.at, board)}<br>{escape(update.text)}</p>"
        for update in reversed(one.updates)
    )


def _local(at: datetime, board: Board) -> str:
    return at.astimezone(board.zone).strftime("%d %b %Y, %H:%M %Z")


def _add(parent: ET.Element, tag: str, value: str) -> None:
    ET.SubElement(parent, tag).text = value


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
