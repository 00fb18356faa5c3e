"""No expression carries the label that tells packed questions apart."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Problem
from incidentd.sources.expression import RESERVED

NAME = "rule-reserved-label"


def check(subject: Subject) -> Iterator[Problem]:
    for authored in subject.rules:
        offset = authored.rule.expr.find(RESERVED)
        if offset >= 0:
            yield Problem(
                authored.inside(("expr",), offset, len(RESERVED)),
                f"{RESERVED} is the label with which incidentd tells apart the rules that it asks in one query",
                "use another name",
                check=NAME,
            )
