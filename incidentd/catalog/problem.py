"""A finding: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Gravity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. *line* and *column* count from 1; 0 means that the whole file is meant. *length* counts the
    characters from there on that are meant."""

    file: str
    line: int = 0
    column: int = 0
    length: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. *check* names the check that made it, *hint* says what to do next."""

    position: Position
    message: str
    hint: str = ""
    check: str = "syntax"
    gravity: Gravity = Gravity.ERROR


class CatalogError(Exception):
    """The catalog was refused; the problems say why, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: (one.position, one.message)))
        super().__init__("; ".join(f"{one.position.file}:{one.position.line}: {one.message}" for one in self.problems))
