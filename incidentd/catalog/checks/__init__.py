"""One check a file: what was read -> problems."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks import (
    receiver_channels,
    route_receivers,
    rule_alerts_series,
    rule_component,
    rule_condition,
    rule_expr,
    rule_levels,
    rule_names,
    rule_reserved_label,
    rule_runbook,
    rule_severity,
    rule_source,
    rule_templates,
    runbook_escalation,
    silences,
    time_intervals,
)
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Problem

OF_RULES = (
    rule_expr,
    rule_reserved_label,
    rule_alerts_series,
    rule_condition,
    rule_names,
    rule_levels,
    rule_templates,
    rule_runbook,
    runbook_escalation,
)
"""Those that need no configuration."""
CHECKS = (
    *OF_RULES,
    rule_severity,
    rule_source,
    rule_component,
    route_receivers,
    receiver_channels,
    time_intervals,
    silences,
)
"""Every check: a module with its ``NAME`` and ``check(subject) -> Iterator[Problem]``."""


def run(subject: Subject, *, only_rules: bool) -> Iterator[Problem]:
    """What the checks find; *only_rules* when the configuration is broken and would be blamed for the rules."""
    for one in OF_RULES if only_rules else CHECKS:
        yield from one.check(subject)
