"""One rule file -> its rules, defaults merged in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from incidentd.catalog import explain
from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Position, Problem
from incidentd.catalog.rule import NoData, Resolve, Rule
from incidentd.duration import Duration
from incidentd.settings import Section

_M = TypeVar("_M", bound=BaseModel)
_SAME_THING = ("resolve", "keep_firing_for")


class Defaults(Section):
    """What the rules of one file have in common; a rule's own key wins, labels are merged."""

    source: str | None = None
    every: Duration | None = None
    resolve: Resolve | None = None
    keep_firing_for: Duration | None = None
    cooldown: Duration | None = None
    group_by: tuple[str, ...] | None = None
    incident: str | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    no_data: NoData | None = None
    limit: int | None = Field(default=None, ge=0)
    runbook: str | None = None
    component: str | None = None
    owner: str | None = None
    enabled: bool | None = None
    pack: bool | None = None


class RuleFile(Section):
    """The shape of a rule file."""

    defaults: Defaults = Defaults()
    rules: tuple[Rule, ...]


class _Outline(Section):
    """The same with nothing looked into, so that one broken rule does not hide another."""

    defaults: Mapping[str, Any] = Field(default_factory=dict)
    rules: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AuthoredRule:
    """A rule and where it stands: item *index* of the rules of *document*."""

    rule: Rule
    document: Document
    index: int

    @property
    def loc(self) -> Loc:
        return ("rules", self.index)

    def position(self, *path: str | int) -> Position:
        """Where the value at *path* of the rule stands, in the file's defaults if it comes from there."""
        return self.document.position(self.locate(path))

    def inside(self, path: Loc, offset: int, length: int) -> Position:
        """Where the characters from *offset* of the text at *path* stand."""
        return self.document.inside(self.locate(path), offset, length)

    def locate(self, path: Loc) -> Loc:
        return _locate(self.document, self.loc, path)


@dataclass(slots=True)
class RuleFileContent:
    """What one file gave: the rules that are well formed, and what is wrong with the others."""

    rules: list[AuthoredRule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parse(document: Document, intervals: Mapping[str, timedelta]) -> RuleFileContent:
    """The rules of *document*. *intervals* has the ``every`` of each source: the only source is a rule's source, and
    its ``every`` the rule's, unless the rule says otherwise."""
    content = RuleFileContent()
    if isinstance(document.data, Mapping) and "groups" in document.data:
        content.problems.append(_prometheus_file(document))
        return content
    outline = _validated(_Outline, document.data, document, (), content.problems, described_by=RuleFile)
    if outline is None:
        return content
    defaults = _defaults(outline.defaults, document, content.problems)
    for index, authored in enumerate(outline.rules):
        data = _merged(defaults, authored, intervals) if isinstance(authored, Mapping) else authored
        rule = _validated(Rule, data, document, ("rules", index), content.problems)
        if rule is not None:
            content.rules.append(AuthoredRule(rule, document, index))
    return content


def _prometheus_file(document: Document) -> Problem:
    return Problem(
        document.key_position(("groups",)),
        "this is a Prometheus rule file (`groups:`), which is not read yet",
        "write its alerts natively: `rules:` with a list of {name, expr, severity, for, labels, summary, runbook}",
    )


def _defaults(data: Mapping[str, Any], document: Document, problems: list[Problem]) -> dict[str, Any]:
    """The defaults that are well formed."""
    try:
        Defaults.model_validate(data)
    except ValidationError as exc:
        problems.extend(explain.explain(exc, Defaults, document, at=("defaults",)))
        broken = {error["loc"][0] for error in exc.errors() if error["loc"]}
        return {key: value for key, value in data.items() if key not in broken}
    return dict(data)


def _merged(defaults: Mapping[str, Any], rule: Mapping[str, Any], intervals: Mapping[str, timedelta]) -> dict[str, Any]:
    inherited = dict(defaults)
    if any(key in rule for key in _SAME_THING):
        inherited = {key: value for key, value in inherited.items() if key not in _SAME_THING}
    merged = {**inherited, **rule}
    if isinstance(rule.get("labels"), Mapping) and "labels" in inherited:
        merged["labels"] = {**inherited["labels"], **rule["labels"]}
    if "source" not in merged and len(intervals) == 1:
        merged["source"] = next(iter(intervals))
    every = intervals.get(str(merged.get("source", "prometheus")))
    return merged if every is None else {"every": every, **merged}


def _validated(
    model: type[_M],
    data: Any,
    document: Document,
    at: Loc,
    problems: list[Problem],
    *,
    described_by: type[BaseModel] | None = None,
) -> _M | None:
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        problems.extend(
            explain.explain(
                exc, described_by or model, document, at=at, locate=lambda path: _locate(document, at, path)
            )
        )
        return None


def _locate(document: Document, at: Loc, path: Loc) -> Loc:
    """Where *path* of the rule at *at* stands: in the rule, or in the defaults that it inherits from."""
    places = document.places
    if path[:2] == ("resolve", "for") and (*at, "resolve") not in places and (*at, "keep_firing_for") in places:
        return (*at, "keep_firing_for")
    own, inherited = document.nearest((*at, *path)), document.nearest(("defaults", *path))
    return inherited if path and own == at and inherited not in {("defaults",), ()} else (*at, *path)
