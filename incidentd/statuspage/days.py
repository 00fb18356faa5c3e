"""The intervals of a component -> its days in a time zone, and its uptime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from incidentd.statuspage import status as words
from incidentd.statuspage.history import Interval
from incidentd.statuspage.status import Status

SHOWN_DAYS = 90

# A partial outage costs 30 % of its time, as on Statuspage; slow is not down.
DOWN_SHARE = {Status.MAJOR: 1.0, Status.PARTIAL: 0.3, Status.DEGRADED: 0.0}


@dataclass(frozen=True, slots=True)
class Day:
    """One local day from *start* to *end* (in UTC; 23 to 25 hours apart) and how long what was wrong, in it."""

    date: date
    start: datetime
    end: datetime
    affected: Mapping[Status, timedelta]

    @property
    def status(self) -> Status:
        """The worst of the day."""
        return words.worst(self.affected)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which *day* begins in *zone*; where midnight is skipped, the first instant after."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def first_midnight(now: datetime, zone: ZoneInfo, count: int = SHOWN_DAYS) -> datetime:
    """The instant, in UTC, at which the oldest of *count* days up to today begins."""
    return midnight(now.astimezone(zone).date() - timedelta(days=count - 1), zone)


def days(intervals: Iterable[Interval], now: datetime, zone: ZoneInfo, count: int = SHOWN_DAYS) -> tuple[Day, ...]:
    """The last *count* days, oldest first; the last is today so far."""
    today = now.astimezone(zone).date()
    known = tuple(intervals)
    found: list[Day] = []
    for ago in range(count - 1, -1, -1):
        day = today - timedelta(days=ago)
        start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        found.append(Day(day, start, end, affected(known, start, min(end, now))))
    return tuple(found)


def affected(intervals: Iterable[Interval], start: datetime, end: datetime) -> dict[Status, timedelta]:
    """How long each status but operational lasted between *start* and *end*, worst first."""
    lasted: dict[Status, timedelta] = {}
    for interval in intervals:
        inside = min(interval.end or end, end) - max(interval.start, start)
        if inside > timedelta():
            lasted[interval.status] = lasted.get(interval.status, timedelta()) + inside
    return dict(sorted(lasted.items(), key=lambda pair: -pair[0].rank))


def uptime(intervals: Iterable[Interval], start: datetime, end: datetime) -> float:
    """The share of the time from *start* to *end*, 0 to 1, in which the component was up."""
    if end <= start:
        return 1.0
    down = sum((lasted * DOWN_SHARE[status] for status, lasted in affected(intervals, start, end).items()), timedelta())
    return 1 - down / (end - start)
