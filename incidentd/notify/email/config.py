"""A mail destination as authored in a receiver."""

from __future__ import annotations

from pydantic import Field

from incidentd.settings import Section


class EmailDestination(Section):
    """One mail to all of these addresses."""

    to: tuple[str, ...] = Field(min_length=1)
