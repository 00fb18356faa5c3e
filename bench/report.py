"""What was measured -> JSON, and the tables of docs/performance.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.apply import Applied
from bench.burst import Burst
from bench.cost import Cost
from bench.lag import Lag

BEGIN, END = "<!-- written by make bench: begin -->", "<!-- written by make bench: end -->"
_OWN_BAR = 0.05
_ON_TIME_BAR = 0.99
_MEMORY_BAR_MB = 250
_JUDGED = (5_000, 10_000)
RULE_MANAGER, PACKED, ALONE = "Prometheus' rule manager", "incidentd", "incidentd, one query per rule"


@dataclass(slots=True)
class Run:
    """Everything of one run. *idle* is what Prometheus used for scraping alone, in CPU seconds a second, before and
    after; *load* the machine's load average at the begin and the end."""

    machine: dict[str, str]
    interval: int
    idle: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    form: str = ""
    packs: bool = False
    note: str = ""
    costs: list[Cost] = field(default_factory=list)
    pairs: list[Cost] = field(default_factory=list)
    series: list[Cost] = field(default_factory=list)
    lag: Lag | None = None
    bursts: list[Burst] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    seconds: float = 0


def as_json(run: Run) -> str:
    return json.dumps(asdict(run), indent=1) + "\n"


def as_markdown(run: Run) -> str:
    """The part of docs/performance.md between the two marks, marks included."""
    parts = [
        BEGIN,
        _table(("", ""), run.machine.items()),
        _about(run),
        "### The bars",
        _table(("bar", "measured", "held"), _bars(run)),
        f"### CPU seconds per 1,000 evaluations, every {run.interval} s",
        "All expressions differ:",
        _costs(run.costs),
        "Each expression twice, as a warning and as critical:",
        _costs(run.pairs),
        "### CPU seconds per 1,000 evaluations of one rule over 2,000 series, every second",
        _costs(run.series),
        "### From the scraped sample to the decision",
        _lag(run.lag),
        "### Many series that begin to fire at once",
        _bursts(run.bursts),
        _applied(run.applied),
        END,
    ]
    return "\n\n".join(part for part in parts if part)


def write(run: Run, page: Path) -> None:
    """Replaces that part of *page*, and leaves the JSON beside it."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(before + as_markdown(run) + after)
    page.with_suffix(".json").write_text(as_json(run))


def _about(run: Run) -> str:
    idle = " and ".join(f"{1000 * one:.1f}" for one in run.idle)
    load = " and ".join(f"{one:.2f}" for one in run.load)
    packs = "" if run.packs else " This version does not pack: the two ways to ask are the same."
    return (
        f"The run took {run.seconds / 60:.1f} minutes. Idle, Prometheus used {idle} ms of CPU a second (begin and end);"
        f" their mean is subtracted. The load average was {load}. incidentd was given {run.form}.{packs}"
        + (f" {run.note}" if run.note else "")
    )


def _bars(run: Run) -> Iterable[tuple[str, str, str]]:
    yield from _against_the_rule_manager(run.pairs, "each expression twice")
    yield from _against_the_rule_manager(run.costs, "all expressions different")
    ours_all = [one for one in run.costs if one.variant == PACKED]
    for one in ours_all:
        text = f"incidentd's own process: at most {_OWN_BAR} CPU seconds per 1,000 evaluations, {one.rules:,} rules"
        yield text, f"{one.own_cpu:.3f} s", _held((one.own_cpu or 0) <= _OWN_BAR)
    shares = [one.on_time for one in ours_all if one.on_time is not None]
    if shares:
        measured = f"{100 * min(shares):.2f} % at the size that did worst"
        yield "99 % of slots evaluated within 1 s of their time", measured, _held(min(shares) >= _ON_TIME_BAR)
    if ours_all:
        largest = max(ours_all, key=lambda one: one.rules)
        yield (
            f"resident memory at {largest.rules:,} rules under {_MEMORY_BAR_MB} MB",
            f"{largest.resident_mb:.0f} MB, {largest.peak_mb:.0f} MB at the most",
            _held((largest.resident_mb or 0) < _MEMORY_BAR_MB),
        )
    if run.lag:
        theirs_s, ours_s = run.lag.medians
        yield (
            "from the sample to the outbox row: median at most half of Prometheus' own, sample to `ALERTS`",
            f"{ours_s:.2f} against {theirs_s:.2f} s",
            _held(ours_s <= theirs_s / 2),
        )


def _against_the_rule_manager(costs: Sequence[Cost], kind: str) -> Iterable[tuple[str, str, str]]:
    by_key = {(one.variant, one.rules): one for one in costs}
    for rules in _JUDGED:
        ours, theirs = by_key.get((PACKED, rules)), by_key.get((RULE_MANAGER, rules))
        if ours and theirs:
            yield (
                f"incidentd and what it costs Prometheus: at most Prometheus' rule manager, {rules:,} rules, {kind}",
                f"{ours.together:.3f} against {theirs.together:.3f} s",
                _held(ours.together <= theirs.together),
            )


def _costs(costs: Sequence[Cost]) -> str:
    rows = [
        (
            f"{one.rules:,}",
            one.variant,
            "-" if one.own_cpu is None else f"{one.own_cpu:.3f}",
            f"{one.prometheus_cpu:.3f}",
            f"**{one.together:.3f}**",
            f"{100 * one.evaluations / one.expected:.0f} %",
            "-" if one.on_time is None else f"{100 * one.on_time:.2f} %",
            "-" if one.resident_mb is None else f"{one.resident_mb:.0f} MB",
        )
        for one in costs
    ]
    names = ("rules", "who evaluates", "asker", "Prometheus", "together", "evaluated of due", "within 1 s", "resident")
    return _table(names, rows)


def _lag(lag: Lag | None) -> str:
    if lag is None:
        return ""
    names = ("", "crossings", "median", "mean", "least", "p95", "most")
    sides = (("Prometheus: sample to `ALERTS`", lag.prometheus), ("incidentd: sample to outbox row", lag.incidentd))
    rows = [
        (
            name,
            str(len(values)),
            f"**{statistics.median(values):.2f} s**",
            f"{statistics.fmean(values):.2f} s",
            f"{min(values):.2f} s",
            f"{sorted(values)[int(0.95 * (len(values) - 1))]:.2f} s",
            f"{max(values):.2f} s",
        )
        for name, values in sides
    ]
    return f"Scrapes and evaluations every {lag.interval} s.\n\n" + _table(names, rows)


def _bursts(bursts: Sequence[Burst]) -> str:
    names = ("series", "incidents", "incidentd's CPU", "transaction, begin to seen", "Prometheus' CPU", "resident")
    rows = [
        (
            f"{one.series:,}",
            f"{one.incidents:,}",
            f"{one.cpu:.2f} s",
            f"{one.seconds:.2f} s",
            f"{one.prometheus_cpu:.2f} s",
            f"{one.resident_mb:.0f} MB",
        )
        for one in bursts
    ]
    return _table(names, rows) if rows else ""


def _applied(applied: Sequence[Applied]) -> str:
    if not applied:
        return ""
    steps = list(applied[0].seconds)
    names = ("one transaction, seconds (CPU)", "alerts", "incidents", *steps)
    rows = [
        (
            one.database,
            f"{one.alerts:,}",
            f"{one.incidents:,}",
            *(f"{one.seconds[step]:.2f} ({one.cpu[step]:.2f})" for step in steps),
        )
        for one in applied
    ]
    return _table(names, rows)


def _held(is_held: bool) -> str:  # noqa: FBT001 - one word for yes or no
    return "yes" if is_held else "**no**"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *rows)]
    return "\n".join(lines)
