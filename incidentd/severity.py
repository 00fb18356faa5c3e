"""How bad it is: sev1 (total outage) to sev4 (cosmetic)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Severity(StrEnum):
    """The four severities; compare them with :meth:`is_worse_than`, never as text."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"

    @property
    def rank(self) -> int:
        """1 for the worst, 4 for the mildest."""
        return int(self.value[-1])

    def is_worse_than(self, other: Severity) -> bool:
        return self.rank < other.rank


MILDEST_FIRST = (Severity.SEV4, Severity.SEV3, Severity.SEV2, Severity.SEV1)


def worst(severities: Iterable[Severity]) -> Severity | None:
    """The most severe of *severities*; None when there is none."""
    return min(severities, key=lambda severity: severity.rank, default=None)
