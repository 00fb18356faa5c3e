"""No two native rules have the same name, nor that of a built-in one: it is their identity."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Position, Problem
from incidentd.catalog.rule import BUILT_IN

NAME = "rule-names"


def check(subject: Subject) -> Iterator[Problem]:
    first: dict[str, Position] = {}
    for authored in subject.rules:
        if not authored.rule.is_native:
            continue
        position = authored.position("name")
        earlier = first.setdefault(authored.rule.name, position)
        if earlier is not position:
            yield Problem(
                position,
                f"there is another rule called {authored.rule.name}, in {earlier.file}:{earlier.line}",
                "rename one of them; give both the same `incident` if they should share one",
                check=NAME,
            )
        if authored.rule.name in BUILT_IN:
            yield Problem(
                position,
                f"{authored.rule.name} is the name of a built-in rule",
                "rename it; the built-in ones watch the sources and the evaluation itself",
                check=NAME,
            )
