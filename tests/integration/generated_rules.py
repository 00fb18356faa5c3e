"""A seed -> series that move, and a Prometheus rule file over them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import yaml

from tests.integration.remote_write import STALE

Series = list[tuple[Mapping[str, str], list[tuple[float, float]]]]

SERVICES = [f"s{n}" for n in range(8)]
_NAN = float("nan")
_COMPARISONS = (">", "<", ">=", "<=", "==", "!=")
_DURATIONS = ("0s", "500ms", "1s", "1500ms", "2s", "4s")


def series(seed: int, start: int, seconds: int) -> Series:
    """Counters, a gauge with holes, staleness and NaN, a histogram and information about each service: a sample a
    second from *start* on."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    times = [float(start + second) for second in range(seconds)]
    found: Series = []
    for service in SERVICES:
        owner = rng.choice(("anna", "bert"))
        found.append(({"__name__": "service_info", "service": service, "owner": owner}, [(at, 1.0) for at in times]))
        for status in ("200", "429", "500"):
            labels = {"__name__": "requests_total", "service": service, "status": status}
            found.append((labels, list(zip(times, _counter(rng), strict=False))))
        labels = {"__name__": "temperature", "service": service}
        found.append(
            (labels, [(at, value) for at, value in zip(times, _gauge(rng), strict=False) if value is not None])
        )
        rates = [rng.random() for _ in range(4)]
        for index, bound in enumerate(("0.1", "0.5", "2", "+Inf")):
            labels = {"__name__": "latency_seconds_bucket", "service": service, "le": bound}
            rate = sum(rates[: index + 1])
            found.append((labels, [(at, (at - start) * rate) for at in times]))
    return found


def _counter(rng: random.Random) -> Iterator[float]:
    total = 0.0
    while True:
        for rate in (rng.choice((0, 1, 5, 20)) for _ in range(3)):
            for _ in range(rng.randint(1, 6)):
                total = 0.0 if rng.random() < 0.02 else total + rate * rng.random()
                yield total


def _gauge(rng: random.Random) -> Iterator[float | None]:
    """Plateaus between 0 and 10; sometimes none, ended or not a number."""
    while True:
        value = rng.choice((*range(11), None, STALE, _NAN))
        yield value
        for _ in range(rng.randint(0, 5)):
            yield value if value is not STALE else None


def rules(seed: int, count: int, interval: str) -> str:
    """A rule file with *count* alerts called R0, R1 ... in four groups, each with a recording rule that says when it
    was evaluated: ``evaluated_at{group="g0"}``."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    groups = []
    for number in range(4):
        name = f"g{number}"
        alerts = [_alert(rng, f"R{index}") for index in range(number, count, 4)]
        tick = {"record": "evaluated_at", "expr": "time()", "labels": {"group": name}}
        groups.append({"name": name, "interval": interval, "rules": [tick, *alerts]})
    return yaml.safe_dump({"groups": groups}, sort_keys=False)


def _alert(rng: random.Random, name: str) -> dict[str, object]:
    alert: dict[str, object] = {"alert": name, "expr": _expression(rng)}
    if rng.random() < 0.8:
        alert["for"] = rng.choice(_DURATIONS)
    if rng.random() < 0.4:
        alert["keep_firing_for"] = rng.choice(_DURATIONS)
    labels = {"severity": rng.choice(("critical", "warning", "info"))}
    if rng.random() < 0.3:
        owner = "{{ if $labels.owner }}{{ $labels.owner }}{{ else }}nobody{{ end }}"
        labels["team"] = rng.choice(("a", "{{ $labels.service }}-team", owner))
    return {**alert, "labels": labels, "annotations": {"summary": "{{ $labels.service }} at {{ $value }}"}}


def _expression(rng: random.Random) -> str:
    op, number = rng.choice(_COMPARISONS), rng.choice((0, 1, 2, 3.5, 5, 7, 8, 9))
    service, other = rng.sample(SERVICES, 2)
    status = rng.choice(("200", "429", "500"))
    window = rng.choice(("2s", "5s", "10s"))
    rate = f"sum by (service) (rate(requests_total[{window}]))"
    errors = f'sum by (service) (rate(requests_total{{status!="200"}}[{window}]))'
    return rng.choice(
        (
            f"temperature {op} {number}",
            f'temperature{{service="{service}"}} {op} {number}',
            f"{number} {op} temperature",
            f"temperature {op} bool {number} == 1",
            f"{errors} / {rate} > {rng.choice((0.1, 0.3, 0.6))}",
            f'rate(requests_total{{status="{status}"}}[{window}]) {op} {number}',
            f"histogram_quantile(0.9, sum by (service, le) (rate(latency_seconds_bucket[{window}]))) > {number / 5}",
            f"(temperature > {number}) and on (service) ({rate} > 3)",
            f"(temperature > {number}) unless on (service) ({errors} > 2)",
            f'temperature{{service="{service}"}} > {number} or temperature{{service="{other}"}} < 2',
            f'absent(temperature{{service="{service}"}})',
            f"temperature * on (service) group_left (owner) service_info {op} {number}",
            f"avg(temperature) {op} {number}",
            f"count(temperature {op} {number}) > 2",
            f"topk(2, temperature) > {number}",
            f"max_over_time(temperature[{window}]) - min_over_time(temperature[{window}]) > {number}",
            f"temperature - temperature offset {window} > 1",
            f"avg_over_time(({rate})[10s:2s]) {op} {number}",
            f"changes(temperature[{window}]) >= 1",
            f"sum by (service) (increase(requests_total[{window}])) > {number} # comment",
            f"deriv(temperature[{window}]) > 0.{rng.randint(1, 9)}",
            f"quantile(0.5, temperature) > {number}",
            "vector(2) > 1",
            f'label_replace(temperature > {number}, "short", "$1", "service", "s(.*)")',
            f"vector(time() % {rng.choice((3, 7, 11))}) >= 2",
        )
    )
