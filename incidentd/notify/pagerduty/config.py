"""A PagerDuty destination as authored in a receiver."""

from __future__ import annotations

from pydantic import SecretStr

from incidentd.settings import Section


class PagerDutyDestination(Section):
    """One service, by the routing key of its Events API v2 integration."""

    routing_key: SecretStr
