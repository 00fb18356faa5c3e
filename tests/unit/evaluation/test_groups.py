"""Which rules are evaluated together, and when: spread over the interval, or just after the samples that they use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from incidentd.catalog.rule import Rule
from incidentd.evaluation.group import Group, groups
from incidentd.sources.base import Question

EVERY = timedelta(seconds=15)


def rules(count: int, **authored: Any) -> list[Rule]:
    given = {"severity": "sev3", "source": "p", "every": "15s", **authored}
    return [Rule.model_validate({"name": f"R{n}", "expr": f'up{{n="{n}"}} == 0', **given}) for n in range(count)]


def test_a_group_has_the_enabled_rules_of_one_source_and_interval() -> None:
    some = [*rules(2), *rules(1, every="1m"), *rules(1, source="q"), *rules(1, enabled=False)]
    assert [(one.name, len(one.rules)) for one in groups(some)] == [("p/15s", 2), ("p/60s", 1), ("q/15s", 1)]


def test_equal_expressions_with_equal_offsets_are_one_question() -> None:
    late = rules(1, name="C", expr="up == 0", query_offset="1m", pack=False)
    (group,) = groups([*rules(2, expr="up == 0", name="A"), *late])
    assert group.questions == (Question("up == 0"), Question("up == 0", timedelta(minutes=1), alone=True))


def test_slots_are_the_same_whatever_the_time_of_the_start() -> None:
    group = Group("p", EVERY, (), offset=timedelta(seconds=4))
    at = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    assert group.slot_at(at) == at - timedelta(seconds=11)
    assert group.slot_at(at + timedelta(seconds=4)) == at + timedelta(seconds=4)
    assert group.slot_at(at + timedelta(seconds=18.9)) == at + timedelta(seconds=4)


def test_many_rules_without_a_rhythm_are_spread_over_the_interval() -> None:
    """No moment has all the work: the offsets lie at even distances."""
    found = groups(rules(1_000))
    assert len(found) == 8
    assert all(90 < len(one.rules) < 160 for one in found)
    offsets = sorted(one.offset for one in found)
    assert {later - earlier for earlier, later in pairwise(offsets)} == {timedelta(seconds=1.875)}
    assert sorted(rule.name for one in found for rule in one.rules) == sorted(f"R{n}" for n in range(1_000))


@pytest.mark.parametrize("with_phase", [False, True])
def test_a_warning_and_its_critical_variant_are_in_one_group(with_phase: bool) -> None:  # noqa: FBT001 - a parameter
    """There they are asked once."""
    warnings = [one.model_copy(update={"expr": f'x{{n="{n}"}} > 5'}) for n, one in enumerate(rules(700))]
    criticals = [rules(1, name=f"C{n}", expr=f'x{{n="{n}"}} > 1.5e+01')[0] for n in range(700)]
    many = [*warnings, *criticals]
    phases = {rule.id: timedelta(seconds=3) for rule in many} if with_phase else {}
    found = groups(many, phases)
    group_of = {rule.expr.split(" ")[0] + rule.name[0]: group.name for group in found for rule in group.rules}
    apart = [n for n in range(700) if group_of[f'x{{n="{n}"}}R'] != group_of[f'x{{n="{n}"}}C']]
    assert len(apart) <= 5, "at most where one group ends and the next begins"


def test_many_rules_of_one_expression_are_more_than_one_group() -> None:
    found = groups(rules(600, expr="up == 0"))
    assert [len(one.rules) for one in found] == [250, 250, 100]


def test_another_rule_moves_no_rule_to_another_group() -> None:
    before = {rule.id: group.name for group in groups(rules(900)) for rule in group.rules}
    after = {rule.id: group.name for group in groups(rules(990)) for rule in group.rules}
    assert {after[id_] == name for id_, name in before.items()} == {True}


def test_sources_and_intervals_do_not_all_begin_at_once() -> None:
    offsets = {groups(rules(1, source=f"s{n}", every="1m"))[0].offset.seconds for n in range(50)}
    assert len(offsets) > 20


def test_rules_follow_their_phase_and_the_others_stay_where_the_hash_puts_them() -> None:
    free, near, also_near, far = rules(4)
    phases = {
        near.id: timedelta(seconds=2.0),
        also_near.id: timedelta(seconds=2.5),
        far.id: timedelta(seconds=9.1),
    }
    found = groups([free, near, also_near, far], phases)
    assert [(one.name, [rule.name for rule in one.rules]) for one in found] == [
        ("p/15s", ["R0"]),
        ("p/15s/1", ["R1", "R2"]),
        ("p/15s/2", ["R3"]),
    ]
    assert [one.offset for one in found[1:]] == [timedelta(seconds=2.5), timedelta(seconds=9.1)]


def test_ten_thousand_rules_of_one_phase_are_spread_over_a_fifth_of_the_interval_after_it() -> None:
    many = rules(10_000)
    found = groups(many, {rule.id: timedelta(seconds=14) for rule in many})
    assert len(found) == 40
    assert (found[0].offset, found[1].offset) == (timedelta(seconds=14), timedelta(seconds=14.075))
    assert found[-1].offset == timedelta(seconds=1.925)
    assert max(len(one.rules) for one in found) == 250


def test_a_few_groups_of_one_phase_follow_each_other_closely() -> None:
    some = rules(300)
    first, second = groups(some, dict.fromkeys((rule.id for rule in some), timedelta(seconds=3)))
    assert (first.offset, second.offset) == (timedelta(seconds=3), timedelta(seconds=3.1))
