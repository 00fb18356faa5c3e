"""When: groups of rules and chores -> calls at their times."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from incidentd import metrics
from incidentd.clock import Clock
from incidentd.evaluation.group import Group

_LOG = structlog.get_logger(__name__)

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Slots are counted from here, so that a restart or a reload does not shift them."""
_GROUPS_AT_ONCE = 4
_CHORES = "chores"


class Scheduler:
    """One job per group, a bounded pool per source: a source that hangs holds up nobody else."""

    def __init__(self, evaluate: Callable[[Group, datetime], None], sources: Iterable[str], clock: Clock) -> None:
        """*evaluate* is called with a group and the slot that it is due for, from one thread at a time per group."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        pools = {source: ThreadPoolExecutor(_GROUPS_AT_ONCE) for source in sources}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={**pools, _CHORES: ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._evaluate = evaluate
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: dict[str, datetime] = {}

    def plan(self, groups: Iterable[Group]) -> None:
        """Replaces the groups. One that stays keeps its slots."""
        wanted = {group.name: group for group in groups}
        for job in self._scheduler.get_jobs():
            if job.executor != _CHORES and job.id not in wanted:
                job.remove()
                with self._lock:
                    self._newest.pop(job.id, None)
        for name, group in wanted.items():
            job = self._scheduler.get_job(name)
            if job is not None:
                job.modify(args=(group,))
                continue
            trigger = IntervalTrigger(seconds=group.every.total_seconds(), start_date=first_slot(group), timezone=UTC)
            self._scheduler.add_job(self._run, trigger, id=name, args=(group,), executor=group.source)

    def chore(self, name: str, call: Callable[[], None], every: timedelta) -> None:
        """Something small to do again and again; chores take turns."""

        def run() -> None:
            _guard(f"chore {name}", call)

        trigger = IntervalTrigger(seconds=every.total_seconds(), start_date=_EPOCH, timezone=UTC)
        self._scheduler.add_job(run, trigger, id=name, executor=_CHORES)

    def next_slots(self) -> Mapping[str, datetime]:
        """When each group is due next, by its name."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs() if job.executor != _CHORES}

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Waits for what runs; begins nothing more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _run(self, group: Group) -> None:
        now = self._clock.now()
        slot = slot_of(group, now)
        with self._lock:
            newest = self._newest.get(group.name)
            self._newest[group.name] = slot
        metrics.EVALUATION_LAG_SECONDS.labels(group.name).set((now - slot).total_seconds())
        missed = int((slot - newest) / group.every) - 1 if newest is not None else 0
        if missed > 0:
            metrics.MISSED_SLOTS.labels(group.name).inc(missed)
            _LOG.warning("slots were missed", action="slots_missed", group=group.name, missed=missed)
        _guard(f"evaluation of {group.name}", lambda: self._evaluate(group, slot))


def first_slot(group: Group) -> datetime:
    """A fixed time in the past, offset by a stable hash so that groups do not all begin at once."""
    digest = hashlib.blake2b(group.name.encode(), digest_size=8).digest()
    return _EPOCH + group.every * (int.from_bytes(digest) / 2**64)


def slot_of(group: Group, now: datetime) -> datetime:
    """The newest slot of *group* that is not after *now*, to the millisecond that sources understand."""
    first = first_slot(group)
    slot = first + group.every * ((now - first) // group.every)
    return slot.replace(microsecond=slot.microsecond // 1000 * 1000)


def _guard(what: str, call: Callable[[], None]) -> None:
    """One of the two loop tops: a fault of ours is logged and counted, and the next slot is tried as usual."""
    try:
        call()
    except Exception:  # noqa: BLE001 - see above
        _LOG.exception(f"{what} failed; it is tried again at its next time", action="evaluation_loop_failed")
        metrics.LOOP_FAILURES.labels("evaluation").inc()
