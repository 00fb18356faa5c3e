"""When a group is due: slots that a restart does not shift, and that no failure ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from incidentd import scheduler
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock, SystemClock
from incidentd.evaluation.group import Group
from incidentd.metrics import LOOP_FAILURES, SLOT_LATENESS_SECONDS

GROUP = Group("prometheus", timedelta(seconds=30), ())
T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def test_slots_are_the_same_whatever_the_time_of_the_start() -> None:
    slots = sorted({GROUP.slot_at(T0 + timedelta(seconds=second)) for second in range(90)})
    assert {later - slot for slot, later in pairwise(slots)} == {timedelta(seconds=30)}


def test_a_slot_is_never_in_the_future_nor_older_than_one_interval() -> None:
    for second in range(120):
        now = T0 + timedelta(seconds=second)
        assert timedelta() <= now - GROUP.slot_at(now) < timedelta(seconds=30, milliseconds=1)


class Running:
    """A scheduler on the real clock with short intervals; what it evaluated, and a gate to hold it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, datetime]] = []
        self.news = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self.fail = False
        self.ahead = timedelta()
        self.steps = threading.Event()
        self.scheduler = scheduler.Scheduler(self.evaluate, ["fast", "hung"], self, self.steps.set)

    def now(self) -> datetime:
        """The real time, or as far ahead of it as the test says."""
        return SystemClock().now() + self.ahead

    def evaluate(self, group: Group, slot: datetime) -> None:
        if group.source == "hung":
            self.gate.wait(10)
        with self.news:
            self.seen.append((group.name, slot))
            self.news.notify_all()
        if self.fail:
            raise RuntimeError("the store is gone")

    def wait_for(self, name: str, times: int) -> list[datetime]:
        def slots() -> list[datetime]:
            return [slot for seen, slot in self.seen if seen == name]

        with self.news:
            assert self.news.wait_for(lambda: len(slots()) >= times, 10), self.seen
            return slots()


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    made.scheduler.start()
    yield made
    made.gate.set()
    made.scheduler.stop()


FAST = Group("fast", timedelta(milliseconds=100), ())
HUNG = Group("hung", timedelta(milliseconds=100), ())


def test_a_source_that_hangs_does_not_hold_up_another(running: Running) -> None:
    running.gate.clear()
    running.scheduler.plan([FAST, HUNG])
    assert len(running.wait_for("fast/0.1s", 3)) >= 3
    assert not [name for name, _ in running.seen if name.startswith("hung")]


def test_it_is_measured_how_late_a_slot_was_done(running: Running) -> None:
    """The slot that hung is later than all of its interval, and is not dropped in silence."""
    in_time = _lateness("hung", up_to=0.1)
    running.gate.clear()
    running.scheduler.plan([FAST, HUNG])
    running.wait_for("fast/0.1s", 6)
    running.gate.set()
    running.wait_for("hung/0.1s", 2)
    assert _lateness("hung", up_to=60) > _lateness("hung", up_to=0.1) >= in_time


def _lateness(source: str, *, up_to: float) -> float:
    """How many slots of *source* were done within so many seconds."""
    (metric,) = SLOT_LATENESS_SECONDS.labels(source).collect()
    return sum(float(one.value) for one in metric.samples if one.labels.get("le") == str(float(up_to)))


def test_a_group_whose_offset_moved_is_due_at_its_new_slots(running: Running) -> None:
    slow = Group("fast", timedelta(seconds=30), (), offset=timedelta(seconds=3))
    running.scheduler.plan([slow])
    before = running.scheduler.next_slots()["fast/30s"]
    running.scheduler.plan([replace(slow, offset=timedelta(seconds=4))])
    apart = (running.scheduler.next_slots()["fast/30s"] - before) % timedelta(seconds=30)
    assert apart == timedelta(seconds=1)


def test_a_failure_does_not_end_the_loop(running: Running) -> None:
    before = LOOP_FAILURES.labels("evaluation")._value.get()
    running.fail = True
    running.scheduler.plan([FAST])
    running.wait_for("fast/0.1s", 2)
    assert LOOP_FAILURES.labels("evaluation")._value.get() > before


def test_a_group_that_is_planned_no_more_stops_and_the_others_go_on(running: Running) -> None:
    other = Group("fast", timedelta(milliseconds=150), ())
    running.scheduler.plan([FAST, other])
    running.wait_for("fast/0.1s", 1)
    running.scheduler.plan([other])
    assert list(running.scheduler.next_slots()) == ["fast/0.15s"]
    so_far = len(running.wait_for("fast/0.15s", 1))
    assert len(running.wait_for("fast/0.15s", so_far + 2)) >= so_far + 2


def test_a_clock_that_is_moved_back_stops_no_group(running: Running) -> None:
    """To APScheduler it looks like this: every job is due in an hour."""
    running.ahead = timedelta(hours=1)
    running.scheduler.plan([FAST])
    running.wait_for("fast/0.1s", 1)
    assert not running.steps.wait(1.5), "an hour ahead, but moving forward"
    for job in running.scheduler._scheduler.get_jobs():
        job.modify(next_run_time=running.now())
    so_far = len(running.wait_for("fast/0.1s", 1))
    running.ahead = timedelta()
    assert running.steps.wait(5)
    assert len(running.wait_for("fast/0.1s", so_far + 2)) >= so_far + 2


def test_the_group_is_handed_over_with_the_rules_of_the_newest_plan() -> None:
    given: list[Group] = []
    clock = MovableClock(T0)
    made = scheduler.Scheduler(lambda group, _: given.append(group), ["p"], clock, lambda: None)
    rule = Rule.model_validate({"name": "A", "expr": "x", "severity": "sev2"})
    made.plan([Group("p", timedelta(minutes=1), ())])
    made.plan([Group("p", timedelta(minutes=1), (rule,))])
    (job,) = made._scheduler.get_jobs()
    job.func(*job.args)
    assert given[0].rules == (rule,)
