"""A webhook destination as authored in a receiver."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, SecretStr

from incidentd.settings import HttpUrl, Section


class WebhookDestination(Section):
    """One URL that every notification is posted to as JSON; *token* is sent as a bearer token."""

    url: HttpUrl
    token: SecretStr | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
