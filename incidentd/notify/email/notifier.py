"""A notification -> a mail over SMTP."""

from __future__ import annotations

import contextlib
import platform
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import structlog

from incidentd.notify import wording
from incidentd.notify.email import message
from incidentd.notify.email.config import EmailDestination
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Remote
from incidentd.notify.render import Templates
from incidentd.settings import Smtp

_LOG = structlog.get_logger(__name__)
_PERMANENT_FROM = 500
# Never lets the server's words into an error text: they may repeat what we sent.
_NOT_CONNECTED = "The mail server cannot be reached"


class EmailNotifier:
    """Mails cannot be edited: each notice but ``updated`` is a mail of its own in one thread. The remote keys are the
    first mail's ``message_id`` and ``subject``."""

    def __init__(self, config: Smtp, templates: Templates) -> None:
        self._config = config
        self._templates = templates

    def send(self, notification: Notification, destination: EmailDestination, attempt: Attempt) -> Remote:
        if notification.kind is Kind.UPDATED:
            return dict(attempt.remote)
        thread = message.thread(notification, destination, self._config.sender, attempt.remote)
        values = wording.values(notification)
        mail = message.build(
            notification,
            destination,
            self._config.sender,
            thread,
            first=not attempt.remote,
            text=self._templates.text("email.txt.j2", fallback=wording.plain(notification), **values),
            html=self._templates.html("email.html.j2", fallback="", **values),
        )
        self._deliver(mail)
        return thread.remote()

    def _deliver(self, mail: EmailMessage) -> None:
        with self._connected() as server:
            try:
                refused = server.send_message(mail)
            except smtplib.SMTPServerDisconnected as exc:
                raise DeliveryError(
                    "The mail server broke off before it took the mail", permanent=False, uncertain=True
                ) from exc
            except (smtplib.SMTPException, OSError, ValueError) as exc:
                raise _translated(exc) from exc
        if refused:
            codes = sorted({code for code, _ in refused.values()})
            _LOG.warning("some addresses were refused", action="recipients_refused", count=len(refused), codes=codes)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A server that is ready to take a mail. Raises DeliveryError."""
        try:
            server = self._connect()
        except (smtplib.SMTPException, OSError, ValueError) as exc:
            raise _translated(exc) from exc
        try:
            yield server
        finally:
            # Once the mail is taken, a server that says good-bye badly changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        config = self._config
        timeout = config.timeout.total_seconds()
        us = platform.node() or "localhost"  # left alone, smtplib asks the name server, which may not answer
        if config.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                config.host, config.port, us, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(config.host, config.port, us, timeout=timeout)
        try:
            if config.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if config.user and config.password:
                server.login(config.user, config.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _translated(exc: Exception) -> DeliveryError:
    match exc:
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in exc.recipients.values()})
            permanent = all(code >= _PERMANENT_FROM for code in codes)
            return DeliveryError(f"The mail server refused every address ({codes})", permanent=permanent)
        case smtplib.SMTPResponseException():
            permanent = exc.smtp_code >= _PERMANENT_FROM
            return DeliveryError(f"The mail server answered {exc.smtp_code}", permanent=permanent)
        case smtplib.SMTPNotSupportedError():
            return DeliveryError("The mail server lacks what is configured (starttls or login)", permanent=True)
        case smtplib.SMTPServerDisconnected():
            return DeliveryError(_NOT_CONNECTED, permanent=False)
        case smtplib.SMTPException() | ValueError():  # before OSError, which SMTPException is as well
            return DeliveryError(f"The mail cannot be sent ({type(exc).__name__})", permanent=True)
        case _:
            return DeliveryError(f"{_NOT_CONNECTED} ({type(exc).__name__})", permanent=False)
