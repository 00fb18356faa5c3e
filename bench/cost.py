"""One way to evaluate rules, watched for some intervals -> what it costs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from bench import process
from bench.scrape import Scraped
from bench.service import Incidentd
from incidentd.demo.prometheus import Prometheus

_LATENESS = "incidentd_slot_lateness_seconds"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one variant used while it was watched. CPU is in seconds for 1,000 evaluations; *prometheus_cpu* is without
    what Prometheus uses idle. *on_time* is the share of slots that were evaluated within 1 s of their time, None where
    that is not told. *expected* is how many evaluations were due."""

    variant: str
    rules: int
    seconds: float
    evaluations: float
    expected: float
    prometheus_cpu: float
    own_cpu: float | None = None
    on_time: float | None = None
    lateness: dict[str, float] = field(default_factory=dict)
    resident_mb: float | None = None
    peak_mb: float | None = None
    start_seconds: float | None = None
    missed: float = 0

    @property
    def together(self) -> float:
        """CPU seconds for 1,000 evaluations, asker and asked."""
        return self.prometheus_cpu + (self.own_cpu or 0)


@dataclass(frozen=True, slots=True)
class Watch:
    """How long, in seconds. Rules are due every *interval*; idle, Prometheus uses *baseline* CPU seconds a second."""

    interval: int
    seconds: float
    baseline: float


def idle(prometheus: Prometheus, seconds: float) -> float:
    """CPU seconds a second that Prometheus uses for scraping alone."""
    assert prometheus.pid is not None  # noqa: S101 - it runs
    before, begun = process.cpu_seconds(prometheus.pid), time.monotonic()
    time.sleep(seconds)
    return (process.cpu_seconds(prometheus.pid) - before) / (time.monotonic() - begun)


def of_rule_manager(prometheus: Prometheus, rules: int, watch: Watch) -> Cost:
    """Prometheus evaluates the rules that it has loaded."""
    assert prometheus.pid is not None  # noqa: S101 - it runs
    before = Scraped(prometheus.url)
    cpu, begun = process.cpu_seconds(prometheus.pid), time.monotonic()
    time.sleep(watch.seconds)
    used, lasted = process.cpu_seconds(prometheus.pid) - cpu, time.monotonic() - begun
    after = Scraped(prometheus.url)
    evaluations = _grown(before, after, "prometheus_rule_evaluations_total")
    return Cost(
        variant="Prometheus' rule manager",
        rules=rules,
        seconds=lasted,
        evaluations=evaluations,
        expected=rules * watch.seconds / watch.interval,
        prometheus_cpu=_per_thousand(used - watch.baseline * lasted, evaluations),
        missed=_grown(before, after, "prometheus_rule_group_iterations_missed_total"),
    )


def of_incidentd(variant: str, prometheus: Prometheus, service: Incidentd, rules: int, watch: Watch) -> Cost:
    """The same by incidentd, which asks Prometheus."""
    assert prometheus.pid is not None  # noqa: S101 - it runs
    before = service.metrics()
    cpu, own = process.cpu_seconds(prometheus.pid), process.cpu_seconds(service.pid)
    begun = time.monotonic()
    time.sleep(watch.seconds)
    used, own_used = process.cpu_seconds(prometheus.pid) - cpu, process.cpu_seconds(service.pid) - own
    lasted = time.monotonic() - begun
    after = service.metrics()
    evaluations = _grown(before, after, "incidentd_rule_evaluations_total", outcome="known")
    lateness = _slots(before, after)
    slots = lateness.get("+Inf", 0)
    return Cost(
        variant=variant,
        rules=rules,
        seconds=lasted,
        evaluations=evaluations,
        expected=rules * watch.seconds / watch.interval,
        prometheus_cpu=_per_thousand(used - watch.baseline * lasted, evaluations),
        own_cpu=_per_thousand(own_used, evaluations),
        on_time=lateness["1"] / slots if slots else None,
        lateness=lateness,
        resident_mb=process.resident_mb(service.pid),
        peak_mb=process.peak_mb(service.pid),
        start_seconds=service.start_seconds,
        missed=_grown(before, after, "incidentd_missed_slots_total"),
    )


def with_baseline(cost: Cost, old: float, new: float) -> Cost:
    """The same with another idle use of Prometheus subtracted."""
    moved = _per_thousand((old - new) * cost.seconds, cost.evaluations)
    return replace(cost, prometheus_cpu=cost.prometheus_cpu + moved)


def _slots(before: Scraped, after: Scraped) -> dict[str, float]:
    """How many slots were evaluated at most so many seconds late."""
    early = before.buckets(_LATENESS)
    grown = {bound: count - early.get(bound, 0) for bound, count in after.buckets(_LATENESS).items()}
    return {"+Inf" if bound == float("inf") else f"{bound:g}": count for bound, count in sorted(grown.items())}


def _grown(before: Scraped, after: Scraped, name: str, **labels: str) -> float:
    return after.sum(name, **labels) - before.sum(name, **labels)


def _per_thousand(seconds: float, evaluations: float) -> float:
    return 1000 * seconds / evaluations if evaluations else float("nan")
