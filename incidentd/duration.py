"""Durations as Prometheus writes them: text <-> timedelta."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from promql_parser import MatrixSelector
from promql_parser import parse as parse_promql
from pydantic import BeforeValidator, PlainSerializer

_FORM = "write it as Prometheus does, largest unit first: 30s, 5m, 1h30m, 7d"
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def parse(text: str) -> timedelta:
    """*text* such as ``90s``, ``1h30m``, ``1w`` or ``0``; raises ValueError on anything else."""
    text = text.strip()
    if text == "0":
        return timedelta()
    if text[-1:].isdigit() or not text or not all(char.isdigit() or char in "ywdhms" for char in text):
        raise ValueError(f"{text!r} is not a duration; {_FORM}")
    if not text.strip("0ywdhms"):
        return timedelta()  # PromQL refuses a range of zero, rule files write `for: 0s`
    try:
        selector = parse_promql(f"x[{text}]")
    except ValueError as exc:
        raise ValueError(f"{text!r} is not a duration; {_FORM}") from exc
    assert isinstance(selector, MatrixSelector)  # noqa: S101 - what the text `x[...]` parses to
    return timedelta(seconds=selector.range.total_seconds())


def text(value: timedelta, *, parts: int = 2) -> str:
    """*value* for a person, its *parts* largest units: ``2d 4h``, ``1m 33s``, ``0s``; negative reads as zero."""
    seconds = max(0, int(value.total_seconds()))
    words: list[str] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count}{unit}")
    return " ".join(words[:parts]) or "0s"


def _from_authored(value: Any) -> Any:
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, int) and value == 0:
        return timedelta()
    if isinstance(value, timedelta):
        return value
    raise ValueError(f"{value!r} is not a duration; {_FORM}")


Duration = Annotated[timedelta, BeforeValidator(_from_authored), PlainSerializer(lambda value: text(value, parts=4))]
"""A pydantic field that is authored as a Prometheus duration."""
