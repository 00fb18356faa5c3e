"""The parts of a regular expression."""

from dataclasses import dataclass
from typing import TypeAlias

from incidentd.gotemplate.charset import CharSet


@dataclass(frozen=True, slots=True)
class One:
    """One character of a set."""

    chars: CharSet


@dataclass(frozen=True, slots=True)
class Assert:
    """A place: `^` or `$` of the text (A, z) or of a line (^, $), `b` or `B`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Group:
    number: int
    inner: "Regex"


@dataclass(frozen=True, slots=True)
class Repeat:
    inner: "Regex"
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: "tuple[Regex, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    options: "tuple[Regex, ...]"


Regex: TypeAlias = One | Assert | Group | Repeat | Sequence | Choice
