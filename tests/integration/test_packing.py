"""An expression has the same answer in a pack as alone, and the same over a range as at each of its slots."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from incidentd import settings
from incidentd.demo.prometheus import Prometheus
from incidentd.sources.base import Answer, Answered, Question, RangeAnswered, Sample, Unknown
from incidentd.sources.prometheus import PrometheusSource
from tests.integration.expressions import BEGIN, FAILING, HISTORY, Generator

pytestmark = pytest.mark.integration

AT = datetime.fromtimestamp(BEGIN + 15 * 90, UTC)
STEP = timedelta(seconds=15)
OFFSETS = (timedelta(), timedelta(), timedelta(seconds=30), timedelta(milliseconds=1500))


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Prometheus(backfill=HISTORY) as running:
        yield running


@pytest.fixture
def sources(prometheus: Prometheus) -> Iterator[dict[int, PrometheusSource]]:
    """By pack size."""
    with ExitStack() as stack:
        found = {}
        for size in (1, 7, 50):
            config = settings.Source(url=prometheus.url, timeout=timedelta(seconds=20), pack=size)
            found[size] = PrometheusSource(f"pack-{size}", config)
            stack.callback(found[size].close)
        yield found


def plain(answer: Answer) -> object:
    """What can be compared: without the order of the samples, and NaN equal to itself."""
    if isinstance(answer, Unknown):
        return answer
    return sorted((sorted(sample.labels.items()), _text(sample.value)) for sample in answer.samples)


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.12g}"


def questions(seed: int, count: int) -> list[Question]:
    generator = Generator(seed)
    found = [Question(generator.expression(), OFFSETS[n % len(OFFSETS)]) for n in range(count)]
    found += [Question(expr, OFFSETS[n % len(OFFSETS)]) for n in range(count // 10) for expr in generator.pairs()]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("failing", [(), FAILING], ids=["well", "with failing neighbours"])
def test_an_expression_has_the_same_answer_in_a_pack_as_alone(
    sources: dict[int, PrometheusSource], seed: int, failing: tuple[str, ...]
) -> None:
    asked = questions(seed, 120)
    for n, expr in enumerate(failing):
        asked.insert(n * 9 % len(asked), Question(expr))
    alone = sources[1].ask(asked, AT)
    assert sum(isinstance(answer, Answered) for answer in alone.values()) > 80
    for size in (7, 50):
        for _ in range(2):  # the second time with what the first one taught
            packed = sources[size].ask(asked, AT)
            assert list(packed) == asked
            for question in asked:
                assert plain(packed[question]) == plain(alone[question]), question
                if sources[size]._quarantine.most(question) is not None:
                    assert isinstance(alone[question], Unknown), f"{question} is kept out of packs without a reason"


@pytest.mark.parametrize("seed", [100, 101])
def test_a_range_gives_what_was_to_be_answered_at_each_of_its_slots(
    sources: dict[int, PrometheusSource], seed: int
) -> None:
    asked = [*questions(seed, 60), *map(Question, FAILING)]
    asked += [Question("wanders or wanders_too"), Question('sum_over_time({__name__=~"wanders.*"}[1m])')]
    start, slots = AT - 25 * STEP, [AT - STEP * n for n in reversed(range(26))]
    found = sources[50].ask_range(asked, start, AT + timedelta(seconds=14), STEP, timedelta(minutes=1))
    alone = {slot: sources[1].ask(asked, slot) for slot in slots}
    for question in asked:
        answer = found[question]
        if isinstance(answer, Unknown):
            assert all(isinstance(alone[slot][question], Unknown) for slot in slots), question
            continue
        assert sorted(answer.answers) == slots
        for slot in slots:
            assert plain(answer.at(slot)) == plain(alone[slot][question]), (question, slot)


def test_a_range_of_many_slots_is_asked_in_parts(sources: dict[int, PrometheusSource]) -> None:
    """Prometheus refuses more than 11,000 points."""
    found = sources[50].ask_range(
        [Question("time()"), Question("vector(time()) > 0")],
        AT,
        AT + timedelta(seconds=15_000),
        timedelta(seconds=1),
        timedelta(minutes=1),
    )
    for answer in found.values():
        assert isinstance(answer, RangeAnswered)
        assert len(answer.answers) == 15_001
        late = AT + timedelta(seconds=14_321)
        assert answer.at(late) == Answered((Sample({}, late.timestamp()),))


def test_one_slow_rule_leaves_the_others_their_answers(prometheus: Prometheus) -> None:
    """And it stands alone from then on."""
    slow = " + ".join(["sum_over_time(vector(1)[1d:1s])"] * 1000)
    asked = [Question(f"vector({n})") for n in range(40)]
    asked.insert(17, Question(slow))
    config = settings.Source(url=prometheus.url, timeout=timedelta(seconds=3))
    source = PrometheusSource("slow", config)
    try:
        first = source.ask(asked, AT)
        second = source.ask(asked, AT + STEP)
    finally:
        source.close()
    for answers in (first, second):
        unknown = [question for question, answer in answers.items() if isinstance(answer, Unknown)]
        assert unknown == [Question(slow)]
