"""Severity and labels -> the receivers who hear of it, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from incidentd.catalog.route import Route
from incidentd.labels import Labels
from incidentd.severity import Severity


@dataclass(frozen=True, slots=True)
class Routed:
    """One receiver, and the routes that led there: the root first, each as its conditions read."""

    receiver: str
    path: tuple[str, ...]


def route(root: Route, severity: Severity, labels: Labels) -> tuple[Routed, ...]:
    """Every receiver once, in the order in which the tree names them; empty when the tree leads nowhere. Matchers see
    the severity as a label too, unless the incident has one of that name."""
    labels = {"severity": severity.value, **labels}
    found: dict[str, Routed] = {}
    for one in _walk(root, severity, labels, inherited=None, path=()):
        found.setdefault(one.receiver, one)
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
) -> Iterator[Routed]:
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
        yield Routed(receiver, path)
