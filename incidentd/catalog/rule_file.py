"""One document of a rule file -> its rules, defaults merged in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from incidentd.catalog import explain, prometheus_rules
from incidentd.catalog.authored_rule import AuthoredRule, RuleFileContent
from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Problem
from incidentd.catalog.rule import LOADED_KEYS, NoData, Resolve, Rule
from incidentd.catalog.surroundings import Surroundings
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


def parse(document: Document, surroundings: Surroundings, file: str) -> RuleFileContent:
    """The rules of *document*, be it ours or of Prometheus. *file* is what it is called below its path of rules. The
    only source is a rule's source, and its ``every`` the rule's, unless the rule says otherwise."""
    if prometheus_rules.is_one(document):
        return prometheus_rules.parse(document, surroundings, file)
    content = RuleFileContent()
    outline = _validated(_Outline, document.data, document, (), content.problems, described_by=RuleFile)
    if outline is None:
        return content
    defaults = _defaults(outline.defaults, document, content.problems)
    for index, authored in enumerate(outline.rules):
        at = ("rules", index)
        data = _own_keys(authored, document, at, content.problems) if isinstance(authored, Mapping) else authored
        data = _merged(defaults, data, surroundings) if isinstance(data, Mapping) else data
        rule = _validated(Rule, data, document, at, content.problems)
        if rule is not None:
            content.rules.append(AuthoredRule(rule, document, partial(_locate, document, at)))
    return content


def _own_keys(authored: Mapping[str, Any], document: Document, at: Loc, problems: list[Problem]) -> dict[str, Any]:
    """*authored* without what belongs to Prometheus' files."""
    for key in LOADED_KEYS:
        if key in authored:
            hint = "write `summary` and `description`" if key == "annotations" else "remove it"
            problems.append(Problem(document.key_position((*at, key)), f"there is no key `{key}`", hint))
    return {key: value for key, value in authored.items() if key not in LOADED_KEYS}


def _defaults(data: Mapping[str, Any], document: Document, problems: list[Problem]) -> dict[str, Any]:
    """The defaults that are well formed."""
    try:
        Defaults.model_validate(data)
    except ValidationError as exc:
        problems.extend(explain.explain(exc, Defaults, document, at=("defaults",)))
        broken = {error["loc"][0] for error in exc.errors() if error["loc"]}
        return {key: value for key, value in data.items() if key not in broken}
    return dict(data)


def _merged(defaults: Mapping[str, Any], rule: Mapping[str, Any], surroundings: Surroundings) -> dict[str, Any]:
    inherited = dict(defaults)
    if any(key in rule for key in _SAME_THING):
        inherited = {key: value for key, value in inherited.items() if key not in _SAME_THING}
    merged = {**inherited, **rule}
    if isinstance(rule.get("labels"), Mapping) and "labels" in inherited:
        merged["labels"] = {**inherited["labels"], **rule["labels"]}
    if "source" not in merged and surroundings.only_source is not None:
        merged["source"] = surroundings.only_source
    return {**surroundings.of_source(str(merged.get("source", "prometheus"))), **merged}


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
