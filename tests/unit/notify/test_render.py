from __future__ import annotations

import time
from pathlib import Path

import pytest
import structlog

from incidentd.notify import render, wording
from incidentd.notify.render import TemplateError, Templates
from tests.unit.notify.notices import HOSTILE, acknowledged, notice, resolved

LABELS = {"model": "gpt", "service": "chat"}

SHIPPED = ("email.txt.j2", "email.html.j2", "slack.txt.j2", "pagerduty.txt.j2", "jira.txt.j2")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ labels.model }}: {{ value | percent }} of LLM calls fail", "gpt: 21% of LLM calls fail"),
        ("{{ labels['service'] | upper }}", "CHAT"),
        ("{{ labels.get('nope', 'none') }}", "none"),
        ("{{ labels.nope | default('none') }}", "none"),
        ("{% if value > 0.2 %}high{% else %}low{% endif %}", "high"),
        ("{% for name, v in labels | dictsort %}{{ name }}={{ v }} {% endfor %}", "model=gpt service=chat "),
        ("{% for n in range(3) if n %}{{ loop.index }}:{{ n }} {% endfor %}", "1:1 2:2 "),
        ("{{ labels.keys() | sort | join(', ') }}", "model, service"),
        ("{{ 'a' ~ 1 ~ 'b' }}{{ 'c' + 'd' }}", "a1bcd"),
        ("{{ 7 % 4 }} {{ 2 ** 3 }} {{ 6 * 7 }}", "3 8 42"),
        ("{% set a = 'x' %}{% with b = a ~ 'y' %}{{ b }}{% endwith %}", "xy"),
        ("{{ 'a-b' | replace('-', '+') }} {{ 'a.b'.split('.') | last }}", "a+b b"),
    ],
)
def test_a_template_says(template: str, said: str) -> None:
    assert render.text(template, value=0.21, labels=LABELS) == said


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 'a' * 10 }}",
        "{{ 2 ** 100000000 }}",
        "{{ (2 ** 99) ** 99 }}",
        "{{ '%0999999999d' % 3 }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'x' | center(10**9) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{% set a = 'aa' %}" + "{% set a = a ~ a %}" * 60 + "{{ a | length }}",
        "{% set a = 'aa' %}" + "{% set a = a + a %}" * 60 + "{{ a | length }}",
        "{% set a = 'aa' %}" + "{% set a = [a, a] | join %}" * 60 + "{{ a | length }}",
        "{% set a = 'aa' %}" + "{% set a = a | replace('a', 'aa') %}" * 60 + "{{ a | length }}",
        "{% set a = [1, 1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
        "{% set a = [1, 1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a | string | length }}",
        "{% set a = [1, 1] %}" + "{% set a = a + a %}" * 60 + "{{ a | length }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% for a in 'x' * 3 %}{% endfor %}",
        "{% for a in range(10**9) %}{% endfor %}",
        "{% for a in range(999) %}{{ long }}{% endfor %}",
        "{{ long | int ** 99 }}{{ long + long }}",
    ],
)
def test_no_template_hangs_or_fills_the_process(template: str) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateError):
        render.text(template, long="9" * 60_000)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ labels.__class__ }}",
        "{{ labels.update({'a': 1}) }}",
        "{{ lipsum(9) }}",
        "{{ namespace(a=1) }}",
        "{{ cycler('a') }}",
        "{% include 'email.txt.j2' %}",
        "{% import 'email.txt.j2' as x %}",
        "{% extends 'email.txt.j2' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        "{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}",
        "{% filter upper %}x{% endfilter %}",
        "{% set a %}x{% endset %}",
        "{% autoescape false %}{{ labels }}{% endautoescape %}",
        "{{ 'x' | safe }}",
        "{{ 'x' | format }}",
        "{{ nope }}",
        "{{ labels.nope }}",
        "{{ 1 / 0 }}",
        "{{",
        "{% if %}",
        "{{ 'x' | nope }}",
    ],
)
def test_what_is_not_offered_or_fails_is_a_template_error(template: str) -> None:
    with pytest.raises(TemplateError):
        render.text(template, labels=dict(LABELS))


def test_an_error_says_where_and_what() -> None:
    with pytest.raises(TemplateError, match=r"^line 2: .*macro is not offered here"):
        render.text("a\n{% macro m() %}{% endmacro %}")
    with pytest.raises(TemplateError, match="'nope' is undefined"):
        render.text("{{ nope }}")


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("state", ["opened", "acknowledged", "resolved"])
def test_every_shipped_template_speaks_about_every_state(name: str, state: str) -> None:
    notification = {"opened": notice(), "acknowledged": acknowledged(), "resolved": resolved()}[state]
    said = Templates(None).text(name, **wording.values(notification))
    assert "21% of LLM calls fail" in said
    bare = notice(alerts=(), labels={}, runbook=None, owner="", component="")
    assert Templates(None).text(name, **wording.values(bare)).strip()


def test_the_users_template_comes_before_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "slack.txt.j2").write_text("mine: {{ notification.name }}")
    templates = Templates(tmp_path)
    assert templates.text("slack.txt.j2", **wording.values(notice())) == "mine: INC-42"
    assert templates.text("pagerduty.txt.j2", **wording.values(notice())).startswith("SEV2")


def test_a_failing_template_falls_back_and_says_so_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "slack.txt.j2").write_text("{{ nope }}")
    with structlog.testing.capture_logs() as logs:
        assert Templates(tmp_path).text("slack.txt.j2", fallback="plain", **wording.values(notice())) == "plain"
    assert [(one["action"], one["template"], one["error"]) for one in logs] == [
        ("template_failed", "slack.txt.j2", "'nope' is undefined")
    ]
    with pytest.raises(TemplateError, match=r"^slack\.txt\.j2: 'nope' is undefined"):
        Templates(tmp_path).text("slack.txt.j2", **wording.values(notice()))


def test_a_template_that_does_not_exist_falls_back() -> None:
    assert Templates(None).text("nope.txt.j2", fallback="plain") == "plain"
    with pytest.raises(TemplateError):
        Templates(None).text("../pyproject.toml")


def test_html_escapes_every_value() -> None:
    said = Templates(None).html("email.html.j2", **wording.values(notice(title="<script>alert(1)</script>" + HOSTILE)))
    assert "<script>" not in said
    assert "&lt;script&gt;alert(1)" in said
