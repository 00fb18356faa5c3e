import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from incidentd import settings
from incidentd.demo.prometheus import Prometheus, openmetrics
from incidentd.sources.base import Answered, Reason, Sample, Source, Unknown
from incidentd.sources.prometheus import PrometheusSource
from tests.unit.sources.wire import ask

pytestmark = pytest.mark.integration

BEGIN = 1_700_000_000
AT = datetime.fromtimestamp(BEGIN + 600, UTC)
HISTORY = openmetrics(
    {
        'llm_errors{service="a"}': [(BEGIN + 15 * n, float(n)) for n in range(80)],
        'llm_errors{service="b"}': [(BEGIN + 15 * n, 0.0) for n in range(80)],
        'llm_requests{service="a"}': [(BEGIN + 15 * n, 2.0 * n) for n in range(80)],
    }
)


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Prometheus(backfill=HISTORY) as running:
        yield running


@pytest.fixture
def source(prometheus: Prometheus) -> Iterator[Source]:
    config = settings.Source(url=prometheus.url, timeout=timedelta(seconds=1))
    opened: Source = PrometheusSource("prometheus", config)
    yield opened
    opened.close()


def test_expressions_are_answered_as_of_their_slot(source: Source) -> None:
    answers = ask(
        source,
        [
            "llm_errors",
            'delta(llm_errors{service="a"}[5m:15s])',
            'llm_errors{service="a"} / llm_requests > 0.4',
            "llm_errors > 1000",
            "scalar(sum(llm_errors)) + 1",
            'sum by (service) (llm_errors{service=~"a|ü&=+%"})',
        ],
        AT,
    )
    assert list(answers.values()) == [
        Answered((Sample({"service": "a"}, 40.0), Sample({"service": "b"}, 0.0))),
        Answered((Sample({"service": "a"}, 20.0),)),
        Answered((Sample({"service": "a"}, 0.5),)),
        Answered(()),
        Answered((Sample({}, 41.0),)),
        Answered((Sample({"service": "a"}, 40.0),)),
    ]
    later = ask(source, ["llm_errors > 0"], AT + timedelta(seconds=15))
    assert later == {"llm_errors > 0": Answered((Sample({"service": "a"}, 41.0),))}


def test_numbers_that_are_none_are_samples_too(source: Source) -> None:
    answers = ask(source, ["vector(0) / 0", "vector(1) / 0", "-vector(1) / 0"], AT)
    values = [answer.samples[0].value for answer in answers.values() if isinstance(answer, Answered)]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]


def test_what_prometheus_refuses_is_unknown_in_its_own_words_and_the_others_are_answered(source: Source) -> None:
    answers = ask(
        source, ["sum(", "llm_errors * on () llm_errors", "llm_errors[5m]", '"text"', '{service="a"}', "vector(7)"], AT
    )
    unknown = [answer for answer in answers.values() if isinstance(answer, Unknown)]
    assert [answer.reason for answer in unknown] == [
        Reason.ERROR,
        Reason.ERROR,
        Reason.MALFORMED,
        Reason.MALFORMED,
        Reason.ERROR,
    ]
    assert "HTTP 400: bad_data: invalid parameter" in unknown[0].message
    assert "HTTP 422: execution: " in unknown[1].message
    assert "a matrix instead of" in unknown[2].message
    assert "a string instead of" in unknown[3].message
    assert "differ only by their name" in unknown[4].message
    assert answers["vector(7)"] == Answered((Sample({}, 7.0),))


def test_a_query_of_many_kilobytes_is_answered(source: Source) -> None:
    """In a URL it would be refused from 1 MiB on, by many proxies from 8 KiB on."""
    query = f"vector(7) # {'and a long comment ' * 100_000}"
    assert ask(source, [query], AT)[query] == Answered((Sample({}, 7.0),))


def test_prometheus_gives_up_a_query_that_takes_too_long_before_we_hang_up(prometheus: Prometheus) -> None:
    slow = " + ".join(["sum_over_time(vector(1)[1d:1s])"] * 1000)
    patient = PrometheusSource("prometheus", settings.Source(url=prometheus.url, timeout=timedelta(seconds=3)))
    answer = ask(patient, [slow], AT)[slow]
    patient.close()
    assert isinstance(answer, Unknown)
    assert answer.reason == Reason.TIMEOUT
    assert "HTTP 503: timeout: query timed out" in answer.message


def test_a_source_that_hangs_costs_one_time_out_and_answers_again_when_it_is_back(
    prometheus: Prometheus, source: Source
) -> None:
    expressions = [f"vector({n})" for n in range(400)]
    prometheus.pause()
    begun = time.monotonic()
    answers = ask(source, expressions, AT)
    took = time.monotonic() - begun
    prometheus.resume()
    assert {answer.reason for answer in answers.values() if isinstance(answer, Unknown)} == {Reason.TIMEOUT}
    assert took < 3
    assert sum("not asked" in answer.message for answer in answers.values() if isinstance(answer, Unknown)) == 200
    assert [answer for answer in ask(source, expressions, AT).values() if isinstance(answer, Unknown)] == []


def test_a_source_that_is_down_is_unreachable_and_answers_again_when_it_is_back(
    prometheus: Prometheus, source: Source
) -> None:
    assert isinstance(ask(source, ["vector(1)"], AT)["vector(1)"], Answered)
    prometheus.stop()
    answer = ask(source, ["vector(1)"], AT)["vector(1)"]
    prometheus.start()
    place = prometheus.url.removeprefix("http://")
    assert answer == Unknown(Reason.UNREACHABLE, f"{place}: cannot be reached: Connection refused")
    assert ask(source, ["vector(1)"], AT)["vector(1)"] == Answered((Sample({}, 1.0),))
