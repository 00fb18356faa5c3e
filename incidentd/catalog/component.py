"""What the status page shows, as authored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

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


class StatusPage(Section):
    title: str = "Status"
    out: Path = Path("public")
    time_zone: str = "UTC"
    components: tuple[Component, ...] = ()

    def component(self, component_id: str) -> Component | None:
        return next((one for one in self.components if one.id == component_id), None)
