"""Alerts that fire -> the texts of their annotations, before anything of them is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from incidentd import gotemplate
from incidentd.alert import Alert, Phase
from incidentd.catalog.rule import Rule
from incidentd.evaluation import expand
from incidentd.incidents.evaluated import Evaluated
from incidentd.sources.base import Answer, Answered, Sample

_MOST_QUERIES = 50
"""Of one group at one slot: templates must not take the time of the rules."""

Ask = Callable[[str], Answer]
"""Asks the rule's source for one expression, at the slot's time."""


def annotate(evaluations: Sequence[Evaluated], ask: Ask, at: datetime) -> list[Evaluated]:
    """*evaluations* with the texts of what is news and fires. Equal queries are asked once, and no more than 50; a
    template that fails has Prometheus' own text. Never raises."""
    query = _Queries(ask)
    return [
        replace(one, annotations=_of_rule(one, query, at)) if one.rule.annotations and one.transitions else one
        for one in evaluations
    ]


def texts(rule: Rule, alert: Alert, at: datetime | None, query: expand.Query | None = None) -> dict[str, str]:
    """The annotations of one alert by their names. Never raises."""
    series = expand.series_of(rule, alert)
    return {
        name: expand.text(rule, template, series, alert.value, at=at, query=query).replace("\0", "\ufffd")
        for name, template in rule.annotations.items()
    }


def _of_rule(evaluated: Evaluated, query: expand.Query, at: datetime) -> Mapping[str, Mapping[str, str]]:
    return {
        transition.after.key.fingerprint: texts(evaluated.rule, transition.after, at, query)
        for transition in evaluated.transitions
        if transition.after.phase is Phase.FIRING and transition.is_news and not transition.after.is_clearing
    }


class _Queries:
    """Answers the queries of templates; each is asked once."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._answers: dict[str, Answer] = {}

    def __call__(self, expr: str) -> Sequence[Sample]:
        if expr not in self._answers:
            if len(self._answers) >= _MOST_QUERIES:
                raise gotemplate.CallError(f"more than {_MOST_QUERIES} queries in one evaluation")
            self._answers[expr] = self._ask(expr)
        answer = self._answers[expr]
        if isinstance(answer, Answered):
            return answer.samples
        raise gotemplate.CallError(f"{answer.reason}: {answer.message}")
