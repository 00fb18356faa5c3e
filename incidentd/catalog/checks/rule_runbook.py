"""Every rule has a runbook, and it exists."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Problem

NAME = "rule-runbook"


def check(subject: Subject) -> Iterator[Problem]:
    runbooks = subject.catalog.runbooks
    for authored in subject.rules:
        name = authored.rule.runbook
        if not name:
            message = f"{authored.rule.name} has no runbook"
            hint = "write one, and name it with `runbook: <file name without .md>`"
            yield Problem(authored.position("name"), message, hint, check=NAME, gravity=Gravity.WARNING)
        elif name.lower() not in runbooks:
            hint = did_you_mean(name.lower().removesuffix(".md"), runbooks) or "write it as <name>.md below runbooks/"
            yield Problem(authored.position("runbook"), f"there is no runbook `{name}`", hint, check=NAME)
