"""The escalation steps of a runbook follow one another in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from incidentd import duration
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Gravity, Position, Problem

NAME = "runbook-escalation"


def check(subject: Subject) -> Iterator[Problem]:
    for runbook in subject.catalog.runbooks.values():
        for before, after in pairwise(runbook.front.escalation):
            if after.after <= before.after:
                message = (
                    f"escalation: {after.level} after {duration.text(after.after)} does not follow {before.level} "
                    f"after {duration.text(before.after)}"
                )
                hint = "count every `after` from the start, longest last"
                yield Problem(Position(runbook.file), message, hint, check=NAME, gravity=Gravity.WARNING)
