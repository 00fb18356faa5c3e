"""10,000 series that begin to fire at once -> what that tick costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import select

from bench import process, scrape
from bench.rules import BenchRule
from bench.service import BenchError, Incidentd
from incidentd.demo.prometheus import Prometheus
from incidentd.store.database import Database
from incidentd.store.tables import IncidentAlert, OutboxRow

RULES = [BenchRule("Burst", "burst > 0")]
_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Burst:
    """*cpu* is incidentd's own for the whole tick, *seconds* from the begin of the transaction to when everything is
    seen by others."""

    series: int
    incidents: int
    cpu: float
    seconds: float
    prometheus_cpu: float
    resident_mb: float


def measure(exporter: str, *, series: int, group_by: tuple[str, ...], interval: int) -> Burst:
    """*exporter* has so many series of `burst`; they all cross between two scrapes."""
    scrape.post(f"{exporter}/set?burst=0")
    with (
        Prometheus({"burst": exporter.removeprefix("http://")}, scrape_interval=f"{interval}s") as prometheus,
        Incidentd(
            RULES, prometheus=prometheus.url, hook=f"{exporter}/hook", every=interval, group_by=group_by
        ) as service,
    ):
        assert prometheus.pid is not None  # noqa: S101 - it runs
        time.sleep(2 * interval)
        own, other = process.cpu_seconds(service.pid), process.cpu_seconds(prometheus.pid)
        scrape.post(f"{exporter}/set?burst=1")
        database = Database(service.database)
        try:
            seen_at = _all_written(database, series)
            used, other_used = process.cpu_seconds(service.pid) - own, process.cpu_seconds(prometheus.pid) - other
            with database.reading() as session:
                begun = session.exec(select(func.min(OutboxRow.created_at))).one()
                incidents = session.exec(select(func.count(func.distinct(IncidentAlert.incident_number)))).one()
        finally:
            database.close()
        return Burst(series, incidents, used, seen_at - begun.timestamp(), other_used, process.resident_mb(service.pid))


def _all_written(database: Database, series: int) -> float:
    """Unix time when the last of them was there."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with database.reading() as session:
            if session.exec(select(func.count()).select_from(IncidentAlert)).one() >= series:
                return time.time()
        time.sleep(0.05)
    raise BenchError(f"{series} alerts were not written within {_PATIENCE_S} s")
