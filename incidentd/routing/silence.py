"""A silence, wherever it was made, and whether it mutes now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from incidentd.catalog import time_interval
from incidentd.catalog.silence import AuthoredSilence, Maintenance
from incidentd.catalog.time_interval import TimeInterval
from incidentd.labels import Matchers


class SilenceState(StrEnum):
    """Alertmanager's words. One that recurs is pending between its windows."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """*origin* is where it was made: ``api``, ``page``, ``cli``, or ``file``. *until_incident* is the number of the
    incident with whose end it ends, *ended_at* when it was ended before its time."""

    id: str
    matchers: Matchers
    author: str
    reason: str
    origin: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_intervals: tuple[TimeInterval, ...] = ()
    until_incident: int | None = None
    maintenance: Maintenance | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""

    def state(self, now: datetime) -> SilenceState:
        if self.ended_at is not None or (self.ends_at is not None and self.ends_at <= now):
            return SilenceState.EXPIRED
        if self.starts_at is not None and now < self.starts_at:
            return SilenceState.PENDING
        if self.time_intervals and not time_interval.contains(self.time_intervals, now):
            return SilenceState.PENDING
        return SilenceState.ACTIVE

    def is_active(self, now: datetime) -> bool:
        return self.state(now) is SilenceState.ACTIVE

    def window(self, now: datetime) -> tuple[datetime | None, datetime | None] | None:
        """From when to when it mutes; of one that recurs the current window, else the next. None when there is none, as
        for one that was ended before it began."""
        begin, end = self.starts_at, self.ended_at or self.ends_at
        if self.time_intervals:
            found = time_interval.window(self.time_intervals, max(now, self.starts_at or now))
            if found is None:
                return None
            begin = max((at for at in (begin, found[0]) if at is not None), default=None)
            end = min((at for at in (end, found[1]) if at is not None), default=None)
        return (begin, end) if begin is None or end is None or begin < end else None

    def until(self, now: datetime) -> datetime | None:
        """When one that is active ends; None when that is not known yet."""
        window = time_interval.end(self.time_intervals, now) if self.time_intervals else None
        return min((at for at in (window, self.ends_at) if at is not None), default=None)


def authored(silence: AuthoredSilence) -> Silence:
    """One that is kept in git."""
    return Silence(
        id=silence.id,
        matchers=silence.matchers,
        author=silence.author,
        reason=silence.reason,
        origin="file",
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        time_intervals=silence.time_intervals,
        maintenance=silence.maintenance,
    )
