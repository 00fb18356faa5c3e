"""Every rule asks a source that is configured."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Problem

NAME = "rule-source"


def check(subject: Subject) -> Iterator[Problem]:
    sources = subject.config.sources
    for authored in subject.rules:
        name = authored.rule.source
        if name not in sources:
            message = f"{authored.rule.name} asks the source `{name}`, which is not configured"
            hint = did_you_mean(name, sources)
            if not authored.rule.is_native:
                hint = f"name one in `prometheus_rules.source`: {', '.join(sorted(sources))}"
            yield Problem(authored.position("source"), message, hint, check=NAME)
