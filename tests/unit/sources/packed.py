"""A packed query, as the server sees it: whose expressions are in it, and an answer for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.unit.sources.wire import http

_MEMBER = re.compile(
    r'label_join\((?:vector)?\(([^()]+)\), "__incidentd__", "(\d+)", "__incidentd__", "__incidentd__"\)'
)


def members(query: str) -> dict[str, str]:
    """The expressions of *query* by their label; one alone is called the empty text."""
    return {label: expr for expr, label in _MEMBER.findall(query)} or {"": query}


def vector(query: str, value: str = "2.5") -> dict[str, object]:
    """One series for each expression of *query*, which carries the expression as a label."""
    result = [
        {"metric": {"of": expr, **({"__incidentd__": label} if label else {})}, "value": [1, value]}
        for label, expr in members(query).items()
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def unless(fault: bytes, *guilty: str) -> Callable[[str], Iterator[bytes]]:
    """Answers *fault* to each query that one of *guilty* is in, and a vector to all others."""
    return lambda query: iter([fault if set(guilty) & set(members(query).values()) else http(vector(query))])
