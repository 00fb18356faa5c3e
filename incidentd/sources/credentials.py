"""The settings of a source -> what is sent with each request, and what nobody may read."""

from __future__ import annotations

import base64
from ipaddress import ip_address

from incidentd import settings

_SHORTEST_SECRET_HEADER = 8


def headers(config: settings.Source, host: str, auth: tuple[bytes, bytes] | None) -> dict[str, bytes]:
    """As bytes, since text would be sent as Latin-1."""
    given = {name.lower(): value.encode() for name, value in config.headers.items()}
    compression = config.compression
    if compression == "auto":
        compression = "identity" if _is_near(host) else "gzip"
    given.setdefault("accept-encoding", compression.encode())
    if auth is not None:
        given["authorization"] = b"Basic " + base64.b64encode(b":".join(auth))
    if config.token is not None:
        given["authorization"] = b"Bearer " + config.token.get_secret_value().encode()
    return given


def secrets(config: settings.Source, auth: tuple[bytes, bytes] | None) -> list[str]:
    """What a server could echo and nobody may read, longest first."""
    found = {value for value in config.headers.values() if len(value) >= _SHORTEST_SECRET_HEADER}
    if config.token is not None:
        found.add(config.token.get_secret_value())
    if auth is not None:
        found |= {auth[1].decode(), base64.b64encode(b":".join(auth)).decode()}
    return sorted(found - {""}, key=len, reverse=True)


def _is_near(host: str) -> bool:
    """Whether *host* is on this machine or a private network, where compressing costs more than it saves."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".svc", ".local", ".internal"))
