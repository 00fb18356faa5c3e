"""keep_firing_for is Prometheus': counted from the first evaluation that lacks the series."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from incidentd.catalog.rule import Rule
from tests.unit.evaluation.walk import Walk

KEPT: dict[str, Any] = {"name": "A", "expr": "x > 1", "severity": "sev2", "keep_firing_for": "2m"}


def test_a_return_in_between_starts_it_anew() -> None:
    walk = Walk(**KEPT)
    walk.at(0, 2)
    walk.at(1)
    assert walk.at(2, 2) == ["same sev2"]
    assert walk.at(3) == ["same sev2"]
    assert walk.at(4.9) == ["same sev2"]
    assert walk.at(5) == ["cleared"]


def test_what_only_pends_is_not_kept() -> None:
    walk = Walk(**KEPT, **{"for": "5m"})
    walk.at(0, 2)
    assert walk.at(1) == ["ended"]


def test_what_is_kept_and_comes_back_needs_no_for_again() -> None:
    walk = Walk(**KEPT, **{"for": "5m"})
    walk.at(0, 2)
    assert walk.at(5, 2) == ["fired sev2"]
    walk.at(6)
    assert walk.at(7, 2) == ["same sev2"]


def test_what_cleared_and_comes_back_needs_its_for_again() -> None:
    walk = Walk(**KEPT, **{"for": "1m"})
    walk.at(0, 2)
    walk.at(1, 2)
    walk.at(2)
    assert walk.at(4) == ["cleared"]
    assert walk.at(5, 2) == ["started"]


def test_a_time_without_answers_neither_ends_it_nor_counts_by_itself() -> None:
    """Only an answer clears: the first after an outage that lacks the series begins to count."""
    walk = Walk(**KEPT)
    walk.at(0, 2)
    assert walk.at(60) == ["same sev2"]
    assert walk.at(62) == ["cleared"]


def test_the_value_stays_that_of_the_last_sample_while_it_is_kept() -> None:
    walk = Walk(**KEPT)
    walk.at(0, 3)
    walk.at(1)
    assert (walk.only.value, walk.only.peak, walk.only.is_clearing) == (3, 3, True)


def test_it_is_resolve_for_by_another_name() -> None:
    assert Rule.model_validate(KEPT).resolve.holds_for == timedelta(minutes=2)
    with pytest.raises(ValueError, match="keep_firing_for stands beside resolve"):
        Rule.model_validate({**KEPT, "resolve": {"for": "1m"}})
