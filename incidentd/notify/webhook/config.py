"""A webhook destination as authored in a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from incidentd.settings import Section


def _postable(url: str) -> str:
    """Other than a base URL it may have a query: many services put their key there. The error does not repeat it."""
    parts = urlsplit(url)  # raises ValueError by itself for a broken IPv6 address
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError("it is not a URL to post to; write http:// or https://, a host, and no #")
    return url


class WebhookDestination(Section):
    """One URL that every notification is posted to as JSON; *token* is sent as a bearer token."""

    url: Annotated[str, AfterValidator(_postable)]
    token: SecretStr | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
