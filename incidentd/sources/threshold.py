"""``X > 5`` and ``X > 9`` -> one question with the weaker bound, from whose answer the stronger one is read. Pure."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import promql_parser

from incidentd.sources import expression
from incidentd.sources.base import Question, Sample

_BOUND = re.compile(
    r"(?P<left>.*\S)\s*(?P<op>>=|<=|>|<)\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*", re.DOTALL
)
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_KNOWN = 2**16


@dataclass(frozen=True, slots=True)
class Threshold:
    """What the last comparison of an expression keeps of *left*, compared as Prometheus does: NaN is never kept."""

    left: str
    op: str
    number: float

    def kept(self, samples: Iterable[Sample]) -> list[Sample]:
        """Those of *samples* of a weaker threshold that this one keeps too."""
        holds = _HOLDS[self.op]
        return [sample for sample in samples if holds(sample.value, self.number)]

    def is_weaker_than(self, other: Threshold) -> bool:
        """Whether it keeps more of the same *left*."""
        return self.number < other.number if self.op[0] == ">" else self.number > other.number


@lru_cache(maxsize=_KNOWN)
def threshold(expr: str) -> Threshold | None:
    """The comparison with a plain number that *expr* ends with, if that is the last thing that it does."""
    found = _BOUND.fullmatch(expression.without_texts(expr))
    if found is None or expression.kind(expr) is not expression.Kind.VECTOR:
        return None
    tree = promql_parser.parse(expr)
    number = float(found["number"])
    match tree:
        case promql_parser.BinaryExpr(rhs=promql_parser.NumberLiteral(val=right)) if right == number:
            return Threshold(expr[: found.end("left")], found["op"], number) if math.isfinite(number) else None
    return None


def weakest(questions: Iterable[Question]) -> dict[Question, tuple[Question, Threshold]]:
    """Which of the different *questions* need not be asked: whose answer holds theirs, and what to keep of it."""
    together: dict[object, list[tuple[Question, Threshold]]] = {}
    for question in questions:
        if not question.alone and (bound := threshold(question.expr)):
            together.setdefault((bound.left, bound.op, question.offset), []).append((question, bound))
    found: dict[Question, tuple[Question, Threshold]] = {}
    for members in together.values():
        asked, least = members[0]
        for question, bound in members[1:]:
            if bound.is_weaker_than(least):
                asked, least = question, bound
        found |= {question: (asked, bound) for question, bound in members if question is not asked}
    return found
