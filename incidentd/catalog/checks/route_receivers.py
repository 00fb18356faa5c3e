"""Every incident reaches a receiver, and every route can be reached."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.document import Loc
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Position, Problem
from incidentd.catalog.route import Route
from incidentd.severity import Severity

NAME = "route-receivers"


def check(subject: Subject) -> Iterator[Problem]:
    yield from _receivers(subject)
    yield from _root(subject)
    yield from _node(subject, subject.config.route, ("route",))


def _receivers(subject: Subject) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, receiver in enumerate(subject.config.receivers):
        position = subject.document.position(("receivers", index, "name"))
        if receiver.name in seen:
            yield Problem(position, f"there is another receiver called {receiver.name}", "rename one", check=NAME)
        seen.add(receiver.name)
        if not any(receiver.destinations()):
            yield _warning(
                position,
                f"the receiver {receiver.name} tells nobody",
                'give it a destination, as in `slack: [{channel: "#alerts"}]`',
            )


def _root(subject: Subject) -> Iterator[Problem]:
    route = subject.config.route
    position = subject.document.key_position(("route",)) if "route" in subject.document.data else _file(subject)
    if route.receiver is None:
        yield Problem(position, "the route has no receiver: incidents that no branch takes reach nobody",
                      "add `route: {receiver: <name>}`", check=NAME)  # fmt: skip
    if route.matchers.all_of or route.severity:
        yield Problem(position, f"the route takes only some incidents, the others ({_left_out(route)}) reach nobody",
                      "move `matchers` and `severity` into a branch below `routes`", check=NAME)  # fmt: skip


def _left_out(route: Route) -> str:
    missing = [severity.value for severity in Severity if route.severity and severity not in route.severity]
    return ", ".join(missing) or "with other labels"


def _node(subject: Subject, route: Route, loc: Loc) -> Iterator[Problem]:
    known = [receiver.name for receiver in subject.config.receivers]
    if route.receiver is not None and route.receiver not in known:
        position = subject.document.position((*loc, "receiver"))
        hint = did_you_mean(route.receiver, known) or "add it to `receivers`"
        yield Problem(position, f"there is no receiver `{route.receiver}`", hint, check=NAME)
    for index, branch in enumerate(route.routes):
        at = (*loc, "routes", index)
        yield from _shadowed(subject, route, index, at)
        yield from _node(subject, branch, at)


def _shadowed(subject: Subject, parent: Route, index: int, loc: Loc) -> Iterator[Problem]:
    branch, position = parent.routes[index], subject.document.position(loc)
    if parent.severity and branch.severity and not set(parent.severity) & set(branch.severity):
        listed = ", ".join(parent.severity)
        yield _warning(position, f"nothing reaches this branch: the one above takes only {listed}", "move it out")
    for earlier in range(index):
        if _takes_all_of(parent.routes[earlier], branch):
            line = subject.document.position((*loc[:-1], earlier)).line
            hint = "put it first, or give the earlier one `continue: true`"
            yield _warning(position, f"nothing reaches this branch: the one in line {line} takes it all", hint)
            return


def _takes_all_of(earlier: Route, later: Route) -> bool:
    matchers = set(earlier.matchers.all_of) <= set(later.matchers.all_of)
    severities = not earlier.severity or (later.severity and set(later.severity) <= set(earlier.severity))
    return matchers and bool(severities) and not earlier.go_on


def _warning(position: Position, message: str, hint: str) -> Problem:
    return Problem(position, message, hint, check=NAME, gravity=Gravity.WARNING)


def _file(subject: Subject) -> Position:
    return Position(subject.document.file)
