"""A gauge that crosses -> how long until Prometheus' ALERTS, and until incidentd's committed outbox row."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import rules, scrape
from bench.service import BenchError, Incidentd
from incidentd.demo.prometheus import Prometheus
from incidentd.store import deliveries, incidents
from incidentd.store.database import Database

TARGETS = tuple(f"t{number}" for number in range(10))
"""Ten scrapes of one exporter, each at its own phase, and for each a rule in a group of its own: Prometheus places
scrapes and groups by a hash of their names, so one pair would show one phase for ever."""
_SETTLING = 4
"""Intervals before the first crossing: who learns the phase of the scrapes has seen some by then."""
_PATIENCE = 8


@dataclass(frozen=True, slots=True)
class Lag:
    """Seconds from the time of the scraped sample, one for each crossing."""

    interval: int
    form: str
    prometheus: list[float] = field(default_factory=list)
    incidentd: list[float] = field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float]:
        """Prometheus', incidentd's."""
        return statistics.median(self.prometheus), statistics.median(self.incidentd)


def measure(exporter: str, *, interval: int, rounds: int) -> Lag:
    """*rounds* times ten crossings, both sides at once."""
    crossing = rules.crossings(TARGETS)
    address = exporter.removeprefix("http://")
    text = rules.prometheus_file(crossing, interval, group_size=1)
    scrapes = dict.fromkeys(TARGETS, address)
    with (
        Prometheus(scrapes, rules=text, scrape_interval=f"{interval}s") as prometheus,
        Incidentd(crossing, prometheus=prometheus.url, hook=f"{exporter}/hook", every=interval) as service,
    ):
        lag = Lag(interval, service.form)
        database = Database(service.database)
        try:
            time.sleep(_SETTLING * interval)
            for _ in range(rounds):
                _round(exporter, prometheus, database, lag)
        finally:
            database.close()
    return lag


def _round(exporter: str, prometheus: Prometheus, database: Database, lag: Lag) -> None:
    time.sleep(random.uniform(0, lag.interval))  # noqa: S311 - so that no round begins at the phase of the last
    begun = time.time()
    scrape.post(f"{exporter}/set?crossing=1")
    patience = _PATIENCE * lag.interval
    _wait(lambda: len(_alerts(prometheus, begun)) == len(TARGETS), patience, "Prometheus' ALERTS")
    _wait(lambda: len(_outbox(database, begun)) == len(TARGETS), patience, "incidentd's outbox")
    crossed = _first(scrape.samples(prometheus.url, "crossing"), begun, above=0)
    alerts, outbox = _alerts(prometheus, begun), _outbox(database, begun)
    lag.prometheus.extend(alerts[job] - crossed[job] for job in TARGETS)
    lag.incidentd.extend(outbox[job] - crossed[job] for job in TARGETS)
    scrape.post(f"{exporter}/set?crossing=0")
    _wait(lambda: not _open(database), patience, "the end of incidentd's incidents")


def _alerts(prometheus: Prometheus, begun: float) -> dict[str, float]:
    """When each job's alert began to fire in Prometheus: the time of the first sample of ALERTS."""
    return _first(scrape.samples(prometheus.url, 'ALERTS{alertstate="firing"}'), begun, above=0)


def _outbox(database: Database, begun: float) -> dict[str, float]:
    """When each job's first outbox row was written: the time at the start of its transaction."""
    found: dict[str, float] = {}
    with database.reading() as session:
        for incident in incidents.recent(session):
            times = [row.created_at.timestamp() for row in deliveries.rows_of(session, incident.number or 0)]
            first = min((at for at in times if at >= begun), default=None)
            if first is not None:
                job = incident.labels.get("job", "")
                found[job] = min(first, found.get(job, first))
    return found


def _open(database: Database) -> bool:
    with database.reading() as session:
        return any(one.state != "resolved" for one in incidents.recent(session))


def _first(samples: scrape.Samples, begun: float, *, above: float) -> dict[str, float]:
    """By job the time of its first sample since *begun* that is above."""
    found = {
        job: next((at for at, value in values if at >= begun and value > above), None)
        for job, values in samples.items()
    }
    return {job: at for job, at in found.items() if at is not None}


def _wait(is_so: Callable[[], bool], patience: float, what: str) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > deadline:
            raise BenchError(f"{what} did not come within {patience:g} s")
        time.sleep(0.1)
