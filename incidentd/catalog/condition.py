"""``when: "> 5%"`` -> something that holds for a value or does not."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_FORM = re.compile(r"^\s*(>=|<=|==|!=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%?)\s*$")
_AS_IN = 'write one like "> 0.05", "<= 3" or "> 5%"'


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison with one number. *text* is as authored."""

    op: str
    threshold: float
    text: str

    def holds(self, value: float) -> bool:
        """Whether *value* meets it; NaN meets nothing, not even ``!=``."""
        return not math.isnan(value) and _OPERATORS[self.op](value, self.threshold)

    @property
    def direction(self) -> int:
        """1 where larger values are worse, -1 where smaller ones are, 0 for equality."""
        return {">": 1, "<": -1}.get(self.op[0], 0) if self.op != "!=" else 0


def parse_comparison(text: str) -> Comparison:
    """*text* such as ``> 0.05`` or ``< 70%``; raises ValueError with what to write instead."""
    match = _FORM.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a comparison; {_AS_IN}")
    op, number, percent = match.groups()
    return Comparison(op, float(number) / (100 if percent else 1), text.strip())


def _from_authored(value: Any) -> Any:
    if isinstance(value, Comparison):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a comparison; {_AS_IN}")  # noqa: TRY004 - pydantic reports ValueError
    return parse_comparison(value)


Condition = Annotated[
    Comparison,
    BeforeValidator(_from_authored),
    PlainSerializer(lambda value: value.text),
    WithJsonSchema({"type": "string", "pattern": _FORM.pattern}),
]
"""A pydantic field that is authored as a comparison."""
