"""Every expression is PromQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Problem
from incidentd.sources import expression

NAME = "rule-expr"

_QUOTED_NAME = re.compile(r"(?:function|call to) (?:with name )?'(?P<name>\w+)'")
_FUNCTIONS = """
abs absent absent_over_time avg_over_time ceil changes clamp clamp_max clamp_min count_over_time day_of_month
day_of_week delta deriv exp floor histogram_quantile hour idelta increase irate label_join label_replace
last_over_time ln log10 log2 max_over_time min_over_time minute month predict_linear present_over_time
quantile_over_time rate resets round scalar sort sort_desc sqrt stddev_over_time sum_over_time time timestamp
vector year
"""


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        expr = authored.rule.expr
        found = fault(expr)
        if found is None:
            continue
        offset, length, message, hint = found
        yield Problem(authored.inside(("expr",), offset, length), message, hint, check=NAME)


def fault(expr: str) -> tuple[int, int, str, str] | None:
    """Offset and length of what is wrong, the message and the hint; None when *expr* parses."""
    if expression.too_deep(expr):
        return (
            0,
            1,
            f"the expression has more than {expression.MOST_OPERATORS} operators",
            "record a part of it in Prometheus",
        )
    try:
        promql_parser.parse(expr)
    except ValueError as exc:
        return _explained(expr, str(exc))
    return None


def _explained(expr: str, reason: str) -> tuple[int, int, str, str]:
    """The parser gives no position: look for what it names."""
    code = expression.without_texts(expr)
    named = _QUOTED_NAME.search(reason)
    if named:
        name = named["name"]
        place = re.search(rf"\b{name}\b(?=\s*\()", code)
        hint = _close_function(name) if "unknown" in reason else "see the function's signature in the manual"
        if "expected type matrix" in reason:
            hint = f"give it a range, as in {name}(metric[5m])"
        return (place.start() if place else 0), len(name), f"not PromQL: {reason}", hint
    if "parenthesis" in reason or "brace" in reason or "bracket" in reason:
        place_of = _unbalanced(code)
        if place_of is not None:
            return place_of, 1, f"not PromQL: {reason}", "every bracket that is opened must be closed, in order"
    start = len(expr) - len(expr.lstrip())
    length = len(expr.strip().split("\n", 1)[0]) or 1
    return start, length, f"not PromQL: {reason}", "try it in Prometheus' own page, which shows the place"


def _close_function(name: str) -> str:
    hint = did_you_mean(name, _FUNCTIONS.split())
    return hint if hint.startswith("did you mean") else "the functions are listed in Prometheus' manual"


def _unbalanced(code: str) -> int | None:
    """The offset of the first bracket that closes nothing, else of the last that is never closed."""
    open_at: list[int] = []
    for offset, char in enumerate(code):
        if char in "([{":
            open_at.append(offset)
        elif char in ")]}":
            if not open_at or "([{".index(code[open_at[-1]]) != ")]}".index(char):
                return offset
            open_at.pop()
    return open_at[-1] if open_at else None
