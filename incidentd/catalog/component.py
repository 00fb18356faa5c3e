"""What the status page shows, as authored."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from incidentd.settings import Section


class Component(Section):
    """A part of the product that the public knows. *id* is what rules name."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
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
