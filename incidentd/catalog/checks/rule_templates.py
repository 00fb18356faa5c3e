"""``summary`` and ``description`` render on sample data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Problem
from incidentd.catalog.rule import Rule
from incidentd.notify import render

NAME = "rule-templates"

_FIELDS = ("summary", "description")
_KNOWN = "a template knows labels, value, peak, rule and severity"


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
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
