"""Questions -> packs, each of which is one query; a query's series -> whose they are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from incidentd.sources import expression
from incidentd.sources.base import Question, Reason
from incidentd.sources.envelope import Blame, SourceError
from incidentd.sources.expression import RESERVED, Kind

MOST_CHARACTERS = 2**16
"""Of one query, unless a single expression is longer. Encoded it is up to three times as long: proxies refuse 1 MiB."""
_HEAVY = 4
"""A pack may weigh so many times what it would if all its members were simple rates."""


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """Different questions that one query asks, all with one offset."""

    questions: tuple[Question, ...]
    query: str

    @property
    def offset(self) -> timedelta:
        return self.questions[0].offset

    def halves(self) -> tuple[Pack, Pack]:
        """Two packs for one of at least two questions."""
        middle = len(self.questions) // 2
        return pack(self.questions[:middle]), pack(self.questions[middle:])


def pack(questions: Sequence[Question]) -> Pack:
    """*questions* that may stand together; a single one is asked as it is written."""
    members = tuple(questions)
    if len(members) == 1:
        return Pack(members, members[0].expr)
    parts = [expression.labelled(question.expr, str(index)) for index, question in enumerate(members)]
    while len(parts) > 1:  # balanced: `or` over a long list on its left would compare everything with everything
        paired = [f"({left} or {right})" for left, right in zip(parts[::2], parts[1::2], strict=False)]
        parts = paired + parts[len(paired) * 2 :]
    return Pack(members, parts[0])


def packs(questions: Iterable[Question], size: int, most: Callable[[Question], int | None]) -> tuple[Pack, ...]:
    """Each of the different *questions* in one pack of at most *size*, and of at most what *most* says of it."""
    together: dict[tuple[timedelta, int], list[Question]] = {}
    alone: list[Pack] = []
    for question in questions:
        bound = min(size, most(question) or size)
        if bound == 1 or question.alone or expression.kind(question.expr) is Kind.ALONE:
            alone.append(pack([question]))
        else:
            together.setdefault((question.offset, bound), []).append(question)
    full = [pack(part) for (_, bound), members in together.items() for part in _parts(members, bound)]
    return (*full, *alone)


def _parts(members: Sequence[Question], size: int) -> Iterator[list[Question]]:
    """Parts of even size, cut earlier where they get too long or too heavy."""
    count = -(-len(members) // size)
    even = -(-len(members) // count)
    part: list[Question] = []
    characters = weight = 0
    for question in members:
        longer = len(question.expr) + 50
        heavier = expression.weight(question.expr)
        full = len(part) == even or characters + longer > MOST_CHARACTERS or weight + heavier > _HEAVY * size
        if part and full:
            yield part
            part, characters, weight = [], 0, 0
        part.append(question)
        characters += longer
        weight += heavier
    yield part


def sorted_out(asked: Pack, series: list[Any]) -> list[list[Any]]:
    """The series of each question of *asked*, in its order, without the reserved label.

    Raises SourceError if one of them cannot be told.
    """
    if len(asked.questions) == 1:
        return [series]
    found: list[list[Any]] = [[] for _ in asked.questions]
    for one in series:
        try:
            whose = int(one["metric"].pop(RESERVED))
            found[whose if whose >= 0 else len(found)].append(one)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as exc:
            text = f"answered a series without the label {RESERVED} that it was asked to set; see the setting `pack`"
            raise SourceError(Reason.MALFORMED, text, Blame.QUERY) from exc
    return found
