"""Markdown with front matter -> Runbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from incidentd.duration import Duration
from incidentd.settings import Section


class EscalationStep(Section):
    """Who is next when the step before has not mended it after *after*."""

    level: str
    who: str
    after: Duration = timedelta()


class FrontMatter(Section):
    title: str = Field(min_length=1)
    owner: str = ""
    expected_resolution: Duration | None = None
    escalation: tuple[EscalationStep, ...] = ()
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook. *name* is the file's stem in lower case, *next_step* plain text, *html* safe to show."""

    name: str
    file: str
    front: FrontMatter
    markdown: str
    html: str
    next_step: str
