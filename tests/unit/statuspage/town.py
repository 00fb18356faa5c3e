"""A store with incidents as the desk would have written them, and the publisher over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.component import Component, StatusPage
from incidentd.catalog.route import Route
from incidentd.catalog.silence import AuthoredSilence
from incidentd.clock import MovableClock
from incidentd.settings import Settings, Source
from incidentd.statuspage.publish import Publisher
from incidentd.store.database import Database
from incidentd.store.tables import Incident, IncidentAlert, TimelineEntry

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

CHAT = Component(id="chat-api", name="Chat API", description="Answers to prompts", group="API")
EMBED = Component(id="embeddings", name="Embeddings", group="API")
LOGIN = Component(id="login", name="Sign-in")

Happening = tuple[datetime, str, str, str]
"""When, what kind, the state after it, the severity after it."""


def at(text: str) -> datetime:
    """``11-20 10:00`` in 2026, UTC."""
    return datetime.strptime(f"2026-{text} +0000", "%Y-%m-%d %H:%M %z").astimezone(UTC)


def happened(when: str, kind: str, state: str, severity: str) -> Happening:
    return at(when), kind, state, severity


def entries(happenings: Sequence[Happening], number: int = 1, text: str = "") -> list[TimelineEntry]:
    return [
        TimelineEntry(
            incident_number=number, at=when, kind=kind, who=text, origin="rule", text=text, state=state, severity=sev
        )
        for when, kind, state, sev in happenings
    ]


def incident(component: str, happenings: Sequence[Happening], number: int | None = 1, **more: str) -> Incident:
    first, last = happenings[0], happenings[-1]
    values: dict[str, Any] = {"title": "A title", "key": f"key-{first[0]}-{component}"} | more
    return Incident(
        number=number,
        component=component,
        state=last[2],
        severity=last[3],
        peak_severity=min(one[3] for one in happenings),
        opened_at=first[0],
        updated_at=last[0],
        paged_at=first[0],
        resolved_at=last[0] if last[2] == "resolved" else None,
        **values,
    )


class Town:
    """One database, one catalog, one clock, one public folder."""

    def __init__(self, folder: Path, now: datetime = NOON) -> None:
        self.out = folder / "public"
        self.clock = MovableClock(now)
        self.database = Database(f"sqlite:///{folder}/town.db")
        self.database.migrate()
        self.settings = Settings(
            sources={"prometheus": Source(url="http://127.0.0.1:1")}, base_url="https://status.example.com"
        )
        self.page = StatusPage(title="Example", out=self.out, components=(CHAT, EMBED, LOGIN))
        self.silences: tuple[AuthoredSilence, ...] = ()
        self.publisher = self.fresh_publisher()

    def fresh_publisher(self) -> Publisher:
        return Publisher(self.database, self.catalog, self.settings, self.clock)

    def catalog(self) -> Catalog:
        return Catalog(
            rules=(),
            runbooks={},
            receivers={},
            route=Route(receiver="team"),
            statuspage=self.page,
            silences=self.silences,
        )

    def story(self, component: str, happenings: Sequence[Happening], secret: str = "", **more: str) -> str:
        """Stores one incident with its timeline, and *secret* wherever people or labels speak; returns its uid."""
        with self.database.transaction() as session:
            one = incident(component, happenings, number=None, **more)
            one.labels = {"secret": secret}
            session.add(one)
            session.flush()
            assert one.number is not None
            session.add_all(entries(happenings, one.number, secret))
            session.add(
                IncidentAlert(
                    incident_number=one.number,
                    rule_id="1",
                    fingerprint="1",
                    rule=secret,
                    labels={"secret": secret},
                    severity=one.severity,
                    condition=secret,
                    summary=secret,
                    description=secret,
                    since=one.opened_at,
                )
            )
            return one.uid

    def publish(self) -> list[str]:
        """Paths that changed, relative to the public folder."""
        return [path.relative_to(self.out).as_posix() for path in self.publisher.publish()]

    def read(self, path: str) -> str:
        return (self.out / path).read_text(encoding="utf-8")
