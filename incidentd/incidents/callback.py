"""An event that a vendor tells about one page of an incident."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Callback:
    """*event_id* is the vendor's, the same each time that it tells the event. *generation* says which page of the
    incident *uid* it is about."""

    vendor: str
    event_id: str
    uid: str
    generation: int
