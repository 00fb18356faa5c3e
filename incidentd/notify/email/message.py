"""A notification -> a mail, threaded with the first one about the incident."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from incidentd.notify import wording
from incidentd.notify.email.config import EmailDestination
from incidentd.notify.notification import Notification
from incidentd.notify.notifier import Remote

MAX_SUBJECT = 180


@dataclass(frozen=True, slots=True)
class Thread:
    """The first mail about the incident to these addresses: what later ones answer to."""

    message_id: str
    subject: str

    def remote(self) -> dict[str, str]:
        return {"message_id": self.message_id, "subject": self.subject}


def thread(notification: Notification, destination: EmailDestination, sender: str, remote: Remote) -> Thread:
    """The thread that was begun, or the one to begin; the same each time it is asked for the same incident."""
    if remote:
        return Thread(remote["message_id"], remote["subject"])
    n = notification
    first = f"<{_token(n.uid)}.g{n.generation}.{_fingerprint(destination)}@{_domain(sender)}>"
    subject = wording.one_line(f"[{n.severity.upper()}] {n.name} {n.title}", MAX_SUBJECT)
    return Thread(first, subject)


def build(
    notification: Notification,
    destination: EmailDestination,
    sender: str,
    thread: Thread,
    *,
    first: bool,
    text: str,
    html: str,
) -> EmailMessage:
    """The mail; *html* may be empty. Nothing of the incident can begin a header of its own: the subject is one line."""
    n = notification
    mail = EmailMessage(policy=_policy())
    mail["Subject"] = thread.subject if first else f"Re: {thread.subject}"
    mail["From"] = sender
    mail["To"] = ", ".join(destination.to)
    mail["Date"] = format_datetime(n.now)
    if first:
        mail["Message-ID"] = thread.message_id
    else:
        mail["Message-ID"] = f"<{_token(n.id)}.{_fingerprint(destination)}@{_domain(sender)}>"
        mail["In-Reply-To"] = thread.message_id
        mail["References"] = thread.message_id
    # So that nobody's holiday notice answers: RFC 3834, and what Exchange heeds.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["List-Id"] = f"incidentd <incidentd.{_domain(sender)}>"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def _policy() -> EmailPolicy[Any]:
    """The standard one writes a long In-Reply-To as an encoded word, which threads nowhere."""
    registry = HeaderRegistry()
    for name in ("in-reply-to", "references"):
        registry.map_to_type(name, registry["message-id"])
    return SMTP.clone(header_factory=registry)


def _fingerprint(destination: EmailDestination) -> str:
    addresses = "\n".join(sorted(destination.to)).lower()
    return hashlib.blake2b(addresses.encode(), digest_size=6).hexdigest()


def _domain(sender: str) -> str:
    return _token(parseaddr(sender)[1].rpartition("@")[2]) or "localhost"


def _token(text: str) -> str:
    """What may stand in a Message-ID."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)
