"""Something in a rule compares, else every series is an alert; and `no_data` has a `when` to speak for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from incidentd.catalog.checks.rule_expr import fault
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Gravity, Problem
from incidentd.catalog.rule import NoData
from incidentd.sources.expression import without_texts

NAME = "rule-condition"

_MATCHERS = re.compile(r"\{[^}]*\}")
_CHOICE = re.compile(r"[<>]|[=!]=|\b(?:and|unless|absent|absent_over_time)\b", re.IGNORECASE)


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        rule = authored.rule
        if rule.compares_by_itself and rule.no_data is not NoData.OK:
            yield Problem(
                authored.position("no_data"),
                f"no_data: {rule.no_data} says nothing here: where the expression compares, absence is good",
                "move the comparison into `when`, or take no_data away",
                check=NAME,
                gravity=Gravity.WARNING,
            )
        if rule.compares_by_itself and not rule.heartbeat and fault(rule.expr) is None and not _chooses(rule.expr):
            yield Problem(
                authored.position("expr"),
                f"{rule.name} fires for every series: neither its expression nor a `when` compares",
                'add `when: "> 0.05"`, or compare in the expression',
                check=NAME,
                gravity=Gravity.WARNING,
            )


def _chooses(expr: str) -> bool:
    """Whether *expr* leaves series out. Read from its text: walking promql-parser's tree takes seconds from some
    hundred levels on."""
    return _CHOICE.search(_MATCHERS.sub("", without_texts(expr))) is not None
