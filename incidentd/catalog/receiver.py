"""A named list of destinations: one field per channel."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from incidentd.notify.email.config import EmailDestination
from incidentd.notify.jira.config import JiraDestination
from incidentd.notify.pagerduty.config import PagerDutyDestination
from incidentd.notify.slack.config import SlackDestination
from incidentd.notify.webhook.config import WebhookDestination
from incidentd.settings import Section

Destination = SlackDestination | PagerDutyDestination | EmailDestination | JiraDestination | WebhookDestination


class Receiver(Section):
    """Who is told. The field's name is the channel's."""

    name: str = Field(min_length=1)
    pagerduty: tuple[PagerDutyDestination, ...] = ()
    slack: tuple[SlackDestination, ...] = ()
    email: tuple[EmailDestination, ...] = ()
    jira: tuple[JiraDestination, ...] = ()
    webhook: tuple[WebhookDestination, ...] = ()

    def destinations(self) -> Iterator[tuple[str, Destination]]:
        """Every destination with the name of its channel, most urgent channel first."""
        for channel in CHANNELS:
            for destination in getattr(self, channel):
                yield channel, destination


CHANNELS = tuple(name for name in Receiver.model_fields if name != "name")
