"""The rules of the benchmark: what is compared must be comparable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from bench import report, rules
from bench.cost import Cost, with_baseline
from bench.lag import Lag
from bench.report import Run


def test_no_two_of_ten_thousand_rules_are_equal_and_the_types_are_even() -> None:
    """Else asking equal expressions once would flatter us."""
    asked = rules.mixed(10_000, 15)
    assert len({one.expr for one in asked}) == len({one.name for one in asked}) == 10_000
    assert sum("histogram_quantile" in one.expr for one in asked) in {3333, 3334}
    assert sum(" / " in one.expr for one in asked) in {3333, 3334}


def test_pairs_are_half_as_many_expressions_with_two_thresholds_each() -> None:
    asked = rules.in_pairs(10_000, 15)
    assert len({one.name for one in asked}) == len({one.expr for one in asked}) == 10_000
    assert len({one.expr.rpartition(" > ")[0] for one in asked}) == 5_000
    assert [one.expr.rpartition(" > ")[2] for one in (asked[0], asked[5_000])] == ["1000000", "1e+07"]


def test_both_sides_are_given_the_same_expressions() -> None:
    asked = rules.mixed(250, 15)
    groups = json.loads(rules.prometheus_file(asked, 15))["groups"]
    assert [len(group["rules"]) for group in groups] == [100, 100, 50]
    theirs = [(one["alert"], one["expr"]) for group in groups for one in group["rules"]]
    ours = [(one["name"], one["expr"]) for one in json.loads(rules.native_file(asked, 15))["rules"]]
    assert theirs == ours == [(one.name, one.expr) for one in asked]


def test_a_bar_is_held_or_not_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    run = Run({"processor": "two cores"}, 15, idle=[0.003, 0.005], load=[0.1, 0.2], packs=True)
    theirs = Cost(report.RULE_MANAGER, 5000, 30, 10_000, 10_000, prometheus_cpu=0.15)
    ours = replace(
        theirs, variant=report.PACKED, prometheus_cpu=0.1, own_cpu=0.04, on_time=0.98, resident_mb=180, peak_mb=190
    )
    run.costs = [theirs, ours]
    run.lag = Lag(5, "the same rule file", [2.0, 4.0], [1.0, 2.0])
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")
    report.write(run, page)
    text = page.read_text()
    assert text.startswith("before\n\n<!--")
    assert text.endswith("-->\n\nafter\n")
    assert "old" not in text
    lines = [line for line in text.splitlines() if line.endswith(("| yes |", "| **no** |"))]
    assert [line.split(" | ")[1:] for line in lines] == [
        ["0.140 against 0.150 s", "yes |"],
        ["0.040 s", "yes |"],
        ["98.00 % at the size that did worst", "**no** |"],
        ["180 MB, 190 MB at the most", "yes |"],
        ["1.50 against 3.00 s", "yes |"],
    ]
    assert json.loads(page.with_suffix(".json").read_text())["costs"][1]["own_cpu"] == 0.04


def test_another_idle_use_is_subtracted_afterwards() -> None:
    """30 s at 2 ms a second less are 60 ms more, of 1,000 evaluations."""
    cost = Cost("any", 1, 30, 1000, 1000, prometheus_cpu=0.1)
    assert round(with_baseline(cost, 0.005, 0.003).prometheus_cpu, 6) == 0.16
