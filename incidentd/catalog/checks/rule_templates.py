"""``summary`` and ``description``, or the labels and annotations of a Prometheus rule, render on sample data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from incidentd import gotemplate
from incidentd.catalog.authored_rule import AuthoredRule
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Gravity, Problem
from incidentd.catalog.rule import Rule
from incidentd.notify import render
from incidentd.sources.base import Sample

NAME = "rule-templates"

_FIELDS = ("summary", "description")
_KNOWN = "a template knows labels, value, peak, rule and severity"


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        if not authored.rule.is_native:
            yield from _go_templates(authored)
            continue
        for field in _FIELDS:
            template = getattr(authored.rule, field)
            try:
                render.text(template, **_sample(authored.rule))
            except render.TemplateError as exc:
                message = f"the {field} does not render: {exc}"
                yield Problem(authored.position(field), message, _KNOWN, check=NAME)


def _sample(rule: Rule) -> dict[str, object]:
    """What an alert could have; it has any label that is asked for."""
    labels = defaultdict(lambda: "sample", {"alertname": rule.name, **rule.labels})
    worst = rule.levels[0]
    value = worst.when.threshold if worst.when is not None else 1.0
    return {"labels": labels, "value": value, "peak": value, "rule": rule.name, "severity": worst.severity}


def _go_templates(authored: AuthoredRule) -> Iterator[Problem]:
    """Warnings: the alert fires with the error's text in it. A label that is missing is empty, as in Prometheus."""
    rule = authored.rule
    labels = defaultdict(lambda: "sample", rule.external_labels)
    for field, texts in (("labels", rule.templated_labels), ("annotations", rule.annotations)):
        query = _answer if field == "annotations" else None
        for name, template in texts.items():
            data = gotemplate.Data(
                labels, 1.0, rule.external_labels, rule.external_url, query, datetime.fromtimestamp(0, UTC)
            )
            try:
                gotemplate.expand(template, data, f"__alert_{rule.name}")
            except gotemplate.TemplateError as exc:
                message = f"the {field.removesuffix('s')} `{name}` does not render: {exc}"
                hint = "the alert fires all the same, with this text in place of it"
                yield Problem(authored.position(field, name), message, hint, NAME, Gravity.WARNING)


def _answer(_: str) -> tuple[Sample, ...]:
    return (Sample(defaultdict(lambda: "sample"), 1.0),)
