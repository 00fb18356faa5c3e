"""Missed slots, asked for in few queries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from incidentd.sources import ranges
from incidentd.sources.base import Answered, Question, RangeAnswer, RangeAnswered, Reason, Sample, Unknown
from tests.unit.sources.packed import members
from tests.unit.sources.wire import AT, Wire, http, source

STEP = timedelta(seconds=15)
SLOTS = [AT, AT + STEP, AT + 2 * STEP]
TIMES = [1793606400.25, 1793606415.25, 1793606430.25]


def matrix(*series: Any, **rest: object) -> bytes:
    return http({"status": "success", "data": {"resultType": "matrix", "result": list(series)}, **rest})


def ranged(wire: Wire, *questions: Question, within: float = 60, **config: Any) -> dict[str, RangeAnswer]:
    with source(wire, **config) as opened:
        found = opened.ask_range(questions, AT, AT + 2 * STEP + STEP / 2, STEP, timedelta(seconds=within))
    return {question.expr: answer for question, answer in found.items()}


def test_a_pack_is_asked_over_all_slots_at_once_and_each_slot_has_its_answer(wire: Wire) -> None:
    wire.always(
        matrix(
            {
                "metric": {"__incidentd__": "0", "__name__": "x", "a": "1"},
                "values": [[TIMES[0], "1"], [TIMES[2], "NaN"]],
            },
            {"metric": {"__incidentd__": "0", "a": "2"}, "values": [[TIMES[1], "2"], [TIMES[2], "+Inf"]]},
        )
    )
    found = ranged(wire, Question("x"), Question("y"))
    x, y = found["x"], found["y"]
    assert isinstance(x, RangeAnswered)
    assert y == RangeAnswered(dict.fromkeys(SLOTS, Answered(())))
    assert x.at(SLOTS[0]) == Answered((Sample({"a": "1"}, 1.0),))
    assert x.at(SLOTS[1]) == Answered((Sample({"a": "2"}, 2.0),))
    assert [str(sample.value) for sample in x.answers[SLOTS[2]].samples] == ["nan", "inf"]  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        x.at(AT - STEP)
    [request] = wire.received
    assert request.line == "POST /api/v1/query_range HTTP/1.1"
    assert {name: request.form[name] for name in ("start", "end", "step", "timeout")} == {
        "start": ["1793606400.250"], "end": ["1793606430.250"], "step": ["15.000"], "timeout": ["4.500"],
    }  # fmt: skip


def test_an_offset_moves_what_is_asked_and_not_the_slots(wire: Wire) -> None:
    wire.always(matrix({"metric": {}, "values": [[TIMES[0] - 60, "1"]]}))
    answer = ranged(wire, Question("x", timedelta(minutes=1)))["x"]
    assert isinstance(answer, RangeAnswered)
    assert answer.at(AT) == Answered((Sample({}, 1.0),))
    assert wire.received[0].form["start"] == ["1793606340.250"]


def test_what_speaks_of_the_range_is_asked_slot_by_slot(wire: Wire) -> None:
    wire.answer = lambda _: iter([matrix()])
    ranged(wire, Question("a"), Question("x @ end()"), Question("b"), concurrency=1)
    asked = [(request.form["start"], request.form["end"]) for request in wire.received if "end()" in str(request.form)]
    assert asked == [([f"{at:.3f}"], [f"{at:.3f}"]) for at in TIMES]
    assert len(wire.received) == 4


def test_many_slots_are_asked_in_parts(wire: Wire) -> None:
    wire.answer = lambda _: iter([matrix()])
    with source(wire, concurrency=1) as opened:
        found = opened.ask_range([Question("x")], AT, AT + 1199 * STEP, STEP, timedelta(seconds=5))[Question("x")]
    assert isinstance(found, RangeAnswered)
    assert list(found.answers) == [AT + n * STEP for n in range(1200)]
    assert len(wire.received) == 3


def test_no_slot_is_no_query(wire: Wire) -> None:
    with source(wire) as opened:
        found = opened.ask_range([Question("x")], AT, AT - STEP, STEP, timedelta(seconds=5))
    assert found == {Question("x"): RangeAnswered({})}
    assert wire.received == []


def test_one_member_that_fails_at_one_slot_is_unknown_there_and_nowhere_else(wire: Wire) -> None:
    def answer(query: str) -> Iterator[bytes]:
        form = wire.received[-1].form
        if "bad" in members(query).values() and float(form["start"][0]) <= TIMES[1] <= float(form["end"][0]):
            yield http({"status": "error", "errorType": "execution", "error": "many-to-many"}, 422)
        else:
            yield matrix()

    wire.answer = answer
    found = ranged(wire, *map(Question, ["a", "b", "bad", "c"]), concurrency=1)
    good = RangeAnswered(dict.fromkeys(SLOTS, Answered(())))
    assert [found[name] for name in "abc"] == [good] * 3
    bad = found["bad"]
    assert isinstance(bad, RangeAnswered)
    assert [isinstance(bad.at(slot), Answered) for slot in SLOTS] == [True, False, True]
    assert "many-to-many" in str(bad.at(SLOTS[1]))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (matrix(warnings=["store a is down"]), Reason.PARTIAL),
        (http("busy", 503), Reason.ERROR),
        (http({"status": "success", "data": {"resultType": "vector", "result": []}}), Reason.MALFORMED),
        (matrix({"metric": {}, "values": [[TIMES[0] + 1, "1"]]}), Reason.MALFORMED),
        (matrix({"metric": {}, "values": ["x"]}), Reason.MALFORMED),
        (matrix({"metric": {}, "values": None}), Reason.MALFORMED),
        (matrix({"metric": {}, "values": [[at, "x"] for at in TIMES]}), Reason.MALFORMED),
        (matrix({"metric": {}, "histograms": [[at, {"count": "1"}] for at in TIMES]}), Reason.MALFORMED),
        (matrix(*[{"metric": {"__name__": n}, "values": [[at, "1"] for at in TIMES]} for n in "xy"]), Reason.ERROR),
    ],
    ids=["warnings", "busy", "vector", "other time", "no point", "no list", "no number", "histogram", "twice"],
)
def test_what_says_nothing_is_unknown(wire: Wire, raw: bytes, reason: Reason) -> None:
    wire.always(raw)
    answer = ranged(wire, Question("x"))["x"]
    assert isinstance(answer, Unknown)
    assert answer.reason is reason


def test_series_that_differ_by_name_spoil_only_the_slots_that_both_have(wire: Wire) -> None:
    wire.always(
        matrix(
            {"metric": {"__name__": "x"}, "values": [[TIMES[0], "1"], [TIMES[1], "1"]]},
            {"metric": {"__name__": "y"}, "values": [[TIMES[1], "1"], [TIMES[2], "1"]]},
        )
    )
    answer = ranged(wire, Question("x"))["x"]
    assert isinstance(answer, RangeAnswered)
    assert [isinstance(answer.at(slot), Answered) for slot in SLOTS] == [True, False, True]


def test_nothing_is_asked_after_the_deadline(wire: Wire) -> None:
    def answer(_: str) -> Iterator[bytes]:
        wire.done.wait(0.1)
        yield matrix()

    wire.answer = answer
    begun = time.monotonic()
    found = ranged(wire, *[Question(f"m{n}") for n in range(50)], within=0.35, pack=1, concurrency=1)
    assert time.monotonic() - begun < 1.5
    late = [answer for answer in found.values() if isinstance(answer, Unknown)]
    assert len(late) >= 40
    assert late[-1].reason is Reason.TIMEOUT


def test_times_are_whole_milliseconds_that_never_lie_ahead() -> None:
    assert ranges.seconds(AT + timedelta(microseconds=999)) == "1793606400.250"
    assert ranges.slots(AT, AT + STEP, STEP) == (AT, AT + STEP)
    assert ranges.slots(AT, AT - STEP / 2, STEP) == ()
