"""Timelines -> intervals: every expectation is written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incidentd.statuspage import days, history
from incidentd.statuspage.history import Interval, Step
from incidentd.statuspage.status import Stage, Status
from tests.unit.statuspage.town import at, entries, happened, incident

BERLIN = ZoneInfo("Europe/Berlin")


def span(start: str, end: str | None, status: Status) -> Interval:
    return Interval(at(start), at(end) if end else None, status)


def test_severity_over_time_follows_the_timeline() -> None:
    told = [
        happened("11-20 10:00", "opened", "detected", "sev3"),
        happened("11-20 10:01", "paged", "detected", "sev3"),
        happened("11-20 10:05", "severity", "detected", "sev1"),
        happened("11-20 10:07", "acknowledged", "acknowledged", "sev1"),
        happened("11-20 10:20", "severity", "acknowledged", "sev2"),
        happened("11-20 10:30", "mitigating", "mitigating", "sev2"),
        happened("11-20 10:45", "resolved", "resolved", "sev2"),
        happened("11-20 10:46", "delivery", "resolved", "sev2"),
    ]
    found = history.intervals([incident("chat-api", told)], {1: entries(told)})
    assert found == {
        "chat-api": (
            span("11-20 10:00", "11-20 10:05", Status.DEGRADED),
            span("11-20 10:05", "11-20 10:20", Status.MAJOR),
            span("11-20 10:20", "11-20 10:45", Status.PARTIAL),
        )
    }


def test_a_reopened_incident_leaves_the_time_between_alone_and_may_still_last() -> None:
    told = [
        happened("11-20 10:00", "opened", "detected", "sev2"),
        happened("11-20 10:10", "resolved", "resolved", "sev2"),
        happened("11-20 10:14", "reopened", "detected", "sev2"),
    ]
    found = history.intervals([incident("chat-api", told)], {1: entries(told)})
    assert found["chat-api"] == (
        span("11-20 10:00", "11-20 10:10", Status.PARTIAL),
        span("11-20 10:14", None, Status.PARTIAL),
    )


def test_sev4_and_incidents_without_component_affect_nothing() -> None:
    cosmetic = [happened("11-20 10:00", "opened", "detected", "sev4")]
    nowhere = [happened("11-20 10:00", "opened", "detected", "sev1")]
    found = history.intervals(
        [incident("chat-api", cosmetic), incident("", nowhere, 2)], {1: entries(cosmetic), 2: entries(nowhere, 2)}
    )
    assert found == {"chat-api": ()}


def test_an_incident_that_starts_cosmetic_becomes_public_when_it_climbs() -> None:
    told = [
        happened("11-20 10:00", "opened", "detected", "sev4"),
        happened("11-20 10:03", "acknowledged", "acknowledged", "sev4"),
        happened("11-20 10:05", "severity", "acknowledged", "sev2"),
        happened("11-20 10:09", "severity", "acknowledged", "sev4"),
    ]
    assert history.steps(entries(told)) == [
        Step(at("11-20 10:05"), Stage.IDENTIFIED, Status.PARTIAL),
        Step(at("11-20 10:09"), Stage.IDENTIFIED, Status.OPERATIONAL),
    ]


def test_a_clock_that_went_back_is_held() -> None:
    told = [
        happened("11-20 10:00", "opened", "detected", "sev1"),
        happened("11-20 09:59", "resolved", "resolved", "sev1"),
        happened("11-20 10:01", "reopened", "detected", "sev1"),
    ]
    spans = history.spans_of(history.steps(entries(told)))
    assert spans == [span("11-20 10:01", None, Status.MAJOR)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], ()),
        (
            [span("11-20 10:00", "11-20 12:00", Status.DEGRADED), span("11-20 10:30", "11-20 11:00", Status.MAJOR)],
            (
                span("11-20 10:00", "11-20 10:30", Status.DEGRADED),
                span("11-20 10:30", "11-20 11:00", Status.MAJOR),
                span("11-20 11:00", "11-20 12:00", Status.DEGRADED),
            ),
        ),
        (
            [span("11-20 10:00", "11-20 12:00", Status.MAJOR), span("11-20 10:30", "11-20 12:30", Status.PARTIAL)],
            (span("11-20 10:00", "11-20 12:00", Status.MAJOR), span("11-20 12:00", "11-20 12:30", Status.PARTIAL)),
        ),
        (
            [span("11-20 10:00", "11-20 11:00", Status.PARTIAL), span("11-20 11:00", None, Status.PARTIAL)],
            (span("11-20 10:00", None, Status.PARTIAL),),
        ),
        (
            [span("11-20 10:00", None, Status.PARTIAL), span("11-20 10:00", "11-20 11:00", Status.PARTIAL)],
            (span("11-20 10:00", None, Status.PARTIAL),),
        ),
        (
            [span("11-20 10:00", None, Status.DEGRADED), span("11-20 11:00", None, Status.MAJOR)],
            (span("11-20 10:00", "11-20 11:00", Status.DEGRADED), span("11-20 11:00", None, Status.MAJOR)),
        ),
    ],
    ids=["nothing", "worse inside", "worse first", "neighbours", "twins", "both last"],
)
def test_where_incidents_overlap_the_worst_wins(spans: list[Interval], expected: tuple[Interval, ...]) -> None:
    assert history.merged(spans) == expected
    assert history.merged(reversed(spans)) == expected


def test_days_are_cut_at_local_midnight() -> None:
    """23:30 to 00:30 in Berlin is 22:30 to 23:30 UTC: half an hour in each of two days."""
    now = at("11-20 12:00")
    intervals = [span("11-18 22:30", "11-18 23:30", Status.MAJOR)]
    found = days.days(intervals, now, BERLIN, count=3)
    assert [(one.date.isoformat(), dict(one.affected)) for one in found] == [
        ("2026-11-18", {Status.MAJOR: timedelta(minutes=30)}),
        ("2026-11-19", {Status.MAJOR: timedelta(minutes=30)}),
        ("2026-11-20", {}),
    ]
    assert [one.status for one in found] == [Status.MAJOR, Status.MAJOR, Status.OPERATIONAL]


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        (datetime(2026, 3, 29, 20, tzinfo=UTC), "Europe/Berlin", 23),
        (datetime(2026, 10, 25, 20, tzinfo=UTC), "Europe/Berlin", 25),
        (datetime(2026, 11, 1, 20, tzinfo=UTC), "America/New_York", 25),
        (datetime(2026, 4, 24, 20, tzinfo=UTC), "Africa/Cairo", 23),  # there is no midnight on this day
        (datetime(2026, 11, 20, 20, tzinfo=UTC), "Asia/Kathmandu", 24),
    ],
)
def test_a_day_has_as_many_hours_as_the_zone_gives_it(now: datetime, zone: str, hours: int) -> None:
    """An incident without end fills the whole day, whatever its length, and neighbours leave no gap."""
    yesterday, today = days.days([Interval(now - timedelta(days=9), None, Status.PARTIAL)], now, ZoneInfo(zone), 2)
    assert today.end - today.start == timedelta(hours=hours)
    assert yesterday.end == today.start
    assert dict(today.affected) == {Status.PARTIAL: now - today.start}


def test_the_window_is_ninety_days_and_ends_today() -> None:
    found = days.days([], at("11-20 12:00"), BERLIN)
    assert len(found) == 90
    assert (found[0].date.isoformat(), found[-1].date.isoformat()) == ("2026-08-23", "2026-11-20")
    assert days.first_midnight(at("11-20 12:00"), BERLIN) == at("08-22 22:00")


def test_an_interval_that_lasts_counts_up_to_now_and_one_in_the_future_not_at_all() -> None:
    now = at("11-20 12:00")
    found = days.days([span("11-20 11:00", None, Status.DEGRADED)], now, ZoneInfo("UTC"), 1)
    assert dict(found[0].affected) == {Status.DEGRADED: timedelta(hours=1)}
    ahead = days.days([span("11-20 13:00", None, Status.MAJOR)], now, ZoneInfo("UTC"), 1)
    assert dict(ahead[0].affected) == {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.MAJOR, 0.9), (Status.PARTIAL, 0.97), (Status.DEGRADED, 1.0)],
)
def test_uptime_weighs_what_was_wrong(status: Status, expected: float) -> None:
    intervals = [span("11-20 03:00", "11-20 04:00", status)]
    assert days.uptime(intervals, at("11-20 00:00"), at("11-20 10:00")) == pytest.approx(expected)


def test_uptime_counts_only_what_lies_in_the_window() -> None:
    intervals = [span("11-19 23:00", "11-20 01:00", Status.MAJOR), span("11-20 09:00", None, Status.MAJOR)]
    assert days.uptime(intervals, at("11-20 00:00"), at("11-20 10:00")) == pytest.approx(0.8)
    assert days.uptime(intervals, at("11-20 00:00"), at("11-20 00:00")) == 1.0
