"""A seed -> PromQL expressions of every kind that rules have, some of which fail, over the series of `HISTORY`."""

from __future__ import annotations

import math
import random

from incidentd.demo.prometheus import openmetrics

BEGIN = 1_700_000_000
_N = 120


def _series() -> dict[str, list[tuple[float, float]]]:
    at = [BEGIN + 15.0 * n for n in range(_N)]
    found = {
        f'duration_bucket{{service="{service}",le="{le}"}}': [(t, float(n * (rank + 1))) for n, t in enumerate(at)]
        for service in "ab"
        for rank, le in enumerate(("0.1", "0.5", "1", "+Inf"))
    }
    odd = {0: math.nan, 1: math.inf, 2: -math.inf}
    found['odd{service="a"}'] = [(t, odd.get(n % 5, float(n))) for n, t in enumerate(at)]
    for service, slope in zip("abc", (1, 3, 0), strict=True):
        for code in ("200", "500"):
            values = [(t, float((n * slope) % 70)) for n, t in enumerate(at)]
            found[f'requests{{service="{service}",code="{code}"}}'] = values
    found['comes_and_goes{service="a"}'] = [(t, float(n)) for n, t in enumerate(at) if n % 40 < 10]
    found['wanders{service="a"}'] = [(t, 1.0) for n, t in enumerate(at) if n < 70]
    found['wanders_too{service="a"}'] = [(t, 2.0) for n, t in enumerate(at) if n > 60]
    found['owner{service="a",team="x"}'] = [(t, 1.0) for t in at]
    found['owner{service="b",team="y"}'] = [(t, 1.0) for t in at]
    return found


HISTORY = openmetrics(_series())

FAILING = (
    "requests * on (service) requests",
    'label_replace(requests, "code", "same", "", "")',
    '{__name__=~"requests|owner", service="a"}',
    'rate({__name__=~"requests|duration_bucket"}[1m])',
    "sum(",
    "requests[5m]",
    '"text"',
    'label_replace(requests, "not a name", "x", "", "")',
    "quantile_over_time(requests)",
    "a_function_that_nobody_knows(requests)",
    'label_replace(requests, "__incidentd__", "1", "", "")',
    "1 > 2",
)


class Generator:
    """Deterministic for one *seed*."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test that fails must fail again

    def expression(self) -> str:
        """A vector most of the time, with a comment now and then."""
        text = self._scalar(2) if self._one(5) else self._vector(3)
        ends = ("", "", "", " # note: (", "\n# a note with ' and \"\n", "\n")
        return text + self._random.choice(ends)

    def pairs(self) -> list[str]:
        """The same left side with several thresholds, as rules for a warning and for a page have it."""
        left, op = self._vector(2), self._random.choice(("> ", ">=", "<", "<= "))
        numbers = self._random.sample(
            ("0", "-1", "1", "2.5", "+3", "10", "1e1", ".5", "45.", "0.1", "Inf", "bool 1"), 4
        )
        return [f"({left}) {op}{number}" for number in numbers]

    def _one(self, among: int) -> bool:
        return self._random.randrange(among) == 0

    def _selector(self) -> str:
        name = self._random.choice(
            ("requests", "requests", "odd", "owner", "comes_and_goes", "duration_bucket", "nothing")
        )
        matcher = self._random.choice(
            ("", '{service="a"}', '{service=~"a|b",service!="("}', "{code='500'}", '{service!="#"}')
        )
        return name + matcher

    def _shift(self) -> str:
        return self._random.choice(
            (
                "",
                "",
                "",
                " offset 1m",
                " offset -30s",
                f" @ {BEGIN + 600}",
                " @ end()",
                f" @ {BEGIN + 600}.5 offset 15s",
            )
        )

    def _scalar(self, depth: int) -> str:
        if depth == 0 or self._one(3):
            return self._random.choice(("1", "0.5", "-3", "0x10", "Inf", "NaN", "time()", "pi()", "1e3", "(2)"))
        deeper = self._scalar(depth - 1)
        return self._random.choice(
            (
                f"scalar({self._vector(depth - 1)})",
                f"({deeper})",
                f"-({deeper})",
                f"{deeper} + {self._scalar(depth - 1)}",
                f"{deeper} > bool {self._scalar(depth - 1)}",
                f"{deeper} ^ 2 % 7",
            )
        )

    def _matrix(self, depth: int) -> str:
        if depth and self._one(3):
            return f"({self._vector(depth - 1)})[2m:15s]{self._shift()}"
        return f"{self._selector()}[{self._random.choice(('1m', '5m', '90s'))}]{self._shift()}"

    def _vector(self, depth: int) -> str:
        if depth == 0:
            return f"{self._selector()}{self._shift()}"
        one, scalar = self._vector(depth - 1), self._scalar(1)
        other = self._random.choice((one, self._vector(depth - 1)))
        over = self._random.choice(("rate", "increase", "max_over_time", "avg_over_time", "count_over_time", "changes"))
        by = self._random.choice(("by (service)", "without (code)", "by ()", "by (service, code)", ""))
        compare = self._random.choice(
            ("> 1", "<= 0.5", "== 3", "!= 0", "> bool 10", f"> {scalar}", f"< bool ({scalar})")
        )
        joined = self._random.choice(
            ("and", "or", "unless", "+ on (service, code)", "/ ignoring (le)", "> on (service, code)")
        )
        return self._random.choice(
            (
                one,
                f"{over}({self._matrix(depth - 1)})",
                f"{self._random.choice(('sum', 'max', 'count', 'group', 'stddev'))} {by} ({one})",
                f"topk(2, {one})",
                f'count_values("value", {one})',
                f"quantile {by} (0.9, {one})",
                f"({one}) {compare}",
                f"({one}) {self._random.choice('+-*/%^')} {scalar}",
                f"({one}) {joined} ({other})",
                f"sum by (service) ({one}) * on (service) group_left (team) owner",
                f"owner * on (service) group_right (team) sum by (service, code) ({one})",
                f"histogram_quantile(0.9, sum by (le, service) (rate(duration_bucket[2m]{self._shift()})))",
                f'label_replace({one}, "copy", "$1-x", "service", "(.*)")',
                f'label_join({one}, "both", "-", "service", "code")',
                f"absent({one})",
                f"absent_over_time({self._selector()}[2m])",
                f"vector({scalar})",
                f"clamp_max({one}, {scalar})",
                f"sort_desc({one})",
                f"timestamp({one})",
                f"-({one})",
                f"abs({one}) + time()",
            )
        )
