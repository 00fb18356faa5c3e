"""Something in a rule compares: without it every series would be an alert."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Gravity, Problem

NAME = "rule-condition"

_FILTERS = {"==", "!=", ">", "<", ">=", "<=", "and", "unless"}
_ABSENCE = {"absent", "absent_over_time"}


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        rule = authored.rule
        if rule.compares_by_itself and not _chooses(rule.expr):
            yield Problem(
                authored.position("expr"),
                f"{rule.name} fires for every series: neither its expression nor a `when` compares",
                'add `when: "> 0.05"`, or compare in the expression',
                check=NAME,
                gravity=Gravity.WARNING,
            )


def _chooses(expr: str) -> bool:
    """Whether *expr* leaves series out; what does not parse is another check's matter."""
    found = False

    def visit(node: promql_parser.Expr) -> bool:
        nonlocal found
        if isinstance(node, promql_parser.BinaryExpr):
            found = found or str(node.op) in _FILTERS
        if isinstance(node, promql_parser.Call):
            found = found or node.func.name in _ABSENCE
        return not found

    try:
        promql_parser.walk(promql_parser.parse(expr), visit)
    except ValueError:
        return True
    return found
