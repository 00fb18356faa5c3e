"""Windows of the week, the month and the year, in time zones whose clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from incidentd.catalog import time_interval
from incidentd.catalog.time_interval import TimeInterval, TimeIntervals


def interval(**fields: Any) -> TimeInterval:
    return TimeInterval.model_validate(fields)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = interval(
    times=[{"start_time": "09:00", "end_time": "17:00"}], weekdays=["monday:friday"], location="Europe/Berlin"
)


@pytest.mark.parametrize(
    ("at", "is_in"),
    [
        ("2026-11-20 07:59:59", False),  # Friday, 08:59:59 in Berlin
        ("2026-11-20 08:00:00", True),
        ("2026-11-20 15:59:59", True),
        ("2026-11-20 16:00:00", False),  # the end is out
        ("2026-11-21 12:00:00", False),  # Saturday
        ("2026-07-17 07:00:00", True),  # summer: an hour earlier in UTC
        ("2026-07-17 15:00:00", False),
    ],
)
def test_office_hours_follow_the_clock_on_the_wall(at: str, is_in: bool) -> None:  # noqa: FBT001 - a case
    assert OFFICE.contains(utc(at)) is is_in


def test_the_week_begins_where_the_zone_is() -> None:
    """Sunday 23:30 in UTC is Monday in Berlin."""
    assert interval(weekdays=["monday"], location="Europe/Berlin").contains(utc("2026-11-22 23:30"))
    assert not interval(weekdays=["monday"]).contains(utc("2026-11-22 23:30"))


def test_an_empty_interval_is_always() -> None:
    assert interval().contains(utc("2026-11-20 03:00"))


def test_a_day_ends_at_24_00() -> None:
    evening = interval(times=[{"start_time": "22:00", "end_time": "24:00"}])
    assert evening.contains(utc("2026-11-20 23:59:59"))
    assert not evening.contains(utc("2026-11-21 00:00"))


def test_an_hour_that_is_skipped_is_not_there() -> None:
    """In Berlin, 29 March 2026 goes from 02:00 to 03:00."""
    skipped = interval(times=[{"start_time": "02:00", "end_time": "03:00"}], location="Europe/Berlin")
    minutes = [utc("2026-03-29 00:00").timestamp() + 60 * minute for minute in range(180)]
    assert not any(skipped.contains(datetime.fromtimestamp(at, UTC)) for at in minutes)


def test_an_hour_that_is_repeated_is_in_twice() -> None:
    """In Berlin, 25 October 2026 has 02:00 to 03:00 twice."""
    repeated = interval(times=[{"start_time": "02:15", "end_time": "02:45"}], location="Europe/Berlin")
    hours = [f"2026-10-25 {hour:02}:30" for hour in range(4)]
    assert [repeated.contains(utc(at)) for at in hours] == [True, True, False, False]


@pytest.mark.parametrize(
    ("days", "day", "is_in"),
    [
        (["1:7"], "2026-11-07", True),
        (["1:7"], "2026-11-08", False),
        (["-1"], "2026-11-30", True),
        (["-1"], "2026-11-29", False),
        (["-3:-1"], "2028-02-27", True),  # a leap year
        (["-3:-1"], "2028-02-26", False),
        (["15:-1"], "2026-02-28", True),
        (["15:-1"], "2026-02-14", False),
        (["31"], "2026-11-30", False),
        (["29:31"], "2026-02-28", False),
        (["25:31"], "2026-02-28", True),
        ([1, 15], "2026-11-15", True),
    ],
)
def test_days_of_the_month_count_from_either_end(days: list[Any], day: str, is_in: bool) -> None:  # noqa: FBT001 - a case
    assert interval(days_of_month=days).contains(utc(f"{day} 12:00")) is is_in


@pytest.mark.parametrize(
    ("fields", "is_in"),
    [
        ({"months": ["may:august", "november"]}, True),
        ({"months": ["12"]}, False),
        ({"months": ["10:12"]}, True),
        ({"years": ["2024:2026"]}, True),
        ({"years": [2027]}, False),
        ({"weekdays": ["Sunday:Thursday"]}, False),
        ({"weekdays": ["friday:saturday"]}, True),
        ({"weekdays": ["friday"], "months": ["december"]}, False),
    ],
)
def test_every_field_must_be_met_by_one_of_its_ranges(fields: dict[str, Any], is_in: bool) -> None:  # noqa: FBT001 - a case
    assert interval(**fields).contains(utc("2026-11-20 12:00")) is is_in


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"times": [{"start_time": "22:00", "end_time": "06:00"}]}, "a window across midnight is two"),
        ({"times": [{"start_time": "09:00", "end_time": "09:00"}]}, "is not after start_time"),
        ({"times": [{"start_time": "24:00", "end_time": "24:00"}]}, "is not after start_time"),
        ({"times": [{"start_time": "9:00", "end_time": "10:00"}]}, "'9:00' is not a time of day"),
        ({"times": [{"start_time": "09:00", "end_time": "24:01"}]}, "'24:01' is not a time of day"),
        ({"weekdays": ["friday:monday"]}, "'friday:monday' ends before it begins"),
        ({"weekdays": ["funday"]}, "'funday' is not a day of the week"),
        ({"days_of_month": ["0"]}, "'0' is not a day of a month"),
        ({"days_of_month": ["32"]}, "'32' is not a day of a month"),
        ({"days_of_month": ["-1:-3"]}, "'-1:-3' ends before it begins"),
        ({"days_of_month": ["-1:5"]}, "'-1:5' ends before it begins"),
        ({"months": ["13"]}, "'13' is not a month"),
        ({"months": [""]}, "'' is not a month"),
        ({"years": ["26"]}, "'26' is not a year"),
        ({"location": "Mars/Olympus"}, "'Mars/Olympus' is not a time zone"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        interval(**fields)


def test_it_is_written_as_it_was_read() -> None:
    written = {
        "times": ({"start_time": "00:00", "end_time": "24:00"},),
        "weekdays": ["monday:friday", "sunday"],
        "days_of_month": ["-3:-1"],
        "months": ["may:august"],
        "years": ["2026"],
        "location": "UTC",
    }
    assert interval(**written).model_dump() == written


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-20 10:30:20", "2026-11-20 16:00"),  # in: until the end of the day's window
        ("2026-11-20 16:00", "2026-11-23 08:00"),  # out: until Monday
        ("2026-10-23 16:00", "2026-10-26 08:00"),  # over the weekend on which the clock goes back
        ("2026-03-27 17:00", "2026-03-30 07:00"),  # and on which it goes forward
    ],
)
def test_it_says_until_when_it_stays_as_it_is(at: str, end: str) -> None:
    assert time_interval.end((OFFICE,), utc(at)) == utc(end)


def test_an_end_that_is_far_away_is_not_known() -> None:
    assert time_interval.end((interval(),), utc("2026-11-20 10:00")) is None
    assert time_interval.end((interval(months=["december"]),), utc("2026-11-20 10:00")) is None


def test_windows_that_touch_are_one() -> None:
    night = TimeIntervals.model_validate(
        {
            "name": "night",
            "time_intervals": [
                {"times": [{"start_time": "22:00", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "06:00"}]}
            ],
        }
    ).time_intervals
    assert time_interval.end(night, utc("2026-11-20 23:00")) == utc("2026-11-21 06:00")


def test_every_minute_of_a_year_agrees_with_the_wall_clock() -> None:
    """Lord Howe moves its clock by half an hour."""
    zone = ZoneInfo("Australia/Lord_Howe")
    window = interval(times=[{"start_time": "01:30", "end_time": "02:15"}], location="Australia/Lord_Howe")
    first = int(utc("2026-01-01 00:00").timestamp())
    for at in range(first, first + 365 * 86_400, 900):
        local = datetime.fromtimestamp(at, zone)
        expected = "01:30" <= f"{local:%H:%M}" < "02:15"
        assert window.contains(datetime.fromtimestamp(at, UTC)) is expected
