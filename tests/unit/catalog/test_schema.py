"""JSON Schema of what people author."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from incidentd import cli, settings
from incidentd.catalog import document


def errors(subject: str, text: str) -> list[str]:
    printed = CliRunner().invoke(cli.app, ["schema", subject])
    assert printed.exit_code == 0
    schema: Any = json.loads(printed.stdout)
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(document.parse("f", text).data)]


def test_what_ships_is_valid() -> None:
    for path in settings.shipped("rules").glob("*.yaml"):
        assert errors("rules", path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "rule",
    [
        "{name: A, expr: up == 0, severity: sev2}",
        '{name: A, expr: up, when: "< 5%", for: 1h30m, severity: sev2, keep_firing_for: 0}',
        '{name: A, expr: up, levels: [{when: "< 1", severity: sev1}], resolve: {when: ">= 1", for: 5m}}',
    ],
)
def test_both_forms_of_a_rule_are_valid(rule: str) -> None:
    assert errors("rules", f"rules: [{rule}]") == []


@pytest.mark.parametrize(
    "rule",
    [
        "{name: A, expr: up == 0}",
        "{name: A, expr: up, severity: sev2, levels: [{severity: sev1}]}",
        "{name: A, expr: up, severity: sev9}",
        "{name: A, expr: up, severity: sev2, for: 5 min}",
        "{name: A, expr: up, severity: sev2, cooldwn: 5m}",
    ],
)
def test_what_check_refuses_is_underlined(rule: str) -> None:
    assert errors("rules", f"rules: [{rule}]") != []


@pytest.mark.parametrize(
    ("interval", "is_valid"),
    [
        ('{weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "24:00"}], months: [12]}', True),
        ('{times: [{start_time: "9:00", end_time: "10:00"}]}', False),
        ("{weekday: [monday]}", False),
    ],
)
def test_silences_in_files_have_a_schema_too(interval: str, is_valid: bool) -> None:  # noqa: FBT001 - a case
    text = f"silences: [{{id: a, matchers: ['a=\"b\"'], author: a, reason: r, time_intervals: [{interval}]}}]"
    assert (errors("silences", text) == []) is is_valid


def test_a_secret_may_come_from_a_file_but_not_from_two_places() -> None:
    text = "sources: {p: {url: http://a}}\nslack: {%s}\nreceivers: [{name: a, pagerduty: [{routing_key_file: x}]}]"
    assert errors("config", text % "token_file: x, signing_secret_file: y") == []
    assert errors("config", text % "token: x, token_file: y") != []
    assert errors("config", text % "api_url: http://a") != []
