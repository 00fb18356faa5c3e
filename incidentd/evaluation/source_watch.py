"""A source that leaves rules unanswered -> one alert of a built-in rule."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from incidentd.alert import Alert
from incidentd.catalog.rule import SOURCE_FAILING, Level, Rule
from incidentd.evaluation import ladder
from incidentd.incidents.evaluated import Evaluated
from incidentd.labels import fingerprint
from incidentd.settings import Source
from incidentd.sources.base import Answered, Sample, Unknown


def rule_for(source: Source) -> Rule:
    """The rule that counts what a source leaves unanswered. Authored rules cannot have its name."""
    return Rule(
        name=SOURCE_FAILING,
        expr="count of rules without an answer",
        levels=(Level.model_validate({"when": "> 0", "for": source.failing_for, "severity": source.failing_severity}),),
        group_by=("source",),
        runbook="source-failing",
        summary="{{ labels.source }} leaves {{ value | int }} rules without an answer; they hold their last state",
    )


def watch(source: str, rule: Rule, unknown: Collection[Unknown], previous: Alert | None, at: datetime) -> Evaluated:
    """What the source's answers at *at* mean; the first error is the evidence."""
    labels = {"source": source}
    answer = Answered((Sample(labels, float(len(unknown))),))
    before = {fingerprint(labels): previous} if previous is not None else {}
    evidence = next((f"{one.reason}: {one.message}" for one in unknown), "")
    return Evaluated(rule, tuple(ladder.step(rule, answer, before, at)), evidence)
