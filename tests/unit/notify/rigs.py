"""Each channel with its vendor's stand-in, behind one face, for the suite that every channel must pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from incidentd import settings
from incidentd.demo.jira import JiraStandIn
from incidentd.demo.mail import MailSink
from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.server import StandIn
from incidentd.demo.slack import SlackStandIn
from incidentd.demo.webhook import WebhookStandIn
from incidentd.notify.email.config import EmailDestination
from incidentd.notify.email.notifier import EmailNotifier
from incidentd.notify.jira.config import JiraDestination
from incidentd.notify.jira.notifier import JiraNotifier
from incidentd.notify.notification import Notification
from incidentd.notify.notifier import Attempt, Notifier, Remote
from incidentd.notify.pagerduty.config import PagerDutyDestination
from incidentd.notify.pagerduty.notifier import PagerDutyNotifier
from incidentd.notify.render import Templates
from incidentd.notify.slack.config import SlackDestination
from incidentd.notify.slack.notifier import SlackNotifier
from incidentd.notify.webhook.config import WebhookDestination
from incidentd.notify.webhook.notifier import WebhookNotifier

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
TIMEOUT = timedelta(seconds=1)
TEMPLATES = Templates(None)


@dataclass
class Rig:
    """One channel and where it leads. *port* is what the notifier was told; *secret* must show up nowhere."""

    stand_in: Any
    destination: Any
    secret: str
    port: int = 0

    def notifier(self) -> Notifier[Any]:
        raise NotImplementedError

    def send(self, notification: Notification, remote: Remote | None = None, *, uncertain: bool = False) -> Remote:
        return self.notifier().send(notification, self.destination, Attempt(remote or {}, uncertain))

    def openings(self) -> int:
        """How many incidents somebody who looks at the vendor's side would count."""
        raise NotImplementedError

    def fail(self, status: int, body: str = "") -> None:
        """The next call is answered with *status*."""
        self.stand_in.fail_next(status=status, body=body)

    def at(self, port: int) -> None:
        """The notifier is told another port."""
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class SlackRig(Rig):
    stand_in: SlackStandIn

    def notifier(self) -> SlackNotifier:
        config = settings.Slack(token=SecretStr(self.secret), api_url=f"{self.url}/api", timeout=TIMEOUT)
        return SlackNotifier(config, TEMPLATES)

    def openings(self) -> int:
        return sum(1 for message in self.stand_in.messages if not message.thread_ts)


class PagerDutyRig(Rig):
    stand_in: PagerDutyStandIn

    def notifier(self) -> PagerDutyNotifier:
        return PagerDutyNotifier(settings.PagerDuty(api_url=self.url, timeout=TIMEOUT), TEMPLATES)

    def openings(self) -> int:
        return self.stand_in.pages


class JiraRig(Rig):
    stand_in: JiraStandIn

    def notifier(self) -> JiraNotifier:
        config = settings.Jira(url=self.url, user="bot@example.com", token=SecretStr(self.secret), timeout=TIMEOUT)
        return JiraNotifier(config, TEMPLATES)

    def openings(self) -> int:
        return len(self.stand_in.issues)


class WebhookRig(Rig):
    stand_in: WebhookStandIn

    def notifier(self) -> WebhookNotifier:
        token = SecretStr(self.secret)
        self.destination = WebhookDestination(url=f"{self.url}/hook?key={self.secret}", token=token)
        return WebhookNotifier(settings.Webhook(timeout=TIMEOUT))

    def openings(self) -> int:
        return sum(1 for delivery in self.stand_in.once if delivery.body["kind"] == "opened")


class MailRig(Rig):
    stand_in: MailSink

    def notifier(self) -> EmailNotifier:
        config = settings.Smtp.model_validate(
            {"host": "127.0.0.1", "port": self.port, "from": "incidentd <incidentd@example.com>", "timeout": TIMEOUT}
        )
        return EmailNotifier(config, TEMPLATES)

    def openings(self) -> int:
        first = {mail.message["Message-ID"] for mail in self.stand_in.mails if not mail.message["In-Reply-To"]}
        return len(first)

    def fail(self, status: int, body: str = "") -> None:
        self.stand_in.refuse_next(1, f"{status} {body or 'no'}")


@contextmanager
def rig(channel: str) -> Iterator[Rig]:
    """The channel's rig with its stand-in listening."""
    made = _make(channel)
    with made.stand_in:
        made.port = made.stand_in.port if isinstance(made.stand_in, StandIn) else made.stand_in.smtp_port
        yield made


def _make(channel: str) -> Rig:
    match channel:
        case "slack":
            return SlackRig(SlackStandIn(token="xoxb-s3cret"), SlackDestination(channel="#incidents"), "xoxb-s3cret")
        case "pagerduty":
            return PagerDutyRig(
                PagerDutyStandIn(), PagerDutyDestination(routing_key=SecretStr(ROUTING_KEY)), ROUTING_KEY
            )
        case "jira":
            return JiraRig(JiraStandIn(token="jira-s3cret"), JiraDestination(project="OPS"), "jira-s3cret")
        case "webhook":
            return WebhookRig(WebhookStandIn(), None, "hook-s3cret")
        case "email":
            return MailRig(MailSink(), EmailDestination(to=("oncall@example.com", "ben@example.com")), "no-secret")
    raise LookupError(f"{channel} has no stand-in")
