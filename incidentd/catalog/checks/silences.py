"""Silences in files have names of their own, announce components that there are, and are not over."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.problem import Gravity, Position, Problem
from incidentd.catalog.silence import PlacedSilence

NAME = "silences"


def check(subject: Subject) -> Iterator[Problem]:
    first: dict[str, Position] = {}
    for placed in subject.silences:
        position = placed.position("id")
        earlier = first.setdefault(placed.silence.id, position)
        if earlier is not position:
            message = f"there is another silence called {placed.silence.id}, in {earlier.file}:{earlier.line}"
            yield Problem(position, message, "rename one of them", check=NAME)
        yield from _components(subject, placed)
        yield from _over(subject, placed)


def _components(subject: Subject, placed: PlacedSilence) -> Iterator[Problem]:
    if placed.silence.maintenance is None:
        return
    known = [component.id for component in subject.config.statuspage.components]
    for index, name in enumerate(placed.silence.maintenance.components):
        if name not in known:
            position = placed.position("maintenance", "components", index)
            hint = did_you_mean(name, known) or "add it to statuspage.components"
            yield Problem(position, f"the status page has no component `{name}`", hint, check=NAME)


def _over(subject: Subject, placed: PlacedSilence) -> Iterator[Problem]:
    ends_at = placed.silence.ends_at
    if ends_at is not None and ends_at <= subject.now:
        message = f"the silence {placed.silence.id} is over: it mutes nothing any more"
        yield Problem(placed.position("ends_at"), message, "remove it", check=NAME, gravity=Gravity.WARNING)
