"""Every rule has a runbook, and it exists."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog import runbook_link
from incidentd.catalog.authored_rule import AuthoredRule
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Problem
from incidentd.catalog.rule import Rule

NAME = "rule-runbook"


def check(subject: Subject) -> Iterator[Problem]:
    runbooks = subject.catalog.runbooks
    for authored in subject.rules:
        rule = authored.rule
        name = rule.runbook
        if not rule.is_native:
            if rule.opens and not (name or runbook_link.leads_out(rule.runbook_url) or _is_templated(rule)):
                yield _nowhere(authored)
        elif not name:
            message = f"{authored.rule.name} has no runbook"
            hint = "write one, and name it with `runbook: <file name without .md>`"
            yield Problem(authored.position("name"), message, hint, check=NAME, gravity=Gravity.WARNING)
        elif name.lower() not in runbooks:
            hint = did_you_mean(name.lower().removesuffix(".md"), runbooks) or "write it as <name>.md below runbooks/"
            yield Problem(authored.position("runbook"), f"there is no runbook `{name}`", hint, check=NAME)


def _is_templated(rule: Rule) -> bool:
    """Whether the runbook is known only when the alert fires."""
    return any("{{" in text for text in runbook_link.said(rule.annotations, rule.labels))


def _nowhere(authored: AuthoredRule) -> Problem:
    """Files of Prometheus are not refused for what they link to."""
    rule = authored.rule
    said = next(iter(runbook_link.said(rule.annotations, rule.labels)), "")
    what = f"its runbook `{said}` is neither a URL nor one of ours" if said else "no runbook"
    name = next((name for name in (*runbook_link.ANNOTATIONS, runbook_link.LABEL) if name in rule.annotations), "")
    return Problem(
        authored.position("annotations", name) if said and name else authored.position("name"),
        f"{rule.name}: {what}" if said else f"{rule.name} has {what}",
        f"write one as {rule.name}.md below runbooks/, or link to one with the annotation runbook_url",
        check=NAME,
        gravity=Gravity.WARNING,
    )
