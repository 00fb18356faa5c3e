"""Recurring windows of time in a time zone, as Alertmanager's ``time_intervals`` write them -> whether a time is in."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from incidentd.catalog.component import known_zone
from incidentd.settings import Section

Range = tuple[int, int]
"""First and last, both in."""

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""Alertmanager's week begins on Sunday."""
_MONTHS = tuple(name.lower() for name in calendar.month_name)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_LONGEST_MONTH = 31
_LAST_MONTH = 12
_FAR = timedelta(days=8)
"""How far :func:`end` looks: further than any window that a week repeats."""
_MINUTE = timedelta(minutes=1)


def _minutes(text: Any) -> int:
    if isinstance(text, int):
        return text
    match = _TIME.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a time of day; write it as 'HH:MM', from 00:00 to 24:00")
    return int(match[1]) * 60 + int(match[2]) if match[1] else 24 * 60


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


TimeOfDay = Annotated[
    int,
    BeforeValidator(_minutes),
    PlainSerializer(_clock),
    WithJsonSchema({"type": "string", "pattern": _TIME.pattern}),
]
"""Minutes since midnight, authored as ``HH:MM``."""


class TimeRange(Section):
    """A part of a day: *end_time* is the first minute that is out."""

    start_time: TimeOfDay
    end_time: TimeOfDay

    @model_validator(mode="after")
    def _within_a_day(self) -> TimeRange:
        if self.start_time >= self.end_time:
            raise ValueError(
                f"end_time {_clock(self.end_time)} is not after start_time {_clock(self.start_time)}"
                "; a window across midnight is two: one that ends at 24:00, one that starts at 00:00"
            )
        return self


def _ranges(parse: Callable[[str], int], order: Callable[[int], int] = int) -> BeforeValidator:
    """Authored ``first`` or ``first:last``, compared by *order*."""

    def one(item: Any) -> Range:
        if isinstance(item, tuple):
            return item
        first, _, last = str(item).strip().lower().partition(":")
        begin = parse(first)
        end = parse(last) if last else begin
        if order(begin) > order(end):
            raise ValueError(f"{item!r} ends before it begins; write two items, or turn it round")
        return begin, end

    def every(items: Any) -> Any:
        return (
            tuple(one(item) for item in items) if isinstance(items, Sequence) and not isinstance(items, str) else items
        )

    return BeforeValidator(every)


def _weekday(text: str) -> int:
    if text not in _DAYS:
        raise ValueError(f"{text!r} is not a day of the week; write monday, or monday:friday")
    return _DAYS.index(text)


def _day_of_month(text: str) -> int:
    day = int(text) if re.fullmatch(r"-?[0-9]{1,2}", text) else 0
    if not 1 <= abs(day) <= _LONGEST_MONTH:
        raise ValueError(
            f"{text!r} is not a day of a month; write 1 to 31, or -1 for the last day, as in '1:7' or '-3:-1'"
        )
    return day


def _from_begin(day: int) -> int:
    return day if day > 0 else _LONGEST_MONTH + 1 + day


def _month(text: str) -> int:
    if text in _MONTHS[1:]:
        return _MONTHS.index(text)
    if text.isdecimal() and 1 <= int(text) <= _LAST_MONTH:
        return int(text)
    raise ValueError(f"{text!r} is not a month; write december or 12, or may:august")


def _year(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise ValueError(f"{text!r} is not a year; write 2027, or 2027:2029")
    return int(text)


_LIST = WithJsonSchema({"type": "array", "items": {"type": ["string", "integer"]}})
Weekdays = Annotated[
    tuple[Range, ...], _ranges(_weekday), PlainSerializer(lambda value: _written(value, _DAYS.__getitem__)), _LIST
]
DaysOfMonth = Annotated[
    tuple[Range, ...], _ranges(_day_of_month, _from_begin), PlainSerializer(lambda value: _written(value, str)), _LIST
]
Months = Annotated[
    tuple[Range, ...], _ranges(_month), PlainSerializer(lambda value: _written(value, _MONTHS.__getitem__)), _LIST
]
Years = Annotated[tuple[Range, ...], _ranges(_year), PlainSerializer(lambda value: _written(value, str)), _LIST]


def _written(ranges: Sequence[Range], name: Callable[[int], str]) -> list[str]:
    return [name(first) if first == last else f"{name(first)}:{name(last)}" for first, last in ranges]


class TimeInterval(Section):
    """Every field that is given must be met, by one of its ranges; clocks and calendars are those of *location*."""

    times: tuple[TimeRange, ...] = ()
    weekdays: Weekdays = ()
    days_of_month: DaysOfMonth = ()
    months: Months = ()
    years: Years = ()
    location: Annotated[str, AfterValidator(known_zone)] = "UTC"

    def contains(self, at: datetime) -> bool:
        """Whether *at* is in, by the clock on the wall in *location*: an hour that daylight saving repeats is in
        twice, one that it skips is not there."""
        local = at.astimezone(ZoneInfo(self.location))
        minute = local.hour * 60 + local.minute
        return (
            (not self.times or any(one.start_time <= minute < one.end_time for one in self.times))
            and _in(self.weekdays, local.isoweekday() % 7)
            and self._has_day(local)
            and _in(self.months, local.month)
            and _in(self.years, local.year)
        )

    def _has_day(self, local: datetime) -> bool:
        """A range that goes beyond the month's end is cut there."""
        last = calendar.monthrange(local.year, local.month)[1]
        return not self.days_of_month or any(
            (first if first > 0 else last + 1 + first) <= local.day <= (end if end > 0 else last + 1 + end)
            for first, end in self.days_of_month
        )


class TimeIntervals(Section):
    """Windows under a name, for routes: in one of them is in."""

    name: str = Field(min_length=1)
    time_intervals: tuple[TimeInterval, ...] = Field(min_length=1)


def contains(intervals: Sequence[TimeInterval], at: datetime) -> bool:
    """Whether one of *intervals* contains *at*."""
    return any(one.contains(at) for one in intervals)


def end(intervals: Sequence[TimeInterval], at: datetime) -> datetime | None:
    """Until when it stays as it is at *at*, in or out, to the minute; None when that is more than eight days away."""
    return _end(tuple(intervals), at.astimezone(UTC).replace(second=0, microsecond=0))


def window(intervals: Sequence[TimeInterval], at: datetime) -> tuple[datetime | None, datetime | None] | None:
    """The window that *at* is in, else the next one: its beginning and its end, None for what is more than eight days
    away. None when there is no such window in that time."""
    if contains(intervals, at):
        return _begin(tuple(intervals), at.astimezone(UTC).replace(second=0, microsecond=0)), end(intervals, at)
    begin = end(intervals, at)
    return (begin, end(intervals, begin)) if begin is not None else None


@lru_cache(maxsize=256)
def _end(intervals: tuple[TimeInterval, ...], minute: datetime) -> datetime | None:
    now = contains(intervals, minute)
    later, last = minute + _MINUTE, minute + _FAR
    while later <= last:
        if contains(intervals, later) is not now:
            return later
        later += _MINUTE
    return None


@lru_cache(maxsize=256)
def _begin(intervals: tuple[TimeInterval, ...], minute: datetime) -> datetime | None:
    earliest = minute - _FAR
    while contains(intervals, minute - _MINUTE):
        minute -= _MINUTE
        if minute < earliest:
            return None
    return minute


def _in(ranges: Sequence[Range], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)
