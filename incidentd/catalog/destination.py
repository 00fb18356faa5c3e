"""A destination <-> what is stored of it and what people call it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from incidentd.catalog.receiver import Destination, Receiver
from incidentd.notify.email.config import EmailDestination
from incidentd.notify.jira.config import JiraDestination
from incidentd.notify.pagerduty.config import PagerDutyDestination
from incidentd.notify.slack.config import SlackDestination


def dump(destination: Destination) -> dict[str, Any]:
    """As authored, secrets included: what the store keeps, so that a resolve follows its page."""
    fields = destination.model_dump(by_alias=True)
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in fields.items()}


def parse(channel: str, stored: Mapping[str, Any]) -> Destination:
    """What :func:`dump` gave, read back. Raises pydantic's ValidationError when it no longer fits."""
    model = get_args(Receiver.model_fields[channel].annotation)[0]
    parsed: Destination = model.model_validate(stored)
    return parsed


def key(channel: str, destination: Destination) -> str:
    """Equal for equal destinations, whatever receiver names them; holds no secret."""
    content = json.dumps(dump(destination), sort_keys=True, default=list)
    return f"{channel}:{hashlib.blake2b(content.encode(), digest_size=8).hexdigest()}"


def name(destination: Destination, receiver: str) -> str:
    """What people call it: ``Slack #incidents``, ``PagerDuty (page)``, ``Jira OPS``; holds no secret."""
    match destination:
        case SlackDestination():
            return f"Slack {destination.channel}"
        case PagerDutyDestination():
            return f"PagerDuty ({receiver})"
        case EmailDestination():
            return f"mail to {', '.join(destination.to)}"
        case JiraDestination():
            return f"Jira {destination.project}"
        case _:
            return f"webhook {urlsplit(destination.url).hostname}"
