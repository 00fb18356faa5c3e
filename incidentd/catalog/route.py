"""The tree that leads an incident to receivers, as authored."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from incidentd.labels import Matchers, parse_matchers
from incidentd.settings import Section
from incidentd.severity import Severity


def _from_authored(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return parse_matchers(value)
    return value


AuthoredMatchers = Annotated[
    Matchers, BeforeValidator(_from_authored), PlainSerializer(lambda value: [str(one) for one in value.all_of])
]


class Route(Section):
    """One node. It applies when every matcher is met and the severity is listed (no list means any); the first child
    that applies wins unless it says ``continue: true``; a node none of whose children applies answers itself."""

    receiver: str | None = None
    matchers: AuthoredMatchers = Matchers()
    severity: tuple[Severity, ...] = ()
    go_on: bool = Field(default=False, alias="continue")
    routes: tuple[Route, ...] = ()
