"""Who did something to an incident, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Where an action came from."""

    RULE = "rule"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    API = "api"
    PAGE = "page"
    CLI = "cli"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """*name* is for people. *user* and *channel* are the vendor's ids, so that an answer can reach this one person."""

    name: str
    origin: Origin
    user: str = ""
    channel: str = ""


SYSTEM = Actor("incidentd", Origin.SYSTEM)
