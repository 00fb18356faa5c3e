"""Many questions in one query: what is asked, and what becomes of the others when one of them is at fault."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from incidentd import metrics
from incidentd.sources import transport
from incidentd.sources.base import Answer, Answered, Question, Reason, Sample, Unknown
from tests.unit.sources.packed import members, unless, vector
from tests.unit.sources.wire import AT, Wire, ask, http, source

NAMES = [f"m{n}" for n in range(16)]
MINUTE = timedelta(minutes=1)


def error(kind: str = "execution", status: int = 422) -> bytes:
    return http({"status": "error", "errorType": kind, "error": "many-to-many matching"}, status)


def good(name: str) -> Answer:
    return Answered((Sample({"of": name}, 2.5),))


def assert_only_unknown(answers: dict[str, Answer], *names: str) -> None:
    """*names* have no answer, all others have their own."""
    assert {name for name, answer in answers.items() if isinstance(answer, Unknown)} == set(names)
    assert all(answers[name] == good(name) for name in answers if name not in names)


@pytest.fixture
def wire(wire: Wire) -> Wire:
    wire.answer = lambda query: iter([http(vector(query))])
    return wire


def test_many_are_asked_in_one_query_whose_series_carry_a_label_each(wire: Wire) -> None:
    with source(wire) as opened:
        answers = ask(opened, ["a", "1", "b # who\n", "c"])
    assert answers["c"] == good("c")
    label = '"__incidentd__"'
    first = f'label_join((a), {label}, "0", {label}, {label}) or label_join(vector(1), {label}, "1", {label}, {label})'
    last = (
        f'label_join((b # who\n\n), {label}, "2", {label}, {label}) or label_join((c), {label}, "3", {label}, {label})'
    )
    assert wire.asked() == [f"(({first}) or ({last}))"]


def test_one_alone_is_asked_as_it_is_written(wire: Wire) -> None:
    with source(wire) as opened:
        assert_only_unknown(ask(opened, ["a # comment"]))
    assert wire.asked() == ["a # comment"]


def test_what_must_not_or_cannot_share_a_query_is_asked_alone(wire: Wire) -> None:
    private = [
        Question("p", alone=True),
        Question("new_fn(x) smoothed"),
        Question('x{__incidentd__="1"}'),
        Question("r[5m]"),
    ]
    with source(wire) as opened:
        opened.ask([Question("a"), *private, Question("b")], AT)
    assert sorted(wire.asked())[1:] == sorted(question.expr for question in private)
    assert len(wire.asked()) == 5


def test_each_offset_is_a_query_of_its_own_at_its_own_time(wire: Wire) -> None:
    with source(wire, concurrency=1) as opened:
        late = ask(opened, ["a", "b"], offset=timedelta(seconds=90))
        opened.ask([Question("a"), Question("b"), Question("a", MINUTE), Question("b", MINUTE)], AT)
    assert_only_unknown(late)
    assert [request.form["time"] for request in wire.received] == [
        ["1793606310.250"], ["1793606400.250"], ["1793606340.250"],
    ]  # fmt: skip


def test_the_same_expression_is_asked_once_however_many_ask_it(wire: Wire) -> None:
    with source(wire) as opened:
        answers = opened.ask([Question("a"), Question("b"), Question("a"), Question("a", alone=True)], AT)
    assert {question: answer == good(question.expr) for question, answer in answers.items()} == {
        Question("a"): True, Question("b"): True, Question("a", alone=True): True,
    }  # fmt: skip
    assert sorted(wire.asked()) == ["a", "b"]


@pytest.mark.parametrize("pack", [1, 0, False])
def test_packs_can_be_turned_off(wire: Wire, pack: object) -> None:
    with source(wire, pack=pack, concurrency=1) as opened:
        assert_only_unknown(ask(opened, NAMES))
    assert wire.asked() == NAMES


def test_labels_that_need_quoting_come_and_go_as_they_are(wire: Wire) -> None:
    """Prometheus 3 has names such as `http.status`."""
    expr = '{"http.requests", "http.status"="5\\"0\\u00e4"} or sum by ("http.status") (x)'
    series = {"metric": {"http.status": "500", "__incidentd__": "1"}, "value": [1, "1"]}
    wire.always(http({"status": "success", "data": {"resultType": "vector", "result": [series]}}))
    with source(wire) as opened:
        answers = ask(opened, ["a", expr])
    assert answers == {"a": Answered(()), expr: Answered((Sample({"http.status": "500"}, 1.0),))}
    assert f"label_join(({expr}), " in wire.asked()[0]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (error(), Reason.ERROR),
        (error("bad_data", 400), Reason.ERROR),
        (error("execution", 500), Reason.ERROR),
        (error("timeout", 503), Reason.TIMEOUT),
        (http("too large", 413), Reason.ERROR),
        (http({**vector("x"), "warnings": ["store a is down"]}), Reason.PARTIAL),
        (http({**vector("x"), "isPartial": True}), Reason.PARTIAL),
        (http(" " * 3000), Reason.ERROR),
    ],
    ids=["422", "400", "500", "time-out", "413", "warnings", "partial", "size"],
)
def test_what_one_member_did_is_unknown_for_it_alone_and_it_stays_alone(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, fault: bytes, reason: Reason
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 2500)
    wire.answer = unless(fault, "m5")
    with source(wire) as opened:
        first = ask(opened, NAMES)
        assert len(wire.asked()) == 9, "the pack, and two halves of each of four sizes"
        wire.received.clear()
        second = ask(opened, NAMES, AT + MINUTE)
    assert sorted(len(members(query)) for query in wire.asked()) == [1, 15]
    for answers in (first, second):
        assert_only_unknown(answers, "m5")
        answer = answers["m5"]
        assert isinstance(answer, Unknown)
        assert answer.reason is reason


def test_several_guilty_members_are_found_in_one_slot(wire: Wire) -> None:
    wire.answer = unless(error(), "m1", "m2", "m15")
    with source(wire) as opened:
        assert_only_unknown(ask(opened, NAMES), "m1", "m2", "m15")


def test_who_was_well_for_a_while_shares_queries_again(wire: Wire) -> None:
    wire.answer = unless(error(), "m5")
    with source(wire) as opened:
        ask(opened, NAMES)
        wire.answer = lambda query: iter([http(vector(query))])
        sizes = []
        for n in range(1, 13):
            wire.received.clear()
            ask(opened, NAMES, AT + n * MINUTE / 2)
            sizes.append(len(wire.asked()))
    assert sizes == [2] * 10 + [1, 1], "10 answers within 5 minutes"


@pytest.mark.parametrize(
    "fault",
    [http("busy", 503), http("slow down", 429), http("who are you", 401), error("unavailable", 503), http("<html>")],
    ids=["503", "429", "401", "unavailable", "html"],
)
def test_what_is_no_members_fault_is_not_halved(wire: Wire, fault: bytes) -> None:
    wire.always(fault)
    with source(wire) as opened:
        assert_only_unknown(ask(opened, NAMES), *NAMES)
    assert len(wire.asked()) == 1


def test_a_source_that_refuses_everything_is_not_asked_without_end_and_nobody_is_blamed(wire: Wire) -> None:
    wire.always(error())
    names = [f"m{n}" for n in range(400)]
    with source(wire) as opened:
        assert_only_unknown(ask(opened, names), *names)
        assert len(wire.asked()) == 8 + 200
        wire.answer = lambda query: iter([http(vector(query))])
        wire.received.clear()
        assert_only_unknown(ask(opened, names))
    assert len(wire.asked()) == 8


def test_nobody_at_the_port_costs_one_attempt(wire: Wire) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with source(wire, name="nobody", url=url, pack=2, concurrency=1) as opened:
        answers = ask(opened, NAMES)
    assert_only_unknown(answers, *NAMES)
    value = metrics.REGISTRY.get_sample_value
    assert value("incidentd_source_requests_total", {"source": "nobody", "outcome": "unreachable"}) == 1.0


@pytest.mark.parametrize("sent", [b"", http(vector("x"))[:-20]], ids=["before the answer", "in its body"])
def test_a_member_that_breaks_the_connection_is_found_from_slot_to_slot(wire: Wire, sent: bytes) -> None:
    def answer(query: str) -> Iterator[bytes]:
        wire.reset = "m5" in members(query).values()
        yield sent if wire.reset else http(vector(query))

    wire.answer = answer
    with source(wire, concurrency=1) as opened:
        assert_only_unknown(ask(opened, NAMES), *NAMES)
        for n in range(1, 6):
            answers = ask(opened, NAMES, AT + n * MINUTE)
    assert answers["m5"] != good("m5")
    assert sum(isinstance(answer, Unknown) for answer in answers.values()) < len(NAMES)


def test_a_body_that_ends_too_early_is_its_members_fault(wire: Wire) -> None:
    def answer(query: str) -> Iterator[bytes]:
        wire.closes = "m5" in members(query).values()
        yield http(vector(query))[: -20 if wire.closes else None]

    wire.answer = answer
    with source(wire, concurrency=1) as opened:
        assert_only_unknown(ask(opened, NAMES), "m5")


def hang_with(wire: Wire, *names: str) -> None:
    wire.answer = lambda query: iter(
        [wire.hangs() if set(names) & set(members(query).values()) else http(vector(query))]
    )


def test_a_member_that_hangs_is_found_in_the_same_slot_while_others_are_answered(wire: Wire) -> None:
    hang_with(wire, "m5")
    with source(wire, pack=8, concurrency=2, timeout=timedelta(seconds=0.5)) as opened:
        begun = time.monotonic()
        first = ask(opened, NAMES)
        took = time.monotonic() - begun
        second = ask(opened, NAMES, AT + MINUTE)
    assert took < 1.5, "twice the time-out and a little"
    assert_only_unknown(first, "m5")
    assert_only_unknown(second, "m5")


def test_a_source_that_is_silent_is_not_halved_and_its_only_pack_is_smaller_the_next_time(wire: Wire) -> None:
    hang_with(wire, *NAMES)
    with source(wire, timeout=timedelta(seconds=0.3)) as opened:
        assert_only_unknown(ask(opened, NAMES), *NAMES)
        assert len(wire.asked()) == 1
        hang_with(wire, "m5")
        assert_only_unknown(ask(opened, NAMES, AT + MINUTE), "m5")


def test_a_slow_pack_is_smaller_from_slot_to_slot_until_the_slow_one_stands_alone(wire: Wire) -> None:
    """It takes more than half of the time-out: nobody failed yet, and nobody shall."""

    def answer(query: str) -> Iterator[bytes]:
        if "m5" in members(query).values():
            wire.done.wait(0.35)
        yield http(vector(query))

    wire.answer = answer
    with source(wire, timeout=timedelta(seconds=0.6)) as opened:
        sizes = []
        for n in range(6):
            wire.received.clear()
            assert_only_unknown(ask(opened, NAMES, AT + n * timedelta(seconds=1)))
            sizes.append(next(len(members(query)) for query in wire.asked() if "m5" in members(query).values()))
    assert sizes == [16, 8, 4, 2, 1, 1]


def test_a_slot_ends_after_twice_the_time_out_and_those_left_come_first_the_next_time(wire: Wire) -> None:
    def answer(query: str) -> Iterator[bytes]:
        wire.done.wait(0.1)
        yield http(vector(query))

    wire.answer = answer
    with source(wire, pack=1, concurrency=1, timeout=timedelta(seconds=0.2)) as opened:
        first = ask(opened, NAMES)
        left = [name for name, one in first.items() if isinstance(one, Unknown)]
        assert 8 <= len(left) <= 13
        assert "the time for all queries of the slot was over" in str(first[left[-1]])
        wire.received.clear()
        ask(opened, NAMES, AT + MINUTE)
    assert wire.asked()[0] in left


def test_the_last_query_of_a_slot_gets_what_is_left_of_its_time(wire: Wire) -> None:
    def answer(query: str) -> Iterator[bytes]:
        wire.done.wait(0.4)
        yield http(vector(query))

    wire.answer = answer
    with source(wire, pack=1, concurrency=1, timeout=timedelta(seconds=0.5)) as opened:
        ask(opened, ["a", "b", "c"])
    assert [float(request.form["timeout"][0]) < 0.2 for request in wire.received] == [False, False, True]


def test_the_same_with_several_thresholds_is_asked_once_with_the_weakest(wire: Wire) -> None:
    values = {"a": "3", "b": "7", "c": "NaN"}
    result = [{"metric": {"of": of}, "value": [1, value]} for of, value in values.items()]
    wire.always(http({"status": "success", "data": {"resultType": "vector", "result": result}}))
    with source(wire) as opened:
        answers = ask(opened, ["x > 5", "x > 2", "x > 3", "x > 7"])
    a, b = Sample({"of": "a"}, 3.0), Sample({"of": "b"}, 7.0)
    assert wire.asked() == ["x > 2"]
    assert [answers[f"x > {n}"] for n in (5, 3, 7)] == [Answered((b,)), Answered((b,)), Answered(())]
    answer = answers["x > 2"]
    assert isinstance(answer, Answered)
    assert answer.samples[:2] == (a, b)


def test_a_server_that_removes_the_label_is_still_answered_for(wire: Wire) -> None:
    def answer(query: str) -> Iterator[bytes]:
        result = [{"metric": {"of": expr}, "value": [1, "2.5"]} for expr in members(query).values()]
        yield http({"status": "success", "data": {"resultType": "vector", "result": result}})

    wire.answer = answer
    with source(wire) as opened:
        for n in range(6):
            wire.received.clear()
            assert_only_unknown(ask(opened, NAMES, AT + n * timedelta(seconds=1)))
    assert sorted(wire.asked()) == sorted(NAMES)


def test_a_native_histogram_is_unknown_for_its_own_question_only(wire: Wire) -> None:
    result = [
        {"metric": {"__incidentd__": "0"}, "histogram": [1, {"count": "1"}]},
        {"metric": {"__incidentd__": "1"}, "value": [1, "7"]},
        {"metric": {"__incidentd__": "2", "__name__": "x"}, "value": [1, "7"]},
        {"metric": {"__incidentd__": "2", "__name__": "y"}, "value": [1, "7"]},
    ]
    wire.always(http({"status": "success", "data": {"resultType": "vector", "result": result}}))
    with source(wire) as opened:
        answers = ask(opened, ["h", "a", "twice", "none"])
    assert answers["a"] == Answered((Sample({}, 7.0),))
    assert answers["none"] == Answered(())
    assert "native histograms" in str(answers["h"])
    assert "differ only by their name" in str(answers["twice"])
    assert len(wire.asked()) == 1


def test_packs_samples_and_who_is_kept_alone_are_counted(wire: Wire) -> None:
    wire.answer = unless(error(), "m5")
    with source(wire, name="packs") as opened:
        ask(opened, NAMES)
    value, labels = metrics.REGISTRY.get_sample_value, {"source": "packs"}
    assert value("incidentd_source_pack_size_count", labels) == 9.0
    assert value("incidentd_source_pack_size_sum", labels) == 16.0 + 16 + 8 + 4 + 2
    assert value("incidentd_source_samples_total", labels) == 15.0
    assert value("incidentd_source_quarantined", labels) == 1.0


@pytest.mark.parametrize(
    ("setting", "sent"), [("auto", "identity"), ("identity", "identity"), ("gzip", "gzip")], ids=str
)
def test_answers_are_compressed_as_the_settings_say(wire: Wire, setting: str, sent: str) -> None:
    with source(wire, compression=setting) as opened:
        ask(opened, ["a"])
    assert wire.received[0].headers["accept-encoding"] == sent
