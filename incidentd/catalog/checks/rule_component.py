"""Every component that a rule names is on the status page."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Problem

NAME = "rule-component"


def check(subject: Subject) -> Iterator[Problem]:
    """A warning only: the rules that ship name a component that a user may not have."""
    if "statuspage" not in subject.config.model_fields_set:
        return
    known = [component.id for component in subject.config.statuspage.components]
    for authored in subject.rules:
        name = authored.rule.component
        if name and name not in known:
            message = f"the status page has no component `{name}`: {authored.rule.name} will not show there"
            hint = did_you_mean(name, known) or "add it to statuspage.components"
            yield Problem(authored.position("component"), message, hint, check=NAME, gravity=Gravity.WARNING)
