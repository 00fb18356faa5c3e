"""Rules of three types over 200 services -> one Prometheus rule file, or the same in our own form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.exporter import SERVICES

GROUP_SIZE = 100
"""Rules in one group: Prometheus evaluates a group's rules one after another and spreads the groups."""


@dataclass(frozen=True, slots=True)
class BenchRule:
    """*expr* compares by itself, as Prometheus' rules do."""

    name: str
    expr: str


def mixed(count: int, interval: int) -> list[BenchRule]:
    """*count* rules, a third each of rate, ratio and quantile, none equal to another, and none that fires. Windows are
    four intervals and a little more, so that each has as many samples as one of a minute at 15 s."""
    rules = []
    for number in range(count):
        variant, service = divmod(number, SERVICES)
        of_type = (_rate, _ratio, _quantile)[(service + variant) % 3]
        rules.append(BenchRule(f"Bench{number:05}", of_type(f"s{service:03}", f"{4 * interval + variant // 3}s")))
    return rules


def in_pairs(count: int, interval: int) -> list[BenchRule]:
    """As people write them: half as many expressions, each twice, with the threshold of a warning and ten times that of
    a critical one."""
    warnings = mixed(count // 2, interval)
    return warnings + [_critical(one) for one in warnings]


def _critical(warning: BenchRule) -> BenchRule:
    asked, _, threshold = warning.expr.rpartition(" > ")
    return replace(warning, name=f"{warning.name}Critical", expr=f"{asked} > {10 * float(threshold):g}")


def _rate(service: str, window: str) -> str:
    return f'sum by (service) (rate(requests_total{{service="{service}"}}[{window}])) > 1000000'


def _ratio(service: str, window: str) -> str:
    failed = f'sum by (service) (rate(requests_total{{service="{service}",status="500"}}[{window}]))'
    return f'{failed} / sum by (service) (rate(requests_total{{service="{service}"}}[{window}])) > 0.5'


def _quantile(service: str, window: str) -> str:
    buckets = f'rate(latency_seconds_bucket{{service="{service}"}}[{window}])'
    return f"histogram_quantile(0.99, sum by (service, le) ({buckets})) > 100"


def one_over_all() -> list[BenchRule]:
    """One rule over 2,000 series."""
    return [BenchRule("PoolFull", "pool_usage > 0.95")]


def crossings(jobs: Sequence[str]) -> list[BenchRule]:
    """For each of *jobs* one rule that fires when its `crossing` is set."""
    return [BenchRule(f"Crossing_{job}", f'crossing{{job="{job}"}} > 0') for job in jobs]


def prometheus_file(rules: Sequence[BenchRule], interval: int, *, group_size: int = GROUP_SIZE) -> str:
    """A rule file as Prometheus reads it; JSON is YAML."""
    groups = [
        {
            "name": f"bench-{start // group_size}",
            "interval": f"{interval}s",
            "rules": [
                {"alert": one.name, "expr": one.expr, "labels": {"severity": "warning"}}
                for one in rules[start : start + group_size]
            ],
        }
        for start in range(0, len(rules), group_size)
    ]
    return json.dumps({"groups": groups})


def native_file(rules: Sequence[BenchRule], interval: int, *, group_by: Sequence[str] = ()) -> str:
    """The same rules in our own form."""
    defaults = {"every": f"{interval}s", "cooldown": "0s", "group_by": list(group_by)}
    authored = [{"name": one.name, "expr": one.expr, "severity": "sev3"} for one in rules]
    return json.dumps({"defaults": defaults, "rules": authored})
