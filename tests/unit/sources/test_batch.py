"""Which questions share a query."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidentd.sources import batch, expression
from incidentd.sources.base import Question
from incidentd.sources.envelope import SourceError
from incidentd.sources.expression import Kind
from tests.unit.sources.packed import members


def sizes(questions: list[Question], size: int, **most: int) -> list[int]:
    return [len(one.questions) for one in batch.packs(questions, size, lambda question: most.get(question.expr))]


def of(count: int) -> list[Question]:
    return [Question(f"m{n}") for n in range(count)]


def test_packs_are_of_even_size() -> None:
    assert sizes(of(51), 50) == [26, 25]
    assert sizes(of(50), 50) == [50]
    assert sizes(of(7), 3) == [3, 3, 1]
    assert sizes([], 50) == []


def test_who_is_confined_is_in_packs_of_its_kind_and_alone_ones_come_last() -> None:
    assert sizes(of(6), 50, m0=1, m1=2, m2=2) == [2, 3, 1]


def test_long_expressions_fill_a_query_earlier() -> None:
    long = [Question(f"m{n} # {'x' * 30_000}") for n in range(4)]
    found = batch.packs(long, 50, lambda _: None)
    assert [len(one.questions) for one in found] == [2, 2]
    assert all(len(one.query) < batch.MOST_CHARACTERS for one in found)
    assert sizes([Question(f"m # {'x' * 70_000}"), Question("a")], 50) == [1, 1]


def test_quantiles_over_buckets_and_subqueries_weigh_more() -> None:
    assert sizes([Question(f"max_over_time(rate(m{n}[5m])[1h:1m])") for n in range(10)], 10) == [4, 4, 2]
    assert expression.weight("sum by (le) (rate(x_bucket[5m]))") == 4
    assert expression.weight('rate(x{a="[5m:]_bucket"}[5m]) # x_bucket') == 1


@given(st.integers(1, 200))
def test_every_question_is_in_its_query_once_under_the_number_of_its_place(count: int) -> None:
    asked = batch.pack(of(count))
    if count > 1:
        assert members(asked.query) == {str(n): f"m{n}" for n in range(count)}
        left, right = asked.halves()
        assert left.questions + right.questions == asked.questions
    assert asked.query.count("(") == asked.query.count(")")


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("1", Kind.SCALAR),
        ("-(time() + 1) # note", Kind.SCALAR),
        ("scalar(x) > bool 2", Kind.SCALAR),
        ("x", Kind.VECTOR),
        ("x # note", Kind.VECTOR),
        ("1 + x", Kind.VECTOR),
        ('{"http.requests", "http.status"="500"}', Kind.VECTOR),
        ("absent(x)", Kind.VECTOR),
        ("x @ end() offset -5m", Kind.VECTOR),
        ("x[5m]", Kind.ALONE),
        ("x[5m:1m]", Kind.ALONE),
        ('"text"', Kind.ALONE),
        ("1 > 2", Kind.ALONE),
        ("x) or (y", Kind.ALONE),
        ('x, "a", "b") or label_join(y', Kind.ALONE),
        ("(x # a comment that swallows the bracket)", Kind.ALONE),
        ("unknown_function(x)", Kind.ALONE),
        ("sum by (__incidentd__) (x)", Kind.ALONE),
        ("+".join(["x"] * 1500), Kind.ALONE),
    ],
)
def test_what_an_expression_yields_says_whether_it_can_share_a_query(expr: str, expected: Kind) -> None:
    assert expression.kind(expr) is expected


@pytest.mark.parametrize("deep", ["+".join(["1"] * 900), "(" * 900 + "x" + ")" * 900])
def test_deep_expressions_neither_end_the_process_nor_take_long(deep: str) -> None:
    begun = time.process_time()
    assert expression.kind(deep) is not Kind.ALONE
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("x @ end()", True),
        ("rate(x[5m] @ start ( ))", True),
        ("rate(x[step()])", True),
        ("x @ 1700000000", False),
        ('x{a="@ end()"} # @ end()', False),
        ("weekend() + start_total", False),
    ],
)
def test_expressions_that_speak_of_the_range_are_known(expr: str, *, expected: bool) -> None:
    assert expression.speaks_of_the_range(expr) is expected


@pytest.mark.parametrize("label", ["2", "-1", "x", "", None])
def test_a_series_with_a_label_that_nobody_set_is_refused(label: object) -> None:
    asked = batch.pack(of(2))
    with pytest.raises(SourceError, match="without the label __incidentd__"):
        batch.sorted_out(asked, [{"metric": {"__incidentd__": label}}])


@pytest.mark.parametrize("series", [None, "x", {}, {"metric": None}, {"metric": {}}])
def test_a_series_without_labels_is_refused(series: object) -> None:
    with pytest.raises(SourceError, match="without the label __incidentd__"):
        batch.sorted_out(batch.pack(of(2)), [series])


def test_halves_keep_the_offset() -> None:
    asked = batch.pack([Question("a", timedelta(minutes=1)), Question("b", timedelta(minutes=1))])
    assert [half.offset for half in asked.halves()] == [timedelta(minutes=1)] * 2
    assert [half.query for half in asked.halves()] == ["a", "b"]
