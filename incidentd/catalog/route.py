"""The tree that leads an incident to receivers, as authored."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from incidentd.labels import Matchers, parse_matchers
from incidentd.settings import Section
from incidentd.severity import Severity


def _from_authored(value: Any) -> Any:
    if isinstance(value, Matchers):
        return value
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return parse_matchers(value)
    raise ValueError("matchers must be a list of texts; write them as ['team=\"ai\"', 'service=~\"chat|search\"']")


AuthoredMatchers = Annotated[
    Matchers,
    BeforeValidator(_from_authored),
    PlainSerializer(lambda value: [str(one) for one in value.all_of]),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]


class Route(Section):
    """One node. It applies when every matcher is met and the severity is listed (no list means any); the first child
    that applies wins unless it says ``continue: true``; a node none of whose children applies answers itself. It is
    muted during its *mute_time_intervals* and outside of its *active_time_intervals*; branches do not inherit them."""

    receiver: str | None = None
    matchers: AuthoredMatchers = Matchers()
    severity: tuple[Severity, ...] = ()
    go_on: bool = Field(default=False, alias="continue")
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
