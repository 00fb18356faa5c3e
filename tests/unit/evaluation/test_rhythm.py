"""The phase of the scrapes: learned from the times of samples, learned anew when targets move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidentd.catalog.rule import Rule
from incidentd.evaluation.rhythm import Rhythms, phase, selectors
from incidentd.sources.base import Answer, Answered, Question, RangeAnswer, Reason, Sample, Unknown

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
EVERY = timedelta(seconds=15)


def rule(**authored: Any) -> Rule:
    return Rule.model_validate({"name": "A", "expr": "rate(x[5m]) > 1", "severity": "sev3", "every": "15s", **authored})


class Scraped:
    """A source whose series are scraped at *seconds* after each *every*, a scrape taking *takes*."""

    name = "p"

    def __init__(self, *seconds: float, every: float = 15, takes: float | None = 0.01) -> None:
        self.seconds = seconds
        self.every = every
        self.takes = takes
        self.asked = 0
        self.broken: Unknown | None = None
        self.expressions: set[str] = set()

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        self.asked += 1
        self.expressions |= {one.expr for one in questions}
        return {one: self.broken or self.answer(one, (at - one.offset).timestamp()) for one in questions}

    def answer(self, question: Question, at: float) -> Answered:
        if question.expr.startswith("max("):
            return Answered((Sample({}, self.takes),) if self.takes is not None else ())
        newest = [at - (at - second) % self.every for second in self.seconds]
        return Answered(tuple(Sample({"t": f"{time:.3f}"}, 1.0) for time in newest))

    def ask_range(self, *_: Any) -> Mapping[Question, RangeAnswer]:
        raise AssertionError

    def close(self) -> None: ...


def learned(source: Scraped, **authored: Any) -> float | None:
    rhythms = Rhythms()
    one = rule(**authored)
    rhythms.learn(source, [one], AT)
    found = rhythms.phases().get(one.id)
    return found.total_seconds() if found is not None else None


def test_the_phase_is_that_of_the_scrape_and_the_time_until_its_samples_can_be_seen() -> None:
    """50 ms and twice as long as a scrape takes."""
    assert learned(Scraped(4.0)) == pytest.approx(4.07)


def test_where_the_source_does_not_say_how_long_a_scrape_takes_a_tenth_of_a_second_is_waited() -> None:
    assert learned(Scraped(4.0, takes=None)) == pytest.approx(4.1)


def test_a_slow_scrape_puts_it_off_by_a_quarter_of_the_interval_at_most() -> None:
    assert learned(Scraped(4.0, takes=9.0)) == pytest.approx(7.75)


def test_several_targets_within_a_tenth_of_the_interval_are_followed_after_the_last_of_them() -> None:
    assert learned(Scraped(14.5, 14.9, 0.4)) == pytest.approx(0.47)


def test_targets_all_over_the_interval_have_no_rhythm() -> None:
    assert learned(Scraped(0, 5, 10)) is None
    assert learned(Scraped(3, 4.6)) is None


def test_scrapes_that_do_not_fit_into_the_interval_have_no_rhythm() -> None:
    assert learned(Scraped(4.0, every=10)) is None
    assert learned(Scraped(4.0, every=60)) == pytest.approx(4.07)
    assert learned(Scraped(1.0, every=5)) == pytest.approx(11.07)


def test_a_rule_that_looks_back_follows_as_much_later() -> None:
    assert learned(Scraped(14.0), query_offset="3s") == pytest.approx(2.07)


def test_what_has_no_samples_or_cannot_be_asked_has_no_rhythm() -> None:
    assert learned(Scraped()) is None
    silent = Scraped(4.0)
    silent.broken = Unknown(Reason.TIMEOUT, "no answer")
    assert learned(silent) is None
    assert learned(Scraped(4.0), expr="vector(1)") is None


def looks(source: Scraped, change: Callable[[], None], after: timedelta) -> tuple[bool, dict[str, timedelta]]:
    rhythms = Rhythms()
    one = rule()
    assert rhythms.learn(source, [one], AT) is bool(source.seconds)
    change()
    changed = rhythms.learn(source, [one], AT + after)
    return changed, rhythms.phases()


def test_it_is_not_looked_at_again_before_ten_minutes() -> None:
    source = Scraped(4.0)
    changed, _ = looks(source, lambda: None, timedelta(minutes=9))
    assert (changed, source.asked) == (False, 1)


def test_targets_that_moved_are_followed() -> None:
    source = Scraped(4.0)
    changed, phases = looks(source, lambda: setattr(source, "seconds", (9.0,)), timedelta(minutes=10))
    assert changed
    assert [one.total_seconds() for one in phases.values()] == [pytest.approx(9.07)]


def test_a_rhythm_that_comes_a_little_earlier_moves_nothing() -> None:
    source = Scraped(4.0)
    changed, phases = looks(source, lambda: setattr(source, "seconds", (3.7,)), timedelta(minutes=10))
    assert not changed
    assert [one.total_seconds() for one in phases.values()] == [pytest.approx(4.07)]


def test_a_rhythm_that_comes_a_little_later_is_followed() -> None:
    """Else each sample would be seen an interval late."""
    source = Scraped(4.0)
    changed, phases = looks(source, lambda: setattr(source, "seconds", (4.1,)), timedelta(minutes=10))
    assert changed
    assert [one.total_seconds() for one in phases.values()] == [pytest.approx(4.17)]


def test_a_rhythm_that_ended_is_given_up() -> None:
    source = Scraped(4.0)
    changed, phases = looks(source, lambda: setattr(source, "seconds", ()), timedelta(minutes=10))
    assert (changed, phases) == (True, {})


def test_a_rule_without_a_rhythm_is_looked_at_again_after_ten_seconds_then_later_and_later() -> None:
    source = Scraped()
    rhythms = Rhythms()
    times = []
    for second in range(0, 601, 10):
        before = source.asked
        rhythms.learn(source, [rule()], AT + timedelta(seconds=second))
        if source.asked > before:
            times.append(second)
    assert times == [0, 10, 30, 70, 150, 310]


def test_a_rule_that_was_removed_is_forgotten() -> None:
    rhythms = Rhythms()
    rhythms.learn(Scraped(4.0), [rule(), rule(name="B"), rule(name="C")], AT)
    assert rhythms.learn(Scraped(4.0), [], AT)
    assert rhythms.phases() == {}


def test_what_has_been_looked_at_waits_for_the_others() -> None:
    """A thousand at a time: a start with many rules asks for their rhythms little by little."""
    many = [rule(name=f"R{n}") for n in range(1_200)]
    rhythms = Rhythms()
    rhythms.learn(Scraped(4.0), many, AT)
    assert len(rhythms.phases()) == 1_000
    rhythms.learn(Scraped(4.0), many, AT + timedelta(seconds=10))
    assert len(rhythms.phases()) == 1_200


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up == 0", ("up",)),
        ('sum(rate(x{a=~"b} c",z!="1"}[5m] offset 1m)) / sum(rate(x[5m])) > 1', ('x{a=~"b} c",z!="1"}', "x")),
        ("max_over_time(rate(a:b[5m])[30m:1m]) unless -topk(3, foo @ 12)", ("a:b", "foo")),
        ('{__name__="z"} or absent(up)', ('{__name__="z"}', "up")),
        ("time() - vector(1)", ()),
        ("this is not promql", ()),
        ("up" + " + up" * 200, ()),
    ],
)
def test_the_series_that_an_expression_uses(expr: str, expected: tuple[str, ...]) -> None:
    assert selectors(expr) == expected


def test_a_phase_is_counted_round_the_interval() -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
    assert phase([start + 14.8, start + 15.2], EVERY) == timedelta(seconds=0.2)
    assert phase([], EVERY) is None
