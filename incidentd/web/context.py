"""What the process hands to its endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Request

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.problem import Problem
from incidentd.clock import Clock
from incidentd.incidents.desk import IncidentDesk
from incidentd.settings import Settings
from incidentd.store.database import Database


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What a reload did, by names of rules. When not *ok* the running catalog stayed, and *problems* say why."""

    ok: bool
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Whether the service does its work. *checks* says of each part how it is, in words for a person."""

    ready: bool
    checks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleState:
    """How a rule's last evaluation went; *seconds* is how long it took, *health* ``unknown`` before the first, *value*
    the worst of its *samples* series."""

    last_evaluation: datetime | None = None
    seconds: float = 0.0
    health: Literal["ok", "err", "unknown"] = "unknown"
    last_error: str = ""
    value: float | None = None
    samples: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebContext:
    """*current* gives the catalog in force, *reload* reads it anew, *rule_states* is keyed by the rules' ids."""

    settings: Settings
    database: Database
    desk: IncidentDesk
    current: Callable[[], Catalog]
    clock: Clock
    reload: Callable[[], ReloadResult]
    health: Callable[[], HealthReport]
    rule_states: Callable[[], Mapping[str, RuleState]]


def _of_app(request: Request) -> WebContext:
    context: WebContext = request.app.state.context
    return context


Context = Annotated[WebContext, Depends(_of_app)]
"""An endpoint's parameter: the context that its application was built with."""
