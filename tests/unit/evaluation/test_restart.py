"""What is in the database is enough: kill -9 between any two slots changes neither what happens nor when.

Every walk is done twice, once without a restart and once with one after each slot and each act of a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.evaluation.plant import BREACH, NONE, WELL, Plant, Says, rule
from tests.unit.sources.wire import http

WORSE: Says = (9,)
UNWELL: Says = lambda _: iter([http("", 500)])  # noqa: E731 - a value among values
LADDER = {
    "when": None,
    "severity": None,
    "levels": [
        {"when": "> 5", "severity": "sev1", "for": "2m"},
        {"when": "> 1", "severity": "sev3", "for": "1m"},
    ],
    "resolve": {"when": "< 0.5", "for": "2m"},
    "cooldown": "10m",
}


class Life:
    """A plant that may die at any time."""

    def __init__(self, folder: Path, *, restarts: bool, **authored: Any) -> None:
        self.plant = Plant(folder, rule("Errors", **authored))
        self.restarts = restarts

    def at(self, minute: float, says: Says) -> str:
        """One slot: where the alert stands after it, and everything that people heard by then."""
        self.plant.at(minute, Errors=says)
        return self._said()

    def resolve(self, minute: float) -> str:
        self.plant.resolve(minute)
        return self._said()

    def _said(self) -> str:
        if self.restarts:
            self.plant.restart()
            self.plant.tick()  # comes before the first slot
        told = ", ".join(one.partition(": ")[2] for one in self.plant.told())
        return f"{self.plant.alert('Errors')}; {told}".rstrip("; ")


@pytest.fixture(params=[False, True], ids=["in one life", "killed after each slot"])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    lives: list[Life] = []

    def begin(**authored: Any) -> Life:
        lives.append(Life(tmp_path, restarts=request.param, **authored))
        return lives[-1]

    yield begin
    for one in lives:
        one.plant.close()


def test_for_clocks_continue(life: Any) -> None:
    walk = life(**{"for": "3m"})
    assert walk.at(0, BREACH) == "pending since 0"
    assert walk.at(1, BREACH) == "pending since 0"
    assert walk.at(2, UNWELL) == "pending since 0"
    assert walk.at(3, BREACH) == "firing sev2; opened"
    assert walk.at(4, BREACH) == "firing sev2; opened", "once"


def test_a_climb_and_a_descent_keep_their_clocks(life: Any) -> None:
    walk = life(**LADDER)
    walk.at(0, BREACH)
    assert walk.at(1, WORSE) == "firing sev3; opened"
    assert walk.at(2, WORSE) == "firing sev3; opened"
    assert walk.at(3, WORSE) == "firing sev1; opened, escalated"
    assert walk.at(4, BREACH) == "firing sev1; opened, escalated"
    assert walk.at(5, ("NaN",)) == "firing sev1; opened, escalated"
    assert walk.at(6, BREACH) == "firing sev3; opened, escalated, updated"
    assert walk.at(7, (0.7,)) == "firing sev3; opened, escalated, updated"
    assert walk.at(8, WELL) == "firing sev3; opened, escalated, updated"
    assert walk.at(9, UNWELL) == "firing sev3; opened, escalated, updated"
    assert walk.at(10, WELL) == "inactive; opened, escalated, updated, resolved"


def test_a_cooldown_continues_and_owes_one_page(life: Any) -> None:
    walk = life(cooldown="5m")
    assert walk.at(0, BREACH) == "firing sev2; opened"
    assert walk.at(1, WELL) == "inactive; opened, resolved"
    assert walk.at(2, BREACH) == "firing sev2; opened, resolved, updated"
    assert walk.at(4.9, BREACH) == "firing sev2; opened, resolved, updated"
    assert walk.at(5, BREACH) == "firing sev2; opened, resolved, updated, opened"
    assert walk.at(6, BREACH) == "firing sev2; opened, resolved, updated, opened"


def test_what_a_person_resolved_is_held_and_comes_back_when_its_cooldown_ends(life: Any) -> None:
    walk = life(cooldown="5m")
    walk.at(0, BREACH)
    assert walk.resolve(1) == "firing sev2; opened, resolved"
    assert walk.at(5, BREACH) == "firing sev2; opened, resolved"
    assert walk.at(6, BREACH) == "firing sev2; opened, resolved, opened"


def test_what_a_person_resolved_and_ended_while_the_service_was_down_pages_nobody(life: Any) -> None:
    """The chore that ends cooldowns runs before the first slot: what was stored is not what is so."""
    walk = life(cooldown="5m")
    walk.at(0, BREACH)
    walk.resolve(1)
    assert walk.at(60, WELL) == "inactive; opened, resolved"


def test_what_a_person_resolved_and_still_fires_after_the_service_was_down_pages_once(life: Any) -> None:
    walk = life(cooldown="5m")
    walk.at(0, BREACH)
    walk.resolve(1)
    assert walk.at(60, BREACH) == "firing sev2; opened, resolved, opened"
    assert walk.at(61, BREACH) == "firing sev2; opened, resolved, opened"


def test_hold_goes_on(life: Any) -> None:
    walk = life(no_data="hold")
    walk.at(0, BREACH)
    assert walk.at(1, NONE) == "firing sev2; opened"
    assert walk.at(2, NONE) == "firing sev2; opened"
    assert walk.at(3, WELL) == "inactive; opened, resolved"


def test_keep_firing_for_goes_on(life: Any) -> None:
    walk = life(when=None, keep_firing_for="2m")
    walk.at(0, BREACH)
    assert walk.at(1, NONE) == "firing sev2; opened"
    assert walk.at(2, NONE) == "firing sev2; opened"
    assert walk.at(3, NONE) == "inactive; opened, resolved"


def test_a_failing_source_is_one_incident(life: Any) -> None:
    walk = life()
    walk.at(0, BREACH)
    for minute in range(1, 6):
        walk.at(minute, UNWELL)
    assert walk.plant.told() == ["Errors: opened", "SourceFailing: opened"]
    assert walk.at(6, BREACH) == "firing sev2; opened, opened, resolved"
    assert walk.plant.told()[-1] == "SourceFailing: resolved"
