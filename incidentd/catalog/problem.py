"""A finding: what is wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Gravity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file. *line* and *column* count from 1; 0 means that the whole file is meant."""

    file: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. *check* names the check that made it, *hint* says what to do next."""

    position: Position
    message: str
    hint: str = ""
    check: str = "syntax"
    gravity: Gravity = Gravity.ERROR


class CatalogError(Exception):
    """The catalog was refused; the problems say why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{one.position.file}:{one.position.line}: {one.message}" for one in problems))
