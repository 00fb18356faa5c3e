"""A Jira destination as authored in a receiver."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from incidentd.settings import Section


def _label(text: str) -> str:
    if not text or len(text.split()) != 1 or len(text) > 255:  # noqa: PLR2004 - Jira's limit
        raise ValueError(f"{text!r} is not a Jira label; a label has no spaces and at most 255 characters")
    return text


class JiraDestination(Section):
    """One project; *resolve_to* is the status that a resolved incident's issue moves to."""

    project: str = Field(min_length=1)
    issue_type: str = "Task"
    resolve_to: str = "Done"
    labels: tuple[Annotated[str, AfterValidator(_label)], ...] = ()
