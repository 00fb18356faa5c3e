"""The fault matrix: whatever goes wrong between incidentd and its source, at whatever moment, nobody is told a lie.

| minute | what happens                                                                                   |
|--------|------------------------------------------------------------------------------------------------|
| -3, 0  | *Errors* pends since 0; or it fires at 0; or that, and Anna resolves it at 0.5: held until 2.5 |
| 1, 3   | the fault hits what *Errors* asks; *Neighbour* was well until then and begins to breach at 3   |
| 4      | the source answers again: *Errors* still breaches, or is well                                  |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.evaluation.plant import BREACH, NONE, WELL, Plant, Says, rule
from tests.unit.sources.wire import ResetError, Wire, http

VECTOR = {"resultType": "vector", "result": [{"metric": {"i": "1"}, "value": [0, "2"]}]}
ANSWER = {"status": "success", "data": VECTOR}


def prometheus(kind: str) -> dict[str, str]:
    """How Prometheus words a failure."""
    return {"status": "error", "errorType": kind, "error": "it did not work"}


def sends(raw: bytes) -> Says:
    return lambda _: iter([raw])


def hangs(wire: Wire) -> Iterator[bytes]:
    yield wire.hangs()


def resets(_: Wire) -> Iterator[bytes]:
    yield http(ANSWER)[:-20]
    raise ResetError


@dataclass(frozen=True)
class Fault:
    """*says* is what the server says to *Errors*. *fails*: that counts as a failing source once it lasts. *spares*:
    what is answered to *Neighbour* at the same time counts; *packed*: also where both are asked in one query."""

    says: Says
    fails: bool = True
    spares: bool = True
    packed: bool = True


FAULTS = {
    "422": Fault(sends(http(prometheus("execution"), 422))),
    "429": Fault(sends(http("slow down", 429, Retry_After="60")), packed=False),
    "500": Fault(sends(http(prometheus("internal"), 500))),
    "500 of a proxy": Fault(sends(http("", 500)), packed=False),
    "503": Fault(sends(http(prometheus("timeout"), 503))),
    "503 of a proxy": Fault(sends(http("busy", 503)), packed=False),
    "hang": Fault(hangs),
    "connection refused": Fault(NONE, spares=False),
    "reset in the middle of the body": Fault(resets, spares=False),
    "empty body": Fault(sends(http("")), packed=False),
    "malformed JSON": Fault(sends(http('{"status": "succ')), packed=False),
    "warnings": Fault(sends(http({**ANSWER, "warnings": ["store a is down"]}))),
    "NaN": Fault(("NaN",), fails=False),
}


@dataclass(frozen=True)
class Moment:
    """What is so when the fault begins, all through it, and after it. *told* is everything that people hear of the
    rule; a breach or a good answer adds to it."""

    alert: str
    incident: str
    told: Sequence[str]
    breach: Sequence[str]
    breach_incident: str
    well: Sequence[str]
    well_incident: str


MOMENTS = {
    "pending": Moment("pending since 0", "none", [], ["opened"], "detected", [], "none"),
    "firing": Moment("firing sev2", "detected", ["opened"], [], "detected", ["resolved"], "resolved"),
    "held": Moment("firing sev2", "resolved", ["opened", "resolved"], ["opened"], "detected", [], "resolved"),
}


def begin(folder: Path, moment: str, *, hangs: bool = False, **authored: Any) -> Plant:
    """A plant at the end of minute 0.5, with *Errors* as *moment* says."""
    rules = (
        rule("Errors", **{"for": "3m", "cooldown": "2m", **authored}),
        rule("Neighbour", pack=authored.get("pack", True)),
    )
    plant = Plant(folder, *rules, timeout=timedelta(seconds=0.5 if hangs else 10))
    plant.at(-3, Errors=NONE if moment == "pending" else BREACH, Neighbour=WELL)
    plant.at(0, Errors=BREACH)
    if moment == "held":
        plant.resolve(0.5)
    return plant


def split(told: Sequence[str]) -> dict[str, list[str]]:
    """What people hear of each, in order."""
    return {
        name: [one.partition(": ")[2] for one in told if one.startswith(f"{name}:")]
        for name in ("Errors", "SourceFailing", "Neighbour")
    }


@pytest.mark.parametrize("after", ["breach", "well"])
@pytest.mark.parametrize("asked", ["alone", "packed"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_resolves_or_pages(tmp_path: Path, fault: str, moment: str, asked: str, after: str) -> None:
    expected, wrong = MOMENTS[moment], FAULTS[fault]
    plant = begin(tmp_path, moment, hangs=fault == "hang", pack=asked == "packed")
    assert (plant.alert("Errors"), plant.incident("Errors")) == (expected.alert, expected.incident)
    assert split(plant.told())["Errors"] == [*expected.told]

    for minute in (1, 3):
        plant.line.cut = fault == "connection refused"
        plant.at(minute, Errors=wrong.says, Neighbour=BREACH if minute >= 3 else WELL)
        assert (plant.alert("Errors"), plant.incident("Errors")) == (expected.alert, expected.incident), minute
        heard = split(plant.told())
        assert heard["Errors"] == [*expected.told], minute
        assert heard["SourceFailing"] == ["opened"] * (wrong.fails and minute == 3), minute
        if wrong.spares and (wrong.packed or asked == "alone"):
            assert heard["Neighbour"] == ["opened"] * (minute == 3), minute

    plant.line.cut = False
    plant.at(4, Errors=BREACH if after == "breach" else WELL)
    goes_on = after == "breach"
    alert, incident = ("firing sev2", expected.breach_incident) if goes_on else ("inactive", expected.well_incident)
    assert (plant.alert("Errors"), plant.incident("Errors")) == (alert, incident)
    assert split(plant.told()) == {
        "Errors": [*expected.told, *(expected.breach if goes_on else expected.well)],
        "SourceFailing": ["opened", "resolved"] * wrong.fails,
        "Neighbour": ["opened"],
    }
    plant.close()


@dataclass(frozen=True)
class Emptied:
    """An empty answer is complete, and says what the rule makes of it: *holds*, *alerts*, or that it is gone."""

    authored: dict[str, Any]
    pending: str
    firing: str
    held: str
    told: dict[str, list[str]]
    """What people hear of each moment while it is empty, beyond what they heard before."""


GONE = {"pending": [], "firing": ["resolved"], "held": []}
NOTHING: dict[str, list[str]] = {"pending": [], "firing": [], "held": []}
EMPTY = {
    "the expression compares: absence is how it says that all is well": Emptied(
        {"when": None}, "inactive", "inactive", "inactive", GONE
    ),
    "no_data: ok": Emptied({"no_data": "ok"}, "inactive", "inactive", "inactive", GONE),
    "no_data: hold": Emptied({"no_data": "hold"}, "pending since 0", "firing sev2", "firing sev2", NOTHING),
    "no_data: alert": Emptied(
        {"no_data": "alert"},
        "firing sev2",
        "firing sev2",
        "firing sev2",
        {"pending": ["opened"], "firing": [], "held": ["opened"]},
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", EMPTY)
def test_an_empty_answer_is_no_fault(tmp_path: Path, kind: str, moment: str) -> None:
    """The one row that is known: it does what the rule says of absence, and the source is well."""
    emptied = EMPTY[kind]
    plant = begin(tmp_path, moment, **emptied.authored)
    for minute in (1, 3):
        plant.at(minute, Errors=NONE, Neighbour=BREACH)
    assert plant.alert("Errors") == getattr(emptied, moment)
    assert split(plant.told()) == {
        "Errors": [*MOMENTS[moment].told, *emptied.told[moment]],
        "SourceFailing": [],
        "Neighbour": ["opened"],
    }
    plant.close()
