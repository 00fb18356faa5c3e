"""One document of a Prometheus rule file -> its alerts as rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from incidentd.catalog import explain, identity, prometheus_groups, prometheus_keys
from incidentd.catalog.authored_rule import AuthoredRule, RuleFileContent
from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Problem
from incidentd.catalog.rule import Rule
from incidentd.catalog.surroundings import Surroundings
from incidentd.duration import Duration
from incidentd.settings import Section
from incidentd.severity import Severity

_M = TypeVar("_M", bound=BaseModel)
is_one = prometheus_groups.is_one

_MAPPINGS = ("labels", "annotations")


class PrometheusGroup(Section):
    """A group of rules as Prometheus reads it."""

    name: str = Field(min_length=1)
    interval: Duration = timedelta()
    limit: int = Field(default=0, ge=0)
    query_offset: Duration = timedelta()
    labels: Mapping[str, str] = Field(default_factory=dict)
    rules: tuple[Any, ...] = ()


class PrometheusAlert(Section):
    """An alerting rule as Prometheus reads it."""

    alert: str = Field(min_length=1)
    expr: str = Field(min_length=1)
    holds_for: Duration = Field(default=timedelta(), alias="for")
    keep_firing_for: Duration = timedelta()
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)


def parse(document: Document, surroundings: Surroundings, file: str) -> RuleFileContent:
    """The alerts of *document*. Recording rules are counted and left out. Values are read as they are written:
    ``condition: true`` is the text "true"."""
    content = RuleFileContent()
    reader = _Reader(document, surroundings, file, content)
    for at in prometheus_groups.find(document, content.problems):
        reader.groups(at)
    return content


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Document
    surroundings: Surroundings
    file: str
    content: RuleFileContent

    def groups(self, at: Loc) -> None:
        found = _as_written(self.document, at)
        if isinstance(found, list):
            for index, group in enumerate(found):
                self.group(group, (*at, index))
        elif found is not None:
            self._wrong(at, "`groups` must be a list", "begin each group with `- name: ...`")

    def group(self, written: Any, at: Loc) -> None:
        if isinstance(written, Mapping):
            self.content.problems += prometheus_keys.findings(written, self.document, at)
            if not prometheus_keys.is_promql(written):
                return
            delay = next((written[key] for key in prometheus_keys.DELAYS if key in written), None)
            left_out = prometheus_keys.OF_A_GROUP.union(prometheus_keys.DELAYS)
            written = {key: value for key, value in written.items() if key not in left_out}
            written |= {"query_offset": delay} if delay is not None else {}
        group = self._validated(PrometheusGroup, written, at)
        if group is not None:
            for index, rule in enumerate(group.rules):
                self.rule(group, rule, at, (*at, "rules", index))

    def rule(self, group: PrometheusGroup, written: Any, group_at: Loc, at: Loc) -> None:
        if isinstance(written, Mapping):
            if "record" in written and "alert" not in written:
                self.content.recording += 1
                return
            if "record" in written:
                self._wrong((*at, "record"), "a rule is an alert or a record, not both", "make two rules of it")
                return
            written = {key: value for key, value in written.items() if key not in prometheus_keys.OF_A_RULE}
        alert = self._validated(PrometheusAlert, written, at)
        if alert is not None:
            rule = Rule.model_validate(self._data(group, alert))
            self.content.rules.append(AuthoredRule(rule, self.document, partial(_locate, self.document, at, group_at)))

    def _data(self, group: PrometheusGroup, alert: PrometheusAlert) -> dict[str, Any]:
        """The fields of the rule that *alert* is."""
        settings = self.surroundings.prometheus
        source = settings.source or self.surroundings.only_source or "prometheus"
        labels = {**group.labels, **alert.labels}
        severity = settings.severity_of(labels)
        heartbeat = settings.is_heartbeat(alert.alert, alert.expr, labels)
        if heartbeat:
            severity = severity or settings.heartbeat_severity
        return {
            "every": timedelta(seconds=30),
            **self.surroundings.of_source(source),
            **({"every": group.interval} if group.interval else {}),
            "name": alert.alert,
            "expr": alert.expr,
            "levels": [{"severity": severity or Severity.SEV4, "for": alert.holds_for}],
            "resolve": {"for": alert.keep_firing_for},
            "source": source,
            "cooldown": settings.cooldown,
            "group_by": settings.group_by,
            "labels": labels,
            "limit": group.limit,
            "query_offset": group.query_offset,
            "heartbeat": heartbeat,
            "annotations": alert.annotations,
            "group": group.name,
            "file": self.file,
            "opens": severity is not None,
            "identity": identity.of_alert(self.file, group.name, alert.alert, labels),
        }

    def _validated(self, model: type[_M], data: Any, at: Loc) -> _M | None:
        try:
            return model.model_validate(data)
        except ValidationError as exc:
            self.content.problems += explain.explain(exc, model, self.document, at=at)
            return None

    def _wrong(self, at: Loc, message: str, hint: str) -> None:
        self.content.problems.append(Problem(self.document.key_position(at), message, hint))


def _as_written(document: Document, at: Loc) -> Any:
    """What stands at *at*, every scalar as the text that it is written as. A key without a value is left out; among
    labels and annotations it is the empty text, as in Prometheus."""
    value: Any = document.data
    for step in at:
        value = value[step]
    return _texts(value, at, document)


def _texts(value: Any, at: Loc, document: Document) -> Any:
    if isinstance(value, dict):
        empty = {} if at[-1] not in _MAPPINGS else {key: "" for key, item in value.items() if item is None}
        return empty | {key: _texts(item, (*at, key), document) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_texts(item, (*at, index), document) for index, item in enumerate(value)]
    return document.places[at].text if value is not None else None


def _locate(document: Document, at: Loc, group_at: Loc, path: Loc) -> Loc:
    """Where *path* of the rule stands: in the alert, else in its group, else the alert's name stands for it."""
    found = ((*base, *path) for base in (at, group_at) if path and path != ("name",))
    return next((loc for loc in found if loc in document.places), (*at, "alert"))
