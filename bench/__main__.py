"""`python -m bench`: the whole run, about twenty minutes; `--quick` shows that it works in two minutes."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bench import apply, burst, cost, lag, machine, report, rules
from bench.cost import Watch
from bench.exporter_process import ExporterProcess
from bench.report import Run
from bench.rules import BenchRule
from bench.service import Incidentd, can_switch_packing_off, learning_seconds, reads_prometheus_files
from incidentd.demo.prometheus import Prometheus

_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_PAIRED = 5_000
"""From so many rules on, they are also compared with half as many expressions."""
_HISTORY_INTERVALS = 5
"""The windows of the rules are four intervals and a little: then the first variant has as much to read as the last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """*interval* in seconds, of rules and scrapes; each variant is watched for *intervals* of them, after one."""

    sizes: tuple[int, ...]
    interval: int
    intervals: int
    lag_interval: int
    lag_rounds: int
    burst: int
    follow: bool

    @property
    def seconds(self) -> int:
        return self.interval * self.intervals


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything that was started is ended and removed
    options = _options()
    plan = Plan(
        sizes=tuple(int(size) for size in options.sizes.split(",")),
        interval=options.interval,
        intervals=options.intervals,
        lag_interval=options.lag_interval,
        lag_rounds=options.lag_rounds,
        burst=options.burst,
        follow=not options.quick,
    )
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the desk's log lines are not the result
    begun = time.monotonic()
    run = Run(
        machine.describe(),
        plan.interval,
        form="the same rule file" if reads_prometheus_files() else "equal rules in its own form",
        packs=can_switch_packing_off(),
        note=options.note,
    )
    run.load.append(machine.load())
    wanted = set(options.only.split(","))
    with ExporterProcess() as exporter:
        if "cost" in wanted:
            _costs(run, plan, exporter)
        if "lag" in wanted:
            _say(f"{plan.lag_rounds} rounds of crossings at {plan.lag_interval} s")
            run.lag = lag.measure(exporter.url, interval=plan.lag_interval, rounds=plan.lag_rounds)
    if "burst" in wanted:
        _bursts(run, plan)
    run.load.append(machine.load())
    run.seconds = time.monotonic() - begun
    print(report.as_markdown(run))
    if options.out is not None:
        report.write(run, options.out)


def _costs(run: Run, plan: Plan, exporter: ExporterProcess) -> None:
    with Prometheus({"bench": exporter.address}, scrape_interval=f"{plan.interval}s") as prometheus:
        _say(f"filling the windows of the rules for {_HISTORY_INTERVALS * plan.interval} s")
        time.sleep(_HISTORY_INTERVALS * plan.interval)
        _say("Prometheus, idle")
        run.idle.append(cost.idle(prometheus, plan.seconds))
        for size in plan.sizes:
            run.costs += _variants(rules.mixed(size, plan.interval), plan, prometheus, exporter, run.idle[0])
        for size in (one for one in plan.sizes if one >= _PAIRED):
            pairs = rules.in_pairs(size, plan.interval)
            run.pairs += _variants(pairs, plan, prometheus, exporter, run.idle[0], also_alone=False)
        often = replace(plan, interval=1, intervals=plan.seconds)  # one evaluation every 15 s would drown in the rest
        run.series += _variants(rules.one_over_all(), often, prometheus, exporter, run.idle[0])
        _say("Prometheus, idle")
        run.idle.append(cost.idle(prometheus, plan.seconds))
    mean = sum(run.idle) / len(run.idle)
    run.costs = [cost.with_baseline(one, run.idle[0], mean) for one in run.costs]
    run.pairs = [cost.with_baseline(one, run.idle[0], mean) for one in run.pairs]
    run.series = [cost.with_baseline(one, run.idle[0], mean) for one in run.series]


def _variants(
    asked: list[BenchRule],
    plan: Plan,
    prometheus: Prometheus,
    exporter: ExporterProcess,
    baseline: float,
    *,
    also_alone: bool = True,
) -> list[cost.Cost]:
    count = len(asked)
    watched = Watch(interval=plan.interval, seconds=plan.seconds, baseline=baseline)
    _say(f"{count:,} rules: {report.RULE_MANAGER}")
    prometheus.reload(rules.prometheus_file(asked, plan.interval))
    time.sleep(plan.interval)
    found = [cost.of_rule_manager(prometheus, count, watched)]
    prometheus.reload(None)
    variants = [(report.PACKED, True)]
    if also_alone and can_switch_packing_off():
        variants.append((report.ALONE, False))
    for name, pack in variants:
        _say(f"{count:,} rules: {name}")
        with Incidentd(
            asked,
            prometheus=prometheus.url,
            hook=f"{exporter.url}/hook",
            every=plan.interval,
            pack=pack,
            follow=pack and plan.follow,  # it costs the same when it has learned: that is waited for once
        ) as service:
            time.sleep(plan.interval + (learning_seconds(count) if pack and plan.follow else 0))
            found.append(cost.of_incidentd(name, prometheus, service, count, watched))
    return found


def _bursts(run: Run, plan: Plan) -> None:
    with ExporterProcess(burst=plan.burst) as exporter:
        for group_by in ((), ("service",)):
            _say(f"{plan.burst:,} series begin to fire at once, group_by {list(group_by)}")
            run.bursts.append(
                burst.measure(exporter.url, series=plan.burst, group_by=group_by, interval=plan.lag_interval)
            )
    for incidents in (1, 200):
        _say(f"{plan.burst:,} alerts in one call, {incidents} incidents")
        run.applied += apply.measure(alerts=plan.burst, incidents=incidents)


def _options() -> argparse.Namespace:
    quick = "--quick" in sys.argv
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, short times, nothing written")
    parser.add_argument("--sizes", default="500" if quick else "1000,5000,10000", help="numbers of rules")
    parser.add_argument("--interval", type=int, default=2 if quick else 15, help="of rules and scrapes, in seconds")
    parser.add_argument("--intervals", type=int, default=2, help="how many intervals each variant is watched for")
    parser.add_argument("--lag-interval", type=int, default=2 if quick else 5, help="of the crossings, in seconds")
    parser.add_argument("--lag-rounds", type=int, default=1 if quick else 4, help="ten crossings each")
    parser.add_argument("--burst", type=int, default=1000 if quick else 10_000, help="series that fire at once")
    parser.add_argument("--note", default="", help="what a reader should know of this run")
    parser.add_argument("--only", default="cost,lag,burst", help="parts of it")
    parser.add_argument(
        "--out", type=Path, default=None if quick or "--only" in sys.argv else _PAGE, help="the page that it writes"
    )
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
