"""How the packs of one slot fared -> what the quarantine learns from it. Pure but for the quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from incidentd.sources.asking import NotAsked, Origin
from incidentd.sources.base import Reason
from incidentd.sources.envelope import Blame
from incidentd.sources.quarantine import Quarantine

_NEAR = 0.5
"""Of the time-out: who takes longer is about to fail, and its neighbours with it."""
_NOTABLE = 0.05
"""Of the time-out: who is faster does no harm, however fast the others are."""
_MUCH_SLOWER = 10
_SLOWER = 2


def learn(origins: Sequence[Origin], quarantine: Quarantine, timeout_s: float, at: datetime) -> None:
    """Confines who failed or was slow in a pack, and frees who was well for long enough."""
    slow = set(_slow(origins, timeout_s))
    alive = len(origins) == 1 or any(origin.answered for origin in origins)
    for origin in origins:
        size = len(origin.pack.questions)
        if origin.guilty and origin.answered:
            quarantine.confine(origin.guilty, 1, at)
        elif size > 1 and alive and (origin in slow or _splits(origin)):
            quarantine.confine(origin.pack.questions, -(-size // 2), at)
    if not quarantine.holds():
        return
    unwell = [question for origin in origins if origin in slow for question in origin.pack.questions]
    unwell += [question for origin in origins for question in origin.guilty]
    well = {question for origin in origins for question in origin.answered}.difference(unwell)
    quarantine.settle(well, unwell, at)


def is_slow(seconds: float, others: float, timeout_s: float) -> bool:
    """Whether a pack that took *seconds* has a member that eats the time of the rest; *others* take so long."""
    near = seconds > _NEAR * timeout_s and seconds > _SLOWER * others
    return near or (seconds > _NOTABLE * timeout_s and seconds > _MUCH_SLOWER * others > 0)


def _slow(origins: Sequence[Origin], timeout_s: float) -> Iterator[Origin]:
    packs = [origin for origin in origins if origin.failed is None and len(origin.pack.questions) > 1]
    for origin in origins:
        if origin.failed is None and origin.seconds > _NOTABLE * timeout_s:
            others = [one.seconds for one in packs if one is not origin]
            if is_slow(origin.seconds, median(others) if others else 0.0, timeout_s):
                yield origin


def _splits(origin: Origin) -> bool:
    """Whether a pack failed as a whole though none of its members was found to: smaller ones may do."""
    error = origin.failed
    if error is None or origin.guilty or isinstance(error, NotAsked):
        return False
    return bool(origin.answered) or error.blame is Blame.UNSURE or error.reason is Reason.TIMEOUT
