"""Every channel that a receiver uses is set up."""

from __future__ import annotations

from collections.abc import Iterator

from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.problem import Problem

NAME = "receiver-channels"

_NEEDED = {
    "slack": ("slack", 'slack: {token: "${SLACK_BOT_TOKEN}", signing_secret: "${SLACK_SIGNING_SECRET}"}'),
    "email": ("smtp", "smtp: {host: localhost, from: incidentd@example.com}"),
    "jira": ("jira", 'jira: {url: https://example.atlassian.net, user: bot@example.com, token: "${JIRA_TOKEN}"}'),
}


def check(subject: Subject) -> Iterator[Problem]:
    for index, receiver in enumerate(subject.config.receivers):
        for channel, (section, example) in _NEEDED.items():
            if getattr(receiver, channel) and getattr(subject.config, section) is None:
                yield Problem(
                    subject.document.key_position(("receivers", index, channel)),
                    f"the receiver {receiver.name} uses {channel}, but `{section}` is not set up",
                    f"add `{example}`",
                    check=NAME,
                )
