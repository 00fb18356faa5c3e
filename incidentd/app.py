"""The composition root: a configuration file -> a running service. Names every concrete adapter."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from incidentd import metrics
from incidentd.catalog import watch
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.difference import Difference, difference
from incidentd.catalog.load import Loaded, load
from incidentd.catalog.problem import CatalogError, Position, Problem
from incidentd.catalog.receiver import CHANNELS
from incidentd.clock import Clock
from incidentd.delivery.worker import Worker
from incidentd.evaluation.evaluator import Evaluator
from incidentd.evaluation.group import Group, groups
from incidentd.evaluation.rhythm import Rhythms
from incidentd.incidents.desk import IncidentDesk
from incidentd.notify.email.notifier import EmailNotifier
from incidentd.notify.jira.notifier import JiraNotifier
from incidentd.notify.notifier import Notifier
from incidentd.notify.pagerduty.notifier import PagerDutyNotifier
from incidentd.notify.render import Templates
from incidentd.notify.slack.notifier import SlackNotifier
from incidentd.notify.webhook.notifier import WebhookNotifier
from incidentd.scheduler import Scheduler
from incidentd.settings import Settings
from incidentd.sources.prometheus import PrometheusSource
from incidentd.statuspage.publish import Publisher
from incidentd.store import alerts, deliveries, marks, tokens
from incidentd.store.database import Database, StoreError
from incidentd.web import auth
from incidentd.web.context import HealthReport, ReloadResult, RuleState, WebContext
from incidentd.web.server import ListenError, Server, build

_LOG = structlog.get_logger(__name__)

_THREADS_PER_CHANNEL = 2
_COOLDOWN_CHECK = timedelta(seconds=2)
_MARKS = timedelta(seconds=5)
RHYTHMS = timedelta(seconds=10)
_MUTE_CHECK = timedelta(seconds=2)
_STOP_SECONDS = 15
_LONGEST_DELAY = timedelta(minutes=1)
"""A slot that is not begun by then never is: the scheduler hangs."""


class CannotStartError(Exception):
    """The service may not start as it is set up; the text says what to do."""


STARTING_FAILS = (CannotStartError, ListenError, StoreError)
"""What building and starting may raise; each text says what to do."""


class App:
    """One service. Build it, :meth:`start` it, and :meth:`stop` it from the thread that started it."""

    def __init__(self, config: Path, loaded: Loaded, clock: Clock) -> None:
        """Takes the database for itself and brings its schema up to date. Raises StoreError."""
        self._config = config
        self._clock = clock
        self._settings = loaded.settings
        self._catalog = loaded.catalog
        self._stop = threading.Event()
        self._wakes: list[threading.Event] = []
        self._threads: list[threading.Thread] = []
        self._watchers: list[threading.Thread] = []
        self._reload_lock = threading.Lock()
        self.database = Database(self._settings.database)
        self.database.claim_for_this_process()
        self.database.migrate()
        self.desk = IncidentDesk(self.database, self.catalog, clock, self._wake)
        self._sources = {name: PrometheusSource(name, one) for name, one in self._settings.sources.items()}
        self._evaluator = Evaluator(self._sources, self._settings.sources, self.desk, self._settings.replay)
        self._rhythms = {name: Rhythms() for name, one in self._settings.sources.items() if one.follow_scrapes}
        self._plan_lock = threading.Lock()
        self._scheduler = Scheduler(self._evaluator.evaluate, self._sources, clock, self._clock_moved_back)
        self._notifiers = notifiers(self._settings)
        self._server = Server(build(self._web_context()), self._settings.host, self._settings.port)

    def catalog(self) -> Catalog:
        """The catalog that is in force."""
        return self._catalog

    @property
    def address(self) -> str:
        """Where it listens, as ``http://127.0.0.1:9720``; known once it is started."""
        return f"http://{self._settings.host}:{self._server.port}"

    def start(self) -> None:
        """Takes over from the last process and begins. Raises CannotStartError and StoreError."""
        self._require_token_off_loopback()
        with self.database.transaction() as session:
            deliveries.release_all(session)
            self._evaluator.load(alerts.load_all(session), marks.load(session))
        self._adopt(self._catalog)
        self._scheduler.chore("cooldowns", self._end_cooldowns, _COOLDOWN_CHECK)
        self._scheduler.chore("marks", self._evaluator.save_marks, _MARKS)
        for source in self._rhythms:
            self._scheduler.chore(f"rhythm of {source}", partial(self._learn, source), RHYTHMS, source)
        self._scheduler.chore("mutes", self.desk.end_mutes, _MUTE_CHECK)
        self._start_delivery()
        self._start_publisher()
        self._server.start()
        self._scheduler.start()
        self._watch_files()
        _LOG.info(
            f"incidentd listens on {self.address}",
            action="started",
            rules=len(self._catalog.rules),
            recording_rules_left_out=self._catalog.recording,
            commit=self._catalog.commit,
        )

    def stop(self) -> None:
        """Ends within seconds, whatever hangs: no more slots, no more requests; what is being sent is finished, what
        is being asked for is dropped."""
        self._stop.set()
        self._wake()
        self._scheduler.pause()
        self._evaluator.close()
        self._server.stop()
        for source in self._sources.values():
            source.close()
        self._scheduler.stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in (*self._threads, *self._watchers):
            thread.join(max(0, deadline - time.monotonic()))
        self.database.close()
        _LOG.info("incidentd has stopped", action="stopped")

    def reload(self) -> ReloadResult:
        """Loads everything authored anew, all or nothing: a broken catalog is refused and the running one stays.
        Never raises."""
        with self._reload_lock:
            try:
                loaded = load(self._config)
                found = difference(self._catalog, loaded.catalog)
                self._require_no_restart(loaded.catalog)
                self._adopt(loaded.catalog)
            except CatalogError as error:
                return _refused(error.problems)
            except Exception as exc:  # noqa: BLE001 - a fault of ours must end neither the service nor its watching
                _LOG.exception("the reload failed; the last good catalog stays", action="reload_failed")
                what = f"a fault of incidentd kept it from being loaded ({type(exc).__name__}); its log says more"
                return _refused((Problem(Position(str(self._config)), what),))
        metrics.RELOADS.labels("done").inc()
        self._log_reload(found, loaded.settings)
        self._wake()
        return ReloadResult(ok=True, added=found.added, changed=found.changed, removed=found.removed, problems=())

    def health(self) -> HealthReport:
        """Whether it does its job: its threads live, slots are kept, the database answers."""
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        overdue = self._clock.now() - _LONGEST_DELAY
        late = sorted(name for name, at in self._scheduler.next_slots().items() if at < overdue)
        checks = {
            "threads": f"ended: {', '.join(dead)}" if dead else "ok",
            "evaluation": f"not begun in time: {', '.join(late)}" if late else "ok",
            "database": self._database_check(),
        }
        return HealthReport(ready=all(said == "ok" for said in checks.values()), checks=checks)

    def rule_states(self) -> Mapping[str, RuleState]:
        """The last and next evaluation of each rule, by its identity."""
        next_slots = self._scheduler.next_slots()
        health = self._evaluator.health()
        states = {}
        for group in self._groups(self._catalog):
            for rule in group.rules:
                last = health.get(rule.id)
                states[rule.id] = RuleState(
                    last_evaluation=last.evaluated_at if last else None,
                    seconds=last.seconds if last else 0.0,
                    health="unknown" if last is None else "err" if last.error else "ok",
                    last_error=last.error if last else "",
                    value=last.value if last else None,
                    samples=last.samples if last else 0,
                    next_at=next_slots.get(group.name),
                )
        return states

    def _adopt(self, catalog: Catalog) -> None:
        """The one step that can fail comes first, so that everything or nothing is in force."""
        self._evaluator.adopt([rule for rule in catalog.rules if rule.enabled], self._clock.now())
        self._catalog = catalog
        self._plan()
        _give_back_memory()

    def _groups(self, catalog: Catalog) -> tuple[Group, ...]:
        phases = [rhythm.phases() for rhythm in self._rhythms.values()]
        return groups(catalog.rules, {id_: phase for of_source in phases for id_, phase in of_source.items()})

    def _plan(self) -> None:
        with self._plan_lock:
            self._scheduler.plan(self._groups(self._catalog))

    def _learn(self, source: str) -> None:
        """Looks at when the source's samples come, and lets its groups follow."""
        rules = [rule for rule in self._catalog.rules if rule.enabled and rule.source == source]
        if self._rhythms[source].learn(self._sources[source], rules, self._clock.now()):
            self._plan()

    def _end_cooldowns(self) -> None:
        self.desk.end_cooldowns(self._evaluator.in_doubt(self._clock.now()))

    def _require_no_restart(self, catalog: Catalog) -> None:
        """Sources and channels are set up at the start. Raises CatalogError for what needs others."""
        hint = "restart incidentd, or take it out until then"
        problems = [
            Problem(
                catalog.positions.get(rule.id, Position(str(self._config))),
                f"{rule.name} asks the source `{rule.source}`, which was added after the start",
                hint,
            )
            for rule in catalog.rules
            if rule.source not in self._sources
        ]
        problems += [
            Problem(
                Position(str(self._config)), f"{receiver.name} uses {channel}, which was set up after the start", hint
            )
            for receiver in catalog.receivers.values()
            for channel, _ in receiver.destinations()
            if channel not in self._notifiers
        ]
        if problems:
            raise CatalogError(problems)

    def _clock_moved_back(self) -> None:
        with self.database.transaction() as session:
            deliveries.hasten(session, self._clock.now())
        self._wake()

    def _database_check(self) -> str:
        try:
            with self.database.reading() as session:
                deliveries.waiting(session)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it does not answer
            return f"does not answer ({type(exc).__name__})"
        return "ok"

    def _log_reload(self, found: Difference, settings: Settings) -> None:
        fixed = [name for name in Settings.model_fields if getattr(settings, name) != getattr(self._settings, name)]
        if fixed:
            _LOG.warning("these settings take effect at the next start", action="restart_needed", settings=fixed)
        _LOG.info(
            "the catalog was reloaded",
            action="reloaded",
            added=found.added,
            changed=found.changed,
            removed=found.removed,
            commit=self._catalog.commit,
        )

    def _require_token_off_loopback(self) -> None:
        with self.database.reading() as session:
            has_token = self._settings.api.token is not None or bool(tokens.list_all(session))
        why_not = auth.may_listen(self._settings, has_token=has_token)
        if why_not:
            raise CannotStartError(why_not)

    def _start_delivery(self) -> None:
        worker = Worker(
            self.database,
            self._notifiers,
            self._settings,
            self.catalog,
            self._clock,
            owner=secrets.token_hex(8),
            jitter=random.random,
        )
        for channel in CHANNELS:  # one that is not set up any more may have something waiting, and says so
            for index in range(_THREADS_PER_CHANNEL if channel in self._notifiers else 1):
                wake = self._new_wake()
                self._start_thread(f"deliver {channel} {index}", partial(worker.run, channel, wake, self._stop))

    def _start_publisher(self) -> None:
        publisher = Publisher(self.database, self.catalog, self._settings, self._clock)
        wake = self._new_wake()
        self._start_thread("publish", partial(publisher.run, wake, self._stop))

    def _watch_files(self) -> None:
        settings = self._settings
        folders = [*(settings.rules or ()), *(settings.runbooks or ()), *(settings.silences or ())]
        signs = {
            "watch configuration": watch.config_changes(self._config, self._stop),
            "watch rules, runbooks and silences": watch.folder_changes(folders, self._stop),
        }
        for name, changes in signs.items():
            self._watchers.append(_started(name, partial(self._reload_at, changes)))

    def _reload_at(self, changes: Iterator[None]) -> None:
        try:
            for _ in changes:
                self.reload()
        except Exception:  # noqa: BLE001 - such as a machine without room for one more watch
            _LOG.exception("files are not watched any more; reload with SIGHUP or the API", action="watching_failed")

    def _start_thread(self, name: str, run: Callable[[], None]) -> None:
        self._threads.append(_started(name, run))

    def _new_wake(self) -> threading.Event:
        wake = threading.Event()
        self._wakes.append(wake)
        return wake

    def _wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    def _web_context(self) -> WebContext:
        return WebContext(
            settings=self._settings,
            database=self.database,
            desk=self.desk,
            current=self.catalog,
            clock=self._clock,
            reload=self.reload,
            health=self.health,
            rule_states=self.rule_states,
        )


def _give_back_memory() -> None:
    """What loading needed beyond the catalog goes back to the system, which the C library would not do by itself; and
    what is loaded now is not looked at again by each garbage collection."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def _started(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _refused(problems: tuple[Problem, ...]) -> ReloadResult:
    metrics.RELOADS.labels("refused").inc()
    _LOG.error(
        "the reload was refused; the last good catalog stays",
        action="reload_refused",
        error=str(CatalogError(problems)),
    )
    return ReloadResult(ok=False, added=(), changed=(), removed=(), problems=problems)


def notifiers(settings: Settings) -> dict[str, Notifier[Any]]:
    """One notifier for each channel that is set up, by the channel's name."""
    templates = Templates(settings.templates)
    found: dict[str, Notifier[Any]] = {
        "pagerduty": PagerDutyNotifier(settings.pagerduty, templates),
        "webhook": WebhookNotifier(settings.webhook),
    }
    if settings.slack is not None:
        found["slack"] = SlackNotifier(settings.slack, templates)
    if settings.smtp is not None:
        found["email"] = EmailNotifier(settings.smtp, templates)
    if settings.jira is not None:
        found["jira"] = JiraNotifier(settings.jira, templates)
    return found
