"""When: groups of rules and chores -> calls at their times."""

from __future__ import annotations

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
from incidentd.evaluation.group import EPOCH, Group

_LOG = structlog.get_logger(__name__)

_GROUPS_AT_ONCE = 4
_CHORES = "chores"
_LOOK_AT_CLOCK_S = 1.0
_STEP = timedelta(seconds=1)
"""Less than this is a clock that is corrected, not one that was set."""


class Scheduler:
    """One job per group, a bounded pool per source: a source that hangs holds up nobody else."""

    def __init__(
        self,
        evaluate: Callable[[Group, datetime], None],
        sources: Iterable[str],
        clock: Clock,
        on_clock_back: Callable[[], None],
    ) -> None:
        """*evaluate* is called with a group and the slot that it is due for, from one thread at a time per group;
        *on_clock_back* when the clock was moved back: what waits for a time waits for too long then."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        pools = {source: ThreadPoolExecutor(_GROUPS_AT_ONCE) for source in sources}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={**pools, _CHORES: ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._evaluate = evaluate
        self._clock = clock
        self._groups: dict[str, Group] = {}
        self._on_clock_back = on_clock_back
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch_clock, name="watch clock", daemon=True)

    def plan(self, groups: Iterable[Group]) -> None:
        """Replaces the groups. One that stays where it was keeps its slots."""
        wanted = {group.name: group for group in groups}
        for name in self._groups.keys() - wanted.keys():
            self._scheduler.remove_job(name)
            metrics.EVALUATION_LAG_SECONDS.remove_by_labels({"group": name})
        for name, group in wanted.items():
            known = self._groups.get(name)
            if known is not None and known.offset == group.offset:
                self._scheduler.modify_job(name, args=(group,))
            else:
                self._add(name, self._run, group.every, group.source, EPOCH + group.offset, group)
        self._groups = wanted

    def chore(self, name: str, call: Callable[[], None], every: timedelta, source: str | None = None) -> None:
        """Something small to do again and again; chores take turns. One that asks a *source* has that source's
        threads, and holds up nothing else."""

        def run() -> None:
            _guard(f"chore {name}", call)

        self._add(name, run, every, source or _CHORES, EPOCH)

    def next_slots(self) -> Mapping[str, datetime]:
        """When each group is due next, by its name."""
        jobs = {job.id: job.next_run_time for job in self._scheduler.get_jobs()}
        return {name: jobs[name] for name in tuple(self._groups) if name in jobs}

    def start(self) -> None:
        self._scheduler.start()
        self._watcher.start()

    def pause(self) -> None:
        """Begins nothing more."""
        if self._scheduler.running:
            self._scheduler.pause()

    def stop(self) -> None:
        """Waits for what runs; begins nothing more."""
        self._stopped.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _watch_clock(self) -> None:
        """APScheduler sleeps until a time of the wall clock: moved back by an hour it would stop it for one."""
        last = self._clock.now()
        while not self._stopped.wait(_LOOK_AT_CLOCK_S):
            now = self._clock.now()
            if now < last - _STEP:
                _LOG.warning(
                    "the clock was moved back", action="clock_moved_back", seconds=(last - now).total_seconds()
                )
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=job.trigger.get_next_fire_time(None, now))
                _guard("what follows a clock that was moved back", self._on_clock_back)
            last = now

    def _add(
        self, name: str, run: Callable[..., None], every: timedelta, pool: str, start: datetime, *args: Group
    ) -> None:
        trigger = IntervalTrigger(seconds=every.total_seconds(), start_date=start, timezone=UTC)
        self._scheduler.add_job(run, trigger, id=name, args=args, executor=pool, replace_existing=True)

    def _run(self, group: Group) -> None:
        now = self._clock.now()
        slot = group.slot_at(now)
        metrics.EVALUATION_LAG_SECONDS.labels(group.name).set((now - slot).total_seconds())
        _guard(f"evaluation of {group.name}", lambda: self._evaluate(group, slot))
        metrics.SLOT_LATENESS_SECONDS.labels(group.source).observe((self._clock.now() - slot).total_seconds())


def _guard(what: str, call: Callable[[], None]) -> None:
    """One of the two loop tops: a fault of ours is logged and counted, and the next slot is tried as usual."""
    try:
        call()
    except Exception:  # noqa: BLE001 - see above
        _LOG.exception(f"{what} failed; it is tried again at its next time", action="evaluation_loop_failed")
        metrics.LOOP_FAILURES.labels("evaluation").inc()
