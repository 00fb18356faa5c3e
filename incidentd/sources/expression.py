"""The text of one expression -> what must be known of it before it can share a query with others. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

import promql_parser

RESERVED = "__incidentd__"
"""The label that tells, in a query of many questions, whose a series is. Two underscores: no scrape can bring it."""
MOST_OPERATORS = 1000
"""The parser recurses and ends the process somewhere above 3,000 levels."""

_OPERATOR = re.compile(r"[(+\-*/%^<>=!\[]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_SKIPPED = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""", re.DOTALL)
_OF_THE_RANGE = re.compile(r"\b(?:start|end|step|range)\s*\(\s*\)", re.IGNORECASE)
_BUCKETS = re.compile(r"_bucket\b")
_SUBQUERY = re.compile(r"\[[^\]]*:[^\]]*\]")
_KNOWN = 2**16
_BUCKETS_WEIGH = 3
_SUBQUERY_WEIGHS = 9


class Kind(StrEnum):
    """How an expression can stand in a query of many."""

    VECTOR = "vector"
    SCALAR = "scalar"
    ALONE = "alone"
    """Not at all: it yields something else, the parser does not know it, or it has the reserved label."""


def without_texts(expr: str) -> str:
    """*expr* with blanks for its strings and comments."""
    return _SKIPPED.sub(lambda found: " " * len(found[0]), expr)


def too_deep(expr: str) -> bool:
    """Whether the parser must not be given *expr*."""
    return sum(1 for _ in _OPERATOR.finditer(expr)) > MOST_OPERATORS


@lru_cache(maxsize=_KNOWN)
def kind(expr: str) -> Kind:
    """What *expr* yields, as far as it can share a query."""
    if RESERVED in expr or too_deep(expr):
        return Kind.ALONE
    # The parser checks types: asking it so is quicker than walking its tree, which takes seconds for a deep one.
    if _takes(f'label_join(({expr}\n), "{RESERVED}", "0")'):
        return Kind.VECTOR
    return Kind.SCALAR if _takes(f"vector(({expr}\n))") else Kind.ALONE


@lru_cache(maxsize=_KNOWN)
def weight(expr: str) -> int:
    """What *expr* costs, roughly, in units of a rate over one selector."""
    code = without_texts(expr)
    return 1 + _BUCKETS_WEIGH * len(_BUCKETS.findall(code)) + _SUBQUERY_WEIGHS * len(_SUBQUERY.findall(code))


def speaks_of_the_range(expr: str) -> bool:
    """Whether *expr* means something else in a range query than at each of its times, as with ``@ end()``."""
    return _OF_THE_RANGE.search(without_texts(expr)) is not None


def labelled(expr: str, label: str) -> str:
    """*expr*, of kind vector or scalar, so that each of its series carries *label* as the reserved label: as what
    joins two labels that no series has. `label_replace` would have the server compile a regular expression for each.
    """
    inner = f"{expr}\n" if "#" in expr else expr  # a comment at the end would swallow the bracket
    inner = f"vector({inner})" if kind(expr) is Kind.SCALAR else f"({inner})"
    return f'label_join({inner}, "{RESERVED}", "{label}", "{RESERVED}", "{RESERVED}")'


def _takes(call: str) -> bool:
    """Whether *call* is PromQL, and what stands in its inner brackets is one expression: ``x) or (y`` is none."""
    try:
        tree = promql_parser.parse(call)
    except ValueError:
        return False
    return isinstance(tree, promql_parser.Call) and isinstance(tree.args[0], promql_parser.ParenExpr)
