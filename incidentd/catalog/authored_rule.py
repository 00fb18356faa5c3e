"""A rule, and where each of its values stands in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Position, Problem
from incidentd.catalog.rule import Rule


@dataclass(frozen=True, slots=True)
class AuthoredRule:
    """*locate* says where the value at a path of the rule stands in *document*."""

    rule: Rule
    document: Document
    locate: Callable[[Loc], Loc]

    def position(self, *path: str | int) -> Position:
        """Where the value at *path* of the rule stands, in what it is inherited from if it comes from there."""
        return self.document.position(self.locate(path))

    def inside(self, path: Loc, offset: int, length: int) -> Position:
        """Where the characters from *offset* of the text at *path* stand."""
        return self.document.inside(self.locate(path), offset, length)


@dataclass(slots=True)
class RuleFileContent:
    """What one document gave: the rules that are well formed, what is wrong with the others, and how many recording
    rules were left out."""

    rules: list[AuthoredRule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    recording: int = 0
