"""A document of Prometheus' shape -> where its groups stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from incidentd.catalog.document import Document, Loc
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Problem

_OBJECTS = ("PrometheusRule", "VMRule")
"""Kubernetes objects with groups in their ``spec``; the second is VictoriaMetrics' own."""
_BESIDE = ("groups", "namespace")
"""Mimir's tools write the second."""


def is_one(document: Document) -> bool:
    """Whether *document* is a Prometheus rule file or a Kubernetes object."""
    data = document.data
    return isinstance(data, Mapping) and ("groups" in data or {"apiVersion", "kind"} <= data.keys())


def find(document: Document, problems: list[Problem]) -> Iterator[Loc]:
    """Where each list of groups of *document* stands, one after the other; what is wrong on the way is added to
    *problems*."""
    if "kind" in document.data:
        yield from _of_object(document, document.data, (), problems)
        return
    for key in document.data:
        if key not in _BESIDE and not _holds_anchors(document, key):
            hint = did_you_mean(key, _BESIDE)
            hint = hint if hint.startswith("did you") else "beside `groups` a key may only hold anchors"
            problems.append(Problem(document.key_position((key,)), f"there is no key `{key}`", hint))
    yield ("groups",)


def _of_object(document: Document, data: Any, at: Loc, problems: list[Problem]) -> Iterator[Loc]:
    kind = str(data.get("kind", "")) if isinstance(data, Mapping) else ""
    if kind in _OBJECTS:
        spec = data.get("spec")
        if isinstance(spec, Mapping) and "groups" in spec:
            yield (*at, "spec", "groups")
        return
    if kind.endswith("List") and isinstance(data.get("items"), list):
        for index, item in enumerate(data["items"]):
            yield from _of_object(document, item, (*at, "items", index), problems)
        return
    position = document.position((*at, "kind") if kind else at)
    message = f"this object is left out: a {kind or 'thing without a kind'} holds no rules"
    problems.append(Problem(position, message, "move it to another folder", gravity=Gravity.WARNING))


def _holds_anchors(document: Document, key: str) -> bool:
    return any(place.value.anchored for loc, place in document.places.items() if loc[:1] == (key,))
