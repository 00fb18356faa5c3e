"""Severity and labels -> the receivers who hear of it now or later, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from incidentd.catalog.route import Route
from incidentd.labels import Labels
from incidentd.routing.mute import Muted
from incidentd.severity import Severity


@dataclass(frozen=True, slots=True)
class Routed:
    """One receiver, and the routes that led there: the root first, each as its conditions read. *muted* says why the
    last of them tells nobody at this time."""

    receiver: str
    path: tuple[str, ...]
    muted: Muted | None = None


def route(
    root: Route, severity: Severity, labels: Labels, *, muted: Callable[[Route], Muted | None] = lambda _: None
) -> tuple[Routed, ...]:
    """Every receiver once, in the order in which the tree names them; empty when the tree leads nowhere. Matchers see
    the severity as a label too, unless the incident has one of that name. *muted* says of a node why it is muted now;
    a receiver that two of them lead to is muted when both are."""
    labels = {"severity": severity.value, **labels}
    found: dict[str, Routed] = {}
    for node, one in _walk(root, severity, labels, inherited=None, path=()):
        known = found.get(one.receiver)
        if known is not None and known.muted is None:
            continue
        why = muted(node)
        if known is None or why is None:
            found[one.receiver] = replace(one, muted=why)
    return tuple(found.values())


def applies(node: Route, severity: Severity, labels: Labels) -> bool:
    """Whether the node's own conditions are met."""
    return (not node.severity or severity in node.severity) and node.matchers.matches(labels)


def describe(node: Route) -> str:
    """The node's conditions as a person would read them."""
    conditions = [str(matcher) for matcher in node.matchers.all_of]
    if node.severity:
        conditions.append("severity " + ", ".join(node.severity))
    return " and ".join(conditions) or "everything"


def _walk(
    node: Route, severity: Severity, labels: Labels, *, inherited: str | None, path: tuple[str, ...]
) -> Iterator[tuple[Route, Routed]]:
    receiver = node.receiver or inherited
    path = (*path, describe(node))
    matched = False
    for child in node.routes:
        if not applies(child, severity, labels):
            continue
        matched = True
        yield from _walk(child, severity, labels, inherited=receiver, path=path)
        if not child.go_on:
            break
    if not matched and receiver is not None:
        yield node, Routed(receiver, path)
