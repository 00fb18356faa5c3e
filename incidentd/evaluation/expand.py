"""A text of a Prometheus rule + one alert -> what Prometheus would show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from incidentd import gotemplate
from incidentd.alert import Alert
from incidentd.catalog.rule import Rule
from incidentd.labels import Labels
from incidentd.sources.base import Sample

Query = Callable[[str], Sequence[Sample]]
"""Answers ``query`` of a template; raises gotemplate.CallError."""


def text(
    rule: Rule,
    template: str,
    series: Labels,
    value: float | None,
    *,
    at: datetime | None = None,
    query: Query | None = None,
) -> str:
    """*template* for one series with its own labels, or Prometheus' text of what is wrong with it. Never raises."""
    data = gotemplate.Data(
        labels=series,
        value=math.nan if value is None else value,
        external_labels=rule.external_labels,
        external_url=rule.external_url,
        query=query,
        now=at,
    )
    try:
        return gotemplate.expand(template, data, f"__alert_{rule.name}")
    except gotemplate.TemplateError as exc:
        return f"<error expanding template: {exc}>"


def series_of(rule: Rule, alert: Alert) -> Labels:
    """The labels of the alert's series alone: what ``$labels`` means. Before the first evaluation after a start, those
    that the rule covers are not known."""
    if alert.series:
        return alert.series
    added = {*rule.labels, "alertname"}
    return {
        name: value
        for name, value in alert.labels.items()
        if name not in added and rule.external_labels.get(name) != value
    }
