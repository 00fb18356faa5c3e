"""Silences that are kept in git: one file -> its silences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from incidentd.catalog import explain
from incidentd.catalog.document import Document
from incidentd.catalog.problem import Position, Problem
from incidentd.catalog.route import AuthoredMatchers
from incidentd.catalog.time_interval import TimeInterval
from incidentd.labels import Matchers
from incidentd.settings import Section

_STORED = "S-"
"""How the names of silences begin that people made while the service runs."""


def moment(value: Any) -> datetime:
    """*value* as RFC 3339 writes it; raises ValueError with what to write instead."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise ValueError(f"{value!r} is not a time; write it as 2026-11-20T22:00:00Z, or with +01:00") from exc
    if at.tzinfo is None:
        raise ValueError(f"{value!r} does not say in which time zone; end it with Z, or with +01:00")
    return at.astimezone(UTC)


def _someone(text: str) -> str:
    if not text.strip():
        raise ValueError("it must not be empty; say who, and why")
    return text.strip()


Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    PlainSerializer(datetime.isoformat),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A point in time, authored in RFC 3339."""
Words = Annotated[str, AfterValidator(_someone)]
"""Text that says something."""


class Maintenance(Section):
    """What the status page says of a silence that is announced: nothing but this, and when."""

    title: Words
    components: tuple[str, ...] = Field(min_length=1)
    message: str = ""


class AuthoredSilence(Section):
    """Mutes what meets *matchers* from *starts_at* to *ends_at*; with *time_intervals* only while one of them lasts."""

    id: Words
    matchers: AuthoredMatchers
    author: Words
    reason: Words
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    time_intervals: tuple[TimeInterval, ...] = ()
    maintenance: Maintenance | None = None

    @field_validator("id")
    @classmethod
    def _not_a_stored_one(cls, text: str) -> str:
        if text.startswith(_STORED):
            raise ValueError(
                f"{text!r} looks like a silence that somebody made by hand; write a word, as deploy-friday"
            )
        return text

    @field_validator("matchers")
    @classmethod
    def _not_everything(cls, matchers: Matchers) -> Matchers:
        if matchers.matches({}):
            raise ValueError(
                "these matchers are met by every alert, or by one without labels; name a label that alerts have"
            )
        return matchers

    @model_validator(mode="after")
    def _ends(self) -> AuthoredSilence:
        if self.ends_at is None and not self.time_intervals:
            raise ValueError("a silence must end; give it ends_at, or time_intervals when it recurs")
        if self.ends_at is not None and self.starts_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at is not after starts_at; correct one of them")
        return self


class SilenceFile(Section):
    """The shape of a file of silences."""

    silences: tuple[AuthoredSilence, ...]


class _Outline(Section):
    """The same with nothing looked into, so that one broken silence does not hide another."""

    silences: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PlacedSilence:
    """A silence and where it stands: item *index* of the silences of *document*."""

    silence: AuthoredSilence
    document: Document
    index: int

    def position(self, *path: str | int) -> Position:
        return self.document.position(("silences", self.index, *path))


@dataclass(slots=True)
class SilenceFileContent:
    """What one file gave: the silences that are well formed, and what is wrong with the others."""

    silences: list[PlacedSilence] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parse(document: Document) -> SilenceFileContent:
    content = SilenceFileContent()
    try:
        outline = _Outline.model_validate(document.data)
    except ValidationError as exc:
        content.problems += explain.explain(exc, SilenceFile, document)
        return content
    for index, authored in enumerate(outline.silences):
        try:
            silence = AuthoredSilence.model_validate(dict(authored) if isinstance(authored, Mapping) else authored)
        except ValidationError as exc:
            content.problems += explain.explain(exc, AuthoredSilence, document, at=("silences", index))
        else:
            content.silences.append(PlacedSilence(silence, document, index))
    return content
