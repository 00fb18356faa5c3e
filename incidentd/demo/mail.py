"""Mail over SMTP -> parsed messages, and a page that shows them."""

import asyncio
import email
import email.policy
import html
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from incidentd.demo.page import page
from incidentd.demo.server import (
    DEFAULT_TIMEOUT_S,
    HOST,
    NOT_FOUND,
    Answer,
    DemoError,
    Request,
    StandIn,
    html_answer,
)

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

START_TIMEOUT_S = 10.0
ACCEPTED = "250 2.0.0 Ok"


@dataclass(frozen=True, slots=True)
class Mail:
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain part; empty if there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


class MailSink:
    """An SMTP server on `smtp_port` that delivers to nobody, and a page at `url`; a context manager.

    Needs aiosmtpd (the extra `demo`); `start` raises DemoError without it.
    """

    def __init__(self, *, smtp_port: int = 0, port: int = 0) -> None:
        self.smtp_port = smtp_port
        self.mails: list[Mail] = []
        self._inbox = _Inbox(self.mails, port)
        self._refusals: list[tuple[str, str]] = []
        self._cuts = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.AbstractServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return self._inbox.url

    def start(self) -> None:
        """Listen; a second start after `stop` takes the same ports."""
        try:
            from aiosmtpd.smtp import SMTP  # noqa: PLC0415 - an optional extra
        except ImportError:
            raise DemoError("The mail sink needs the package aiosmtpd: pip install 'incidentd[demo]'") from None

        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="MailSink", daemon=True)
        self._thread.start()
        listening = loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=loop), HOST, self.smtp_port
        )
        # In the loop's own thread: the caller's may have a running loop already, as a browser's driver has.
        self._server = asyncio.run_coroutine_threadsafe(listening, loop).result(START_TIMEOUT_S)
        self.smtp_port = self._server.sockets[0].getsockname()[1]
        self._inbox.start()

    def stop(self) -> None:
        """Close both ports and every connection. Does nothing if not started."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        self._inbox.stop()
        asyncio.run_coroutine_threadsafe(self._close(), loop).result(START_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def refuse_next(self, n: int = 1, reply: str = "451 4.3.0 Try again later", *, at: str = "DATA") -> None:
        """Answer *reply* to the next *n* commands *at*: ``RCPT`` (one recipient) or ``DATA`` (after the text)."""
        self._refusals += [(at, reply)] * n

    def cut_after_accept(self, n: int = 1) -> None:
        """Keep the next *n* mails and close the connection without an answer."""
        self._cuts += n

    def reset(self) -> None:
        """No more failures on demand. The memory stays."""
        self._refusals.clear()
        self._cuts = 0

    def expect(self, subject_containing: str, timeout: float = DEFAULT_TIMEOUT_S) -> Mail:
        """The first mail with that in its subject, whatever the case; waits for it. Raises NotSeenError."""
        return self._inbox.wait_for(
            lambda: next((m for m in self.mails if subject_containing.lower() in m.subject.lower()), None),
            f"mail with subject containing {subject_containing!r}",
            timeout,
        )

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: "SMTP", session: "Session", envelope: "Envelope", address: str, options: list[str]
    ) -> str:
        refused = self._take_refusal("RCPT")
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or ACCEPTED

    async def handle_DATA(self, server: "SMTP", session: "Session", envelope: "Envelope") -> str:  # noqa: N802 - likewise
        refused = self._take_refusal("DATA")
        if refused is not None:
            return refused
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        self._inbox.keep(Mail(str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos)), message))
        if self._cuts > 0:
            self._cuts -= 1
            transport: Any = server.transport
            transport.abort()
        return ACCEPTED

    def _take_refusal(self, at: str) -> str | None:
        for refusal in self._refusals:
            if refusal[0] == at:
                self._refusals.remove(refusal)
                return refusal[1]
        return None


class _Inbox(StandIn):
    """The page, and the lock."""

    def __init__(self, mails: list[Mail], port: int) -> None:
        super().__init__(port=port)
        self.mails = mails

    def keep(self, mail: Mail) -> None:
        with self.changed:
            self.mails.append(mail)
            self.changed.notify_all()

    def seen(self) -> str:
        return "; ".join(mail.subject for mail in self.mails) or "nothing"

    def answer(self, request: Request) -> Answer:
        if request.path != "/":
            return NOT_FOUND
        body = "".join(map(_mail_html, reversed(self.mails))) or "<p class=dim>No mail.</p>"
        return html_answer(page("Mail", "stand-in", body, colour="#7a4b00", style=STYLE))


STYLE = """
.both { display: grid; gap: 10px; margin: 8px 0 } .both pre { margin: 0 }
@media (min-width: 800px) { .both { grid-template-columns: 1fr 1fr } }
iframe { width: 100%; height: 560px; border: 1px solid var(--line); border-radius: 4px; background: #fff }
summary { cursor: pointer; font-size: 13px; color: var(--dim) }
"""


def _mail_html(mail: Mail) -> str:
    """The HTML part stands in a sandbox without scripts, forms or our origin."""
    head = "".join(
        f"<tr><th>{html.escape(name)}<td>{html.escape(str(value))}"
        for name, value in mail.message.items()
        if name.lower() not in {"subject", "mime-version", "content-type", "content-transfer-encoding"}
    )
    shown = f'<iframe sandbox srcdoc="{html.escape(mail.html)}" title="HTML"></iframe>' if mail.html else ""
    return (
        f"<section class=card><h2>{html.escape(mail.subject)}</h2>"
        f"<span class=dim>to {html.escape(', '.join(mail.recipients))}</span>"
        f"<div class=both>{shown}<pre>{html.escape(mail.text)}</pre></div>"
        f"<details><summary>Headers</summary><table>{head}</table></details></section>"
    )
