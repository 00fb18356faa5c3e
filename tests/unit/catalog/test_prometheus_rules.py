"""Prometheus rule files -> rules: fields, severities, heartbeats, and what a rule is known by."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from incidentd.catalog.difference import Difference, difference
from incidentd.catalog.load import load
from tests.unit.catalog.test_load import CONFIG, write

if TYPE_CHECKING:
    from pathlib import Path

    from incidentd.catalog.catalog import Catalog
    from incidentd.catalog.rule import Rule

EVERYTHING = """\
groups:
  - name: nodes
    interval: 2m
    limit: 7
    eval_delay: 45s
    labels: {tier: base, team: web}
    rules:
      - alert: Disk is full
        expr: node_filesystem_avail_bytes < 1
        for: 60m
        keep_firing_for: 1w
        labels: {severity: page, team: disks, condition: true, port: 8080, empty: }
        annotations: {summary: "{{ $labels.instance }}", share: 1.50}
"""


def catalog(folder: Path, rules: str, more: str = "") -> Catalog:
    return load(write(folder, incidentd=CONFIG + more, rules__a=rules, runbooks__down="# Down\n")).catalog


def alerts(*rules: str, group: str = "g") -> str:
    return f"groups:\n  - name: {group}\n    rules:\n" + "".join(f"      - {one}\n" for one in rules)


def rules_of(folder: Path, *rules: str, more: str = "") -> tuple[Rule, ...]:
    return catalog(folder, alerts(*rules), more).rules


def test_every_field_of_a_rule_and_its_group_is_read_as_it_is_written(tmp_path: Path) -> None:
    more = "prometheus_rules: {group_by: [team], cooldown: 15m}\n"
    (rule,) = catalog(tmp_path, EVERYTHING, more).rules
    assert (rule.name, rule.group, rule.file) == ("Disk is full", "nodes", "a.yaml")
    assert (rule.source, rule.every, rule.query_offset) == ("main", timedelta(minutes=2), timedelta(seconds=45))
    assert (rule.limit, rule.group_by, rule.cooldown) == (7, ("team",), timedelta(minutes=15))
    (level,) = rule.levels
    assert (level.severity, level.when, level.holds_for) == ("sev2", None, timedelta(hours=1))
    assert rule.resolve.holds_for == timedelta(weeks=1)
    assert rule.labels == {
        "tier": "base", "team": "disks", "severity": "page", "condition": "true", "port": "8080", "empty": "",
    }  # fmt: skip
    assert rule.annotations == {"summary": "{{ $labels.instance }}", "share": "1.50"}
    assert (rule.opens, rule.heartbeat, rule.is_native, rule.external_url) == (
        True, False, False, "http://127.0.0.1:9090",
    )  # fmt: skip


def test_a_group_without_an_interval_has_that_of_its_source(tmp_path: Path) -> None:
    (rule,) = rules_of(tmp_path, "{alert: A, expr: up == 0}")
    assert rule.every == timedelta(seconds=15)


def test_with_several_sources_the_setting_says_which_is_asked(tmp_path: Path) -> None:
    two = CONFIG.replace("sources: {", "sources: {second: {url: http://127.0.0.1:1, every: 7s}, ")
    config = write(
        tmp_path,
        incidentd=two + "prometheus_rules: {source: second}\n",
        rules__a=alerts("{alert: A, expr: up == 0}"),
        runbooks__down="# D",
    )
    (rule,) = load(config).catalog.rules
    assert (rule.source, rule.every) == ("second", timedelta(seconds=7))


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("sev1", "sev1"), ("S1", "sev1"), ("emergency", "sev1"),
        ("critical", "sev2"), ("Critical", "sev2"), ("page", "sev2"), ("high", "sev2"), ("major", "sev2"),
        ("warning", "sev3"), ("error", "sev3"), ("ticket", "sev3"), ("s3", "sev3"),
        ("info", "sev4"), ("task", "sev4"), ("notify", "sev4"),
        ("none", None), ("NONE", None),
        ("unheard of", "sev3"),
    ],
)  # fmt: skip
def test_severities_that_occur_have_a_meaning(tmp_path: Path, label: str, severity: str | None) -> None:
    (rule,) = rules_of(tmp_path, f"{{alert: A, expr: up == 0, labels: {{severity: {label}}}}}")
    assert (rule.levels[0].severity if rule.opens else None) == severity


def test_the_map_and_the_label_are_configuration(tmp_path: Path) -> None:
    more = "prometheus_rules: {severity_label: urgency, severity: {Now: sev1, warning: none}, default_severity: sev4}\n"
    now, quiet, other = rules_of(
        tmp_path,
        "{alert: A, expr: up == 0, labels: {urgency: now}}",
        "{alert: B, expr: up == 0, labels: {urgency: warning, severity: critical}}",
        "{alert: C, expr: up == 0}",
        more=more,
    )
    assert now.levels[0].severity == "sev1"
    assert not quiet.opens
    assert other.levels[0].severity == "sev4"


@pytest.mark.parametrize(
    ("alert", "heartbeat"),
    [
        ("{alert: Watchdog, expr: up == 1}", True),
        ("{alert: Dead Man's Switch, expr: up == 1}", True),
        ("{alert: DeadMansSnitch, expr: up == 1}", True),
        ("{alert: Other, expr: vector(1)}", True),
        ("{alert: Other, expr: up == 1, labels: {kind: heartbeat}}", True),
        ("{alert: WatchdogIsSilent, expr: absent(up)}", False),
        ("{alert: Heartbeat, expr: time() - last_seen > 60}", False),
        ("{alert: Other, expr: vector(1) > 2}", False),
    ],
)
def test_what_must_always_fire_is_a_heartbeat(tmp_path: Path, alert: str, heartbeat: bool) -> None:  # noqa: FBT001
    """A rule that only reads like one would be turned into its opposite."""
    more = "prometheus_rules: {heartbeats: [['kind=\"heartbeat\"']], heartbeat_severity: sev1}\n"
    (rule,) = rules_of(tmp_path, alert.replace("Dead Man's", "\"Dead Man's").replace("Switch,", 'Switch",'), more=more)
    assert rule.heartbeat is heartbeat


def test_a_heartbeat_of_the_severity_none_opens_as_heartbeats_do(tmp_path: Path) -> None:
    none, some = rules_of(
        tmp_path,
        "{alert: Watchdog, expr: vector(1), labels: {severity: none}}",
        "{alert: DeadMansSwitch, expr: vector(1), labels: {severity: info}}",
        more="prometheus_rules: {heartbeat_severity: sev1}\n",
    )
    assert (none.opens, none.levels[0].severity) == (True, "sev1")
    assert (some.opens, some.levels[0].severity) == (True, "sev4")


ALIKE = (
    "{alert: A, expr: up == 0, labels: {severity: warning}}",
    "{alert: A, expr: up == 0, labels: {severity: critical}}",
    "{alert: A, expr: 'up{job=\"b\"} == 0', labels: {severity: critical}}",
    "{alert: A, expr: 'up{job=\"b\"} == 0', labels: {severity: critical}}",
)


def test_no_two_rules_have_one_identity_however_alike_they_are(tmp_path: Path) -> None:
    found = catalog(tmp_path, alerts(*ALIKE, group="g") + alerts(*ALIKE, group="h").removeprefix("groups:\n"))
    assert len(found.rules) == 8
    assert len({rule.id for rule in found.rules}) == 8
    assert {rule.name for rule in found.rules} == {"A"}
    assert len(found.positions) == 8


def test_a_rule_stays_itself_when_others_move_or_its_expression_changes(tmp_path: Path) -> None:
    """As a native rule does. Where the expression tells rules apart, their order does not matter."""
    before = [rule.id for rule in rules_of(tmp_path, *ALIKE)]
    after = [rule.id for rule in rules_of(tmp_path, "{alert: B, expr: x}", *reversed(ALIKE))]
    assert after[1:] == list(reversed([*before[:2], before[3], before[2]])), "copies are told apart by their order"
    changed = rules_of(tmp_path, ALIKE[0].replace("== 0", "== 2").replace("{alert", "{for: 1h, alert"), *ALIKE[1:])
    assert changed[0].id == before[0]


def test_a_checkout_in_another_place_keeps_the_state_and_a_renamed_group_does_not(tmp_path: Path) -> None:
    first = rules_of(tmp_path / "a", ALIKE[0])
    shutil.copytree(tmp_path / "a", tmp_path / "somewhere/else")
    (second,) = load(tmp_path / "somewhere/else/incidentd.yaml").catalog.rules
    (renamed,) = catalog(tmp_path / "b", alerts(ALIKE[0], group="other")).rules
    assert (second.id, renamed.id == second.id) == (first[0].id, False)


def test_a_native_rule_of_the_same_name_is_another_one(tmp_path: Path) -> None:
    found = load(
        write(
            tmp_path,
            rules__a=alerts("{alert: A, expr: up == 0}"),
            rules__b="rules: [{name: A, expr: up == 0, severity: sev2, runbook: down}]",
            runbooks__down="# D",
        )
    ).catalog
    assert [rule.is_native for rule in found.rules] == [False, True]
    assert found.rules[0].id != found.rules[1].id


def test_a_reload_says_what_changed_although_names_repeat(tmp_path: Path) -> None:
    before = catalog(tmp_path, alerts(*ALIKE[:2]))
    after = catalog(tmp_path, alerts(ALIKE[0], ALIKE[1].replace("== 0", "== 2"), "{alert: B, expr: up == 0}"))
    assert difference(before, after) == Difference(added=("B",), changed=("A",), removed=())
    assert difference(after, before) == Difference(added=(), changed=("A",), removed=("B",))


def test_recording_rules_are_counted(tmp_path: Path) -> None:
    found = catalog(tmp_path, alerts("{record: a:b, expr: sum(up)}", "{record: a:c, expr: sum(up)}"))
    assert (found.rules, found.recording) == ((), 2)


def test_a_list_of_objects_and_one_of_another_kind_are_taken_apart(tmp_path: Path) -> None:
    found = catalog(
        tmp_path,
        """\
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: PrometheusRule, spec: {groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]}}
  - {apiVersion: v1, kind: VMRule, spec: {groups: [{name: g, rules: [{alert: B, expr: up == 0}]}]}}
  - {apiVersion: v1, kind: PrometheusRule, spec: {}}
  - {apiVersion: v1, kind: Secret}
  - text
""",
    )
    assert [rule.name for rule in found.rules] == ["A", "B"]
    left_out = [one.message for one in found.warnings if "left out" in one.message]
    assert left_out == [
        "this object is left out: a Secret holds no rules",
        "this object is left out: a thing without a kind holds no rules",
    ]


def test_what_only_a_prometheus_file_has_is_no_key_of_ours(tmp_path: Path) -> None:
    from incidentd.catalog.problem import CatalogError  # noqa: PLC0415 - only this test raises it

    rules = "rules: [{name: A, expr: up == 0, severity: sev2, runbook: down, annotations: {}, file: x}]"
    with pytest.raises(CatalogError) as caught:
        catalog(tmp_path, rules)
    assert [(one.message, one.hint) for one in caught.value.problems] == [
        ("there is no key `annotations`", "write `summary` and `description`"),
        ("there is no key `file`", "remove it"),
    ]
