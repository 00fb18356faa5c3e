"""No expression reads the alerts that Prometheus itself evaluates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Gravity, Problem
from incidentd.sources.expression import without_texts

NAME = "rule-alerts-series"

_SERIES = re.compile(r"(?<![\w:.])ALERTS(?:_FOR_STATE)?(?![\w:.]|\s*=)")


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        found = _SERIES.search(without_texts(authored.rule.expr))
        if found is not None:
            yield Problem(
                authored.inside(("expr",), found.start(), len(found[0])),
                f"{found[0]} are the alerts that Prometheus evaluates; those of incidentd are not among them",
                "keep this rule in Prometheus, or write out the condition of the alert that it asks for",
                check=NAME,
                gravity=Gravity.WARNING,
            )
