"""A Jira destination as authored in a receiver."""

from __future__ import annotations

from pydantic import Field

from incidentd.settings import Section


class JiraDestination(Section):
    """One project; *resolve_to* is the status that a resolved incident's issue moves to."""

    project: str = Field(min_length=1)
    issue_type: str = "Task"
    resolve_to: str = "Done"
    labels: tuple[str, ...] = ()
