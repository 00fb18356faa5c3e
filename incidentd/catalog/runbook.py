"""Markdown with front matter -> Runbook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from incidentd.catalog import document, explain, markdown
from incidentd.catalog.document import Document
from incidentd.catalog.problem import CatalogError, Gravity, Problem
from incidentd.duration import Duration
from incidentd.settings import Section

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_BLANK = re.compile(r"^\s*(#.*)?$", re.MULTILINE)
_NEXT_STEP_AT_MOST = 300
"""Characters: what a phone shows of a message."""


class EscalationStep(Section):
    """Who comes in when it is not mended *after* so long; counted from the opening of the incident."""

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


def parse(file: str, text: str) -> tuple[Runbook, tuple[Problem, ...]]:
    """The runbook that *text* is, and what is wrong with it. Without a title its first heading is the title, else its
    name; a broken front matter counts as none, so that rules which name the runbook are not blamed for it. Keys that
    we do not know are warnings: runbooks are shared with site generators."""
    found = _FRONT_MATTER.match(text)
    body = text[found.end() :] if found else text
    page = markdown.render(body)
    stem = Path(file).stem
    title = page.title or stem
    front, problems = _front_matter(file, found["yaml"], title) if found else (FrontMatter(title=title), ())
    runbook = Runbook(
        name=stem.lower(),
        file=file,
        front=front,
        markdown=body,
        html=page.html,
        next_step=markdown.one_line(front.next_step or page.next_step, _NEXT_STEP_AT_MOST),
    )
    return runbook, problems


def _front_matter(file: str, text: str, title: str) -> tuple[FrontMatter, tuple[Problem, ...]]:
    nothing = FrontMatter(title=title)
    if not _BLANK.sub("", text).strip():
        return nothing, ()
    try:
        authored = document.parse(file, "\n" + text)  # so that lines count from the file's first
    except CatalogError as exc:
        return nothing, exc.problems
    authored = replace(authored, lines=("---", *authored.lines[1:]))
    if not isinstance(authored.data, Mapping):
        message = "the front matter must be a mapping"
        return nothing, (Problem(authored.position(), message, "write `title: ...` between the lines of `---`"),)
    return _validated({"title": title, **authored.data}, authored, nothing)


def _validated(
    data: dict[str, Any], authored: Document, nothing: FrontMatter
) -> tuple[FrontMatter, tuple[Problem, ...]]:
    try:
        return FrontMatter.model_validate(data), ()
    except ValidationError as exc:
        problems = list(explain.explain(exc, FrontMatter, authored))
        unknown = [len(one["loc"]) == 1 and one["type"] == "extra_forbidden" for one in exc.errors()]
    graded = tuple(
        replace(problem, gravity=Gravity.WARNING) if ignored else problem
        for problem, ignored in zip(problems, unknown, strict=True)
    )
    known = {key: value for key, value in data.items() if key in FrontMatter.model_fields}
    return (FrontMatter.model_validate(known) if all(unknown) else nothing), graded
