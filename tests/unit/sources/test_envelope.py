import json
import math

import pytest

from incidentd.sources import envelope
from incidentd.sources.base import Reason, Sample
from incidentd.sources.envelope import SourceError


def read(answer: object) -> tuple[Sample, ...]:
    """As PrometheusConnect does between the two calls."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return envelope.samples(envelope.opened(body)["data"]["result"])


def success(kind: str, result: object, **rest: object) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **rest}


def series(value: object, **labels: str) -> dict[str, object]:
    return {"metric": labels, "value": [1762070400.25, value]}


def test_numbers_are_read_as_prometheus_writes_them() -> None:
    nan, *others = read(
        success("vector", [series(text, n=str(n)) for n, text in enumerate(["NaN", "+Inf", "-Inf", "1e-05", "0"])])
    )
    assert math.isnan(nan.value)
    assert [sample.value for sample in others] == [math.inf, -math.inf, 0.00001, 0.0]


def test_labels_come_without_the_name_and_otherwise_as_they_are() -> None:
    label = '<b>"ü\U0001f600\n\x00'
    assert read(success("vector", [series("1", __name__="x", n=label)])) == (Sample({"n": label}, 1.0),)


def test_a_scalar_is_one_sample_without_labels() -> None:
    assert read(success("scalar", [1.5, "7"])) == (Sample({}, 7.0),)


def test_an_empty_vector_is_an_answer() -> None:
    assert read(success("vector", [])) == ()


def test_remarks_do_not_make_an_answer_partial() -> None:
    """Newer Prometheus 2 puts them among the warnings; every rate over a gauge would be unknown."""
    remark = "PromQL info: metric might not be a counter"
    assert read(success("vector", [series("1")], warnings=[remark], infos=[remark])) == (Sample({}, 1.0),)


SHAPE = "answered JSON that is not an answer of Prometheus"
SERIES = f"{SHAPE}: a series without labels and value"
KIND = "instead of a vector or a scalar; an expression must yield numbers at one time"


@pytest.mark.parametrize(
    ("answer", "reason", "message"),
    [
        (b"", "malformed", "answered no valid JSON"),
        (b'{"status": "succ', "malformed", "answered no valid JSON"),
        (b"[" * 100_000, "malformed", "answered no valid JSON"),
        (b"1" * 100_000, "malformed", "answered no valid JSON"),
        (b'{"status": "\xff"}', "malformed", "answered no valid JSON"),
        (rb'{"status": "\uD800"}', "malformed", "answered no valid JSON"),
        ([success("vector", [])], "malformed", SHAPE),
        ({}, "malformed", SHAPE),
        ({"status": "success"}, "malformed", SHAPE),
        (success("vector", [], warnings="x"), "malformed", SHAPE),
        (success("vector", None), "malformed", f"{SHAPE}: the result is not a list"),
        (success("matrix", []), "malformed", f"answered a matrix {KIND}"),
        (success("string", [1, "x"]), "malformed", f"answered a string {KIND}"),
        (success("scalar", None), "malformed", SERIES),
        (success("vector", [None]), "malformed", SERIES),
        (success("vector", ["x"]), "malformed", SERIES),
        (success("vector", [{}]), "malformed", SERIES),
        (success("vector", [{"metric": {}}]), "malformed", SERIES),
        (success("vector", [{"metric": {}, "value": "12"}]), "malformed", SERIES),
        (success("vector", [{"metric": {}, "value": [1]}]), "malformed", SERIES),
        (success("vector", [{"metric": {"a": 1}, "value": [1, "2"]}]), "malformed", SERIES),
        (success("vector", [{"metric": [], "value": [1, "2"]}]), "malformed", SERIES),
        (success("vector", [series(2.5)]), "malformed", SERIES),
        (success("vector", [series(None)]), "malformed", SERIES),
        (success("vector", [series("7e")]), "malformed", "answered the value '7e', which is no number"),
        (
            success("vector", [{"metric": {}, "histogram": [1, {"count": "1"}]}]),
            "malformed",
            "answered native histograms; take histogram_quantile or histogram_count of them",
        ),
        (
            success("vector", [], warnings=["PromQL info: x", "a is down", "b is slow"]),
            "partial",
            "the answer came with warnings: a is down; b is slow",
        ),
        (success("vector", [], isPartial=True), "partial", "says that its answer is partial"),
        (
            success("vector", [series("1", __name__="x", a="1"), series("2", __name__="y", a="1")]),
            "error",
            "several series differ only by their name; aggregate or select one",
        ),
    ],
)
def test_what_says_nothing_of_the_expression_is_refused(answer: object, reason: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(answer)
    assert (caught.value.reason, str(caught.value)) == (Reason(reason), message)
