"""What the status page shows, as authored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from incidentd.settings import Section

_IDENTIFIER = re.compile(r"^[a-z0-9][a-z0-9-]*$")


def _identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(f"{text!r} cannot be an id; use lower-case letters, digits and hyphens, as in chat-api")
    return text


class Component(Section):
    """A part of the product that the public knows. *id* is what rules name."""

    id: Annotated[str, AfterValidator(_identifier)] = Field(json_schema_extra={"pattern": _IDENTIFIER.pattern})
    name: str = Field(min_length=1)
    description: str = ""
    group: str = ""


def known_zone(name: str) -> str:
    """*name* itself when it is an IANA time zone; raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"{name!r} is not a time zone; write one of the IANA names, as Europe/Berlin or UTC") from exc
    return name


def _different(components: tuple[Component, ...]) -> tuple[Component, ...]:
    seen: set[str] = set()
    for component in components:
        if component.id in seen:
            raise ValueError(f"two components have the id {component.id!r}; rules name them by it, so keep one")
        seen.add(component.id)
    return components


class StatusPage(Section):
    title: str = "Status"
    out: Path = Path("public")
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    components: Annotated[tuple[Component, ...], AfterValidator(_different)] = ()

    def component(self, component_id: str) -> Component | None:
        return next((one for one in self.components if one.id == component_id), None)
