"""The severity of every Prometheus rule is known before it fires."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Gravity, Problem
from incidentd.catalog.prometheus_settings import NONE

NAME = "rule-severity"


def check(subject: Subject) -> Iterator[Problem]:
    settings = subject.config.prometheus_rules
    for authored in subject.rules:
        rule = authored.rule
        value = rule.labels.get(settings.severity_label, "")
        if rule.is_native or rule.heartbeat or not value or settings.knows(value):
            continue
        counts = settings.default_severity or NONE
        if "{{" in value:
            message = f"the severity of {rule.name} is a template, and what it opens is decided before: {counts}"
            hint = "write one rule for each severity, under one name: they share an incident"
        else:
            message = f"the severity `{value}` is not in the map: {rule.name} counts as {counts}"
            hint = f"add `prometheus_rules: {{severity: {{{value}: sev3}}}}` to incidentd.yaml"
        position = authored.position("labels", settings.severity_label)
        yield Problem(position, message, hint, check=NAME, gravity=Gravity.WARNING)
