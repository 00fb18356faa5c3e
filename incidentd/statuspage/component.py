"""One component and its intervals -> its status, days and uptime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from incidentd.catalog.component import Component
from incidentd.statuspage import days as calendar
from incidentd.statuspage.days import Day
from incidentd.statuspage.history import Interval
from incidentd.statuspage.status import Status


@dataclass(frozen=True, slots=True)
class ComponentHistory:
    """One component: its *status* since *since* (None: for as long as is shown), its days, its uptime from 0 to 1.
    While it *is_maintained* its status is operational: what was announced is no trouble, though its bars count it."""

    component: Component
    status: Status
    since: datetime | None
    affected_since: datetime | None
    days: tuple[Day, ...]
    uptime: float
    is_maintained: bool = False

    @property
    def label(self) -> str:
        return "Under maintenance" if self.is_maintained else self.status.label

    def maintained(self, since: datetime | None) -> ComponentHistory:
        """The same while it is under maintenance, since then."""
        return replace(self, status=Status.OPERATIONAL, since=since, affected_since=None, is_maintained=True)


def of(
    component: Component, known: Sequence[Interval], begins: datetime, now: datetime, zone: ZoneInfo
) -> ComponentHistory:
    """The history of *component* from *begins*, a local midnight, to *now*."""
    shown = [one for one in known if one.end is None or one.end > begins]
    last = shown[-1] if shown else None
    ongoing = last is not None and last.end is None
    return ComponentHistory(
        component=component,
        status=last.status if last and ongoing else Status.OPERATIONAL,
        since=(last.start if ongoing else last.end) if last else None,
        affected_since=_begin_of_trouble(shown) if ongoing else None,
        days=calendar.days(shown, now, zone),
        uptime=calendar.uptime(shown, begins, now),
    )


def _begin_of_trouble(shown: Sequence[Interval]) -> datetime:
    start = shown[-1].start
    for earlier, later in reversed(list(pairwise(shown))):
        if earlier.end != later.start:
            break
        start = earlier.start
    return start
