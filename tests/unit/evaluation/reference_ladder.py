"""All that a rule's series ever said -> where each of them stands: design section 4 read slowly, without a clock.

It keeps every reading and decides from the whole list each time. Nothing of the engine is used but the authored rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

from incidentd.catalog.rule import Level, NoData, Rule
from incidentd.severity import Severity


class Absent(Enum):
    """What a series says that a complete answer lacks."""

    WELL = "it is gone, and so is what was wrong"
    WRONG = "that it is gone is what is wrong"


Reading = float | Absent
Readings = list[tuple[datetime, Reading]]


@dataclass
class History:
    """The readings of one series since it was last well, oldest first, and the severity at which it fires."""

    readings: Readings = field(default_factory=list)
    firing: Severity | None = None
    phase: str = "inactive"


def breaches(rule: Rule, level: Level, reading: Reading) -> bool:
    if isinstance(reading, Absent):
        return reading is Absent.WRONG and level is rule.levels[-1]
    return level.when is None or level.when.holds(reading)


def over(rule: Rule, level: Level, reading: Reading) -> bool:
    """Whether *level* may end by this reading: not breached, and for the mildest, as `resolve.when` says."""
    mildest = level is rule.levels[-1]
    if mildest and rule.resolve.when is not None and not isinstance(reading, Absent):
        return rule.resolve.when.holds(reading) and not breaches(rule, level, reading)
    return not breaches(rule, level, reading)


def held(past: Readings, says: Callable[[Reading], bool]) -> timedelta | None:
    """For how long the newest readings without a break say so; None when the newest does not."""
    begun = None
    for at, reading in past:
        begun = None if not says(reading) else begun or at
    return past[-1][0] - begun if begun is not None else None


def severity(rule: Rule, past: Readings, firing: Severity | None) -> Severity | None:
    """At which severity it fires after the newest reading, if it fired at *firing* before it."""
    for level in rule.levels:
        breached_for = held(past, partial(breaches, rule, level))
        if breached_for is not None and breached_for >= level.holds_for:
            return level.severity  # it has held its time: fires, or climbs at once
        if firing is not None and not level.severity.is_worse_than(firing):
            over_for = held(past, partial(over, rule, level))
            if over_for is None or over_for < rule.resolve.holds_for:
                return level.severity  # it descends no further than this before the resolve time is over
    return None


class Reference:
    """One rule and the histories of its series, each known by its label ``i``; the rule without series is ``""``."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.histories: dict[str, History] = {}

    def active(self) -> dict[str, tuple[str, Severity | None]]:
        return {name: (one.phase, one.firing) for name, one in self.histories.items() if one.phase != "inactive"}

    def answer(self, values: Mapping[str, float], at: datetime) -> None:
        """A complete answer. NaN says nothing; what is not in it says what `no_data` makes of it."""
        known = {name: value for name, value in values.items() if not math.isnan(value)}
        had_alerts = bool(self.active())
        for name in self.active().keys() - values.keys():
            if name == "" and values:
                if known:
                    self._say("", Absent.WELL, at)  # there are series again, whatever their labels
            elif self.rule.compares_by_itself or self.rule.no_data is NoData.OK:
                self._say(name, Absent.WELL, at)
            elif self.rule.no_data is NoData.ALERT:
                self._say(name, Absent.WRONG, at)
        for name, value in known.items():
            self._say(name, value, at)
        may_miss = self.rule.no_data is NoData.ALERT and not self.rule.compares_by_itself
        if may_miss and not values and not had_alerts:
            self._say("", Absent.WRONG, at)

    def forget(self, name: str) -> None:
        """It was not begun: the limit was reached."""
        del self.histories[name]

    def _say(self, name: str, reading: Reading, at: datetime) -> None:
        history = self.histories.setdefault(name, History())
        # A clock that was moved back: what was read "later" than now was read just before.
        history.readings = [(min(when, at), said) for when, said in history.readings] + [(at, reading)]
        history.firing = severity(self.rule, history.readings, history.firing)
        pends = any(breaches(self.rule, level, reading) for level in self.rule.levels)
        history.phase = "firing" if history.firing else "pending" if pends else "inactive"
        if history.phase == "inactive":
            del self.histories[name]
