"""An alert rule: an expression, its ladder, and who it concerns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

from pydantic import Field, field_validator, model_validator

from incidentd.catalog.condition import Condition
from incidentd.duration import Duration
from incidentd.settings import Section, SomeTime
from incidentd.severity import Severity

SOURCE_FAILING = "SourceFailing"
EVALUATION_LAGGING = "EvaluationLagging"
BUILT_IN = (SOURCE_FAILING, EVALUATION_LAGGING)
"""Names of rules that incidentd brings itself."""

_LEVEL_KEYS = ("when", "for", "severity")
_Loaded: Any = partial(Field, exclude=True)
"""A field that no native rule authors: loading fills it in."""


class NoData(StrEnum):
    """What it means that a series vanished from a complete answer."""

    OK = "ok"
    HOLD = "hold"
    ALERT = "alert"


class Level(Section):
    """One step of the ladder. Without *when* every returned series breaches."""

    severity: Severity
    when: Condition | None = None
    holds_for: Duration = Field(default=timedelta(), alias="for")


class Resolve(Section):
    """When an alert is over: *when* must be met (default: no level is breached) for this long."""

    when: Condition | None = None
    holds_for: Duration = Field(default=timedelta(), alias="for")


class Rule(Section):
    """One rule, defaults merged in. *levels* stand worst first. Native rules have different names. Where *source* or
    *every* is not authored, loading fills in the only source and the source's interval.

    *external_labels* and *external_url* are those of the source. The last ones are those of a rule that comes from a
    Prometheus file: its *annotations* are Go templates, as are its labels; *file* is relative to the path of rules
    that it was found under; *runbook_url* is where its runbook is, if that is known before it fires; *opens* is False
    where its severity says that nobody responds; *identity* is empty for a native rule.
    """

    name: str = Field(min_length=1)
    expr: str = Field(min_length=1)
    levels: tuple[Level, ...] = Field(min_length=1)
    source: str = "prometheus"
    every: SomeTime = timedelta(seconds=30)
    query_offset: Duration = timedelta()
    resolve: Resolve = Resolve()
    cooldown: Duration = timedelta(minutes=5)
    group_by: tuple[str, ...] = ()
    incident: str | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    no_data: NoData = NoData.OK
    limit: int = Field(default=0, ge=0)
    runbook: str | None = None
    component: str | None = None
    owner: str = ""
    summary: str = ""
    description: str = ""
    enabled: bool = True
    pack: bool = True
    heartbeat: bool = False
    external_labels: Mapping[str, str] = _Loaded(default_factory=dict)
    external_url: str = _Loaded(default="")
    annotations: Mapping[str, str] = _Loaded(default_factory=dict)
    group: str = _Loaded(default="")
    file: str = _Loaded(default="")
    runbook_url: str = _Loaded(default="")
    opens: bool = _Loaded(default=True)
    identity: tuple[str, ...] = _Loaded(default=())

    @model_validator(mode="before")
    @classmethod
    def _expand_short_forms(cls, data: Any) -> Any:
        """One level may stand beside ``expr``; ``keep_firing_for`` is ``resolve.for`` by its Prometheus name."""
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        short = {key: values.pop(key) for key in _LEVEL_KEYS if key in values}
        if short and "levels" in values:
            raise ValueError(f"{', '.join(short)} stand beside levels; move them into a level")
        if short:
            values["levels"] = [short]
        if "keep_firing_for" in values:
            if "resolve" in values:
                raise ValueError("keep_firing_for stands beside resolve; write resolve.for alone")
            values["resolve"] = {"for": values.pop("keep_firing_for")}
        return values

    @field_validator("levels")
    @classmethod
    def _worst_first(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        ladder = tuple(sorted(levels, key=lambda level: level.severity.rank))
        if len({level.severity for level in ladder}) < len(ladder):
            raise ValueError("two levels have the same severity; keep one of them")
        for worse, milder in pairwise(ladder):
            _require_nested(worse, milder)
        return ladder

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits that stay the same while a native rule keeps its name, another its *identity*."""
        parts = ("prometheus", *self.identity) if self.identity else ("native", self.name)
        return hashlib.blake2b("\xff".join(parts).encode(), digest_size=8).hexdigest()

    @property
    def is_native(self) -> bool:
        """Whether its texts are ours (Jinja), not those of a Prometheus file (Go templates)."""
        return not self.identity

    @cached_property
    def templated_labels(self) -> Mapping[str, str]:
        """The labels that are Go templates."""
        return {} if self.is_native else {name: text for name, text in self.labels.items() if "{{" in text}

    @property
    def compares_by_itself(self) -> bool:
        """Whether the expression, not ``when``, decides: a series that it does not return is not breaching."""
        return self.levels[-1].when is None


LOADED_KEYS = tuple(name for name, field in Rule.model_fields.items() if field.exclude)
"""What stands in no native rule file."""


def _require_nested(worse: Level, milder: Level) -> None:
    if worse.when is None or milder.when is None:
        raise ValueError('a ladder of several levels needs `when` in each of them; write one like when: "> 5%"')
    direction = worse.when.direction
    if direction == 0 or direction != milder.when.direction:
        raise ValueError(
            "the levels of a ladder must compare in the same direction; write all with `>` or all with `<`"
        )
    if (worse.when.threshold - milder.when.threshold) * direction <= 0:
        raise ValueError(
            f"{worse.severity} ({worse.when.text}) must be harder to reach than {milder.severity} ({milder.when.text})"
            "; give the worse severity to the level that is reached last"
        )
