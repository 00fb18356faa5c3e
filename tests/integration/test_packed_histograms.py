"""Native histograms: the same answer packed and alone, on a real Prometheus that has some."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from incidentd import settings
from incidentd.demo.prometheus import Prometheus
from incidentd.sources.base import Answer, Answered, Question, Reason, Unknown
from incidentd.sources.prometheus import PrometheusSource
from tests.integration.remote_write import Histogram, write_histograms

pytestmark = pytest.mark.integration

NUMBERS = [
    "histogram_count(latency)",
    "histogram_sum(latency) / histogram_count(latency) > 0.3",
    "histogram_quantile(0.9, latency)",
    "histogram_quantile(0.5, sum(rate(latency[2m])))",
    "histogram_quantile(0.99, sum by (service) (rate(latency[2m]))) > 1",
    "histogram_fraction(0, 2, latency)",
    "histogram_count(rate(latency[2m])) > 0.01",
    "count(latency)",
    'absent(latency{service="s9"})',
]
HISTOGRAMS = ["latency", "sum(latency)", "rate(latency[2m])"]
"""These yield histograms, which are no numbers: alone they are unknown. In a pack, Prometheus 2.40 to 2.43 make zeros
of them, as their `label_join` and `label_replace` do; docs/configuration.md says so."""
FAILING = ["latency * on () latency", "histogram_quantile(0.9, latency) / on () latency"]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[tuple[str, datetime]]:
    """Its address, and a time at which it has five minutes of three services."""
    flags = ("--web.enable-remote-write-receiver", "--enable-feature=native-histograms")
    with Prometheus(flags=flags) as server:
        end = int(time.time())
        series = [
            (
                {"__name__": "latency", "service": f"s{number}"},
                [Histogram(end - 300 + at, at * 0.7, [at // 3, at // 2, at * number]) for at in range(0, 301, 15)],
            )
            for number in range(3)
        ]
        write_histograms(server.url, series)
        yield server.url, datetime.fromtimestamp(end, UTC)


def test_native_histograms_answer_the_same_packed_and_alone(prometheus: tuple[str, datetime]) -> None:
    url, at = prometheus
    questions = [Question(expr) for expr in (*NUMBERS, *HISTOGRAMS, *FAILING)]
    packed, alone = (_ask(url, questions, at, pack) for pack in (50, 1))
    numbers = [Question(expr) for expr in (*NUMBERS, *FAILING)]
    assert {one: packed[one] for one in numbers} == {one: alone[one] for one in numbers}
    for expr in NUMBERS:
        answer = packed[Question(expr)]
        assert isinstance(answer, Answered), (expr, answer)
        assert answer.samples, expr
    reasons = [answer.reason for expr in HISTOGRAMS if isinstance(answer := alone[Question(expr)], Unknown)]
    assert reasons == [Reason.MALFORMED] * len(HISTOGRAMS)


def _ask(url: str, questions: list[Question], at: datetime, pack: int) -> dict[Question, Answer]:
    source = PrometheusSource("p", settings.Source(url=url, pack=pack, timeout=timedelta(seconds=10)))
    try:
        answers = source.ask(questions, at)
    finally:
        source.close()
    return {one: _sorted(answer) for one, answer in answers.items()}


def _sorted(answer: Answer) -> Answer:
    if isinstance(answer, Answered):
        return Answered(tuple(sorted(answer.samples, key=lambda sample: sorted(sample.labels.items()))))
    return answer
