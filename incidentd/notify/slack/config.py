"""A Slack destination as authored in a receiver."""

from __future__ import annotations

from pydantic import Field

from incidentd.settings import Section


class SlackDestination(Section):
    """One channel, by name with ``#`` or by its ID."""

    channel: str = Field(min_length=2)
