"""Time intervals have names of their own, and routes name those that there are."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.document import Loc
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Problem
from incidentd.catalog.route import Route

NAME = "time-intervals"

_KEYS = ("mute_time_intervals", "active_time_intervals")


def check(subject: Subject) -> Iterator[Problem]:
    used = {name for route in _all(subject.config.route) for key in _KEYS for name in getattr(route, key)}
    seen: set[str] = set()
    for index, one in enumerate(subject.config.time_intervals):
        position = subject.document.position(("time_intervals", index, "name"))
        if one.name in seen:
            yield Problem(position, f"there are other time intervals called {one.name}", "rename one", check=NAME)
        elif one.name not in used:
            message = f"no route names the time intervals {one.name}"
            hint = f"add `mute_time_intervals: [{one.name}]` to a route"
            yield Problem(position, message, hint, check=NAME, gravity=Gravity.WARNING)
        seen.add(one.name)
    yield from _root(subject)
    yield from _route(subject, subject.config.route, ("route",), seen)


def _root(subject: Subject) -> Iterator[Problem]:
    """As in Alertmanager: it takes what no branch takes."""
    for key in _KEYS:
        if getattr(subject.config.route, key):
            yield Problem(
                subject.document.key_position(("route", key)),
                f"the root of the route cannot have {key}",
                "put a branch below `routes` that has them",
                check=NAME,
            )


def _route(subject: Subject, route: Route, loc: Loc, known: set[str]) -> Iterator[Problem]:
    for key in _KEYS:
        for index, name in enumerate(getattr(route, key)):
            if name not in known:
                hint = did_you_mean(name, known) or "add them to `time_intervals`"
                position = subject.document.position((*loc, key, index))
                yield Problem(position, f"there are no time intervals `{name}`", hint, check=NAME)
    for index, branch in enumerate(route.routes):
        yield from _route(subject, branch, (*loc, "routes", index), known)


def _all(route: Route) -> Iterator[Route]:
    yield route
    for branch in route.routes:
        yield from _all(branch)
