import smtplib
import sys
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests

from incidentd.demo.mail import MailSink
from incidentd.demo.server import DemoError, NotSeenError


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as running:
        yield running


def send(sink: MailSink, subject: str, *, page: str = "") -> None:
    message = EmailMessage()
    message["From"] = "incidentd@example.com"
    message["To"] = "oncall@example.com"
    message["Subject"] = subject
    message["Message-ID"] = "<inc-42@example.com>"
    message.set_content("Größe 21 %\n")
    if page:
        message.add_alternative(page, subtype="html")
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=5) as client:
        client.send_message(message)


def test_mail_is_kept_parsed(sink: MailSink) -> None:
    send(sink, "[sev4] Kosten höher", page="<p>21 %</p>")
    mail = sink.expect("KOSTEN HÖHER")
    assert (mail.sender, mail.recipients) == ("incidentd@example.com", ("oncall@example.com",))
    assert (mail.text.strip(), mail.html.strip()) == ("Größe 21 %", "<p>21 %</p>")
    assert mail.message["Message-ID"] == "<inc-42@example.com>"


def test_waiting(sink: MailSink) -> None:
    threading.Timer(0.05, send, [sink, "later"]).start()
    assert sink.expect("later").html == ""
    with pytest.raises(NotSeenError, match=r"mail with subject containing 'never' not seen .*; seen: later"):
        sink.expect("never", timeout=0.01)


def test_failures_on_demand(sink: MailSink) -> None:
    sink.refuse_next(2)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as passing:
            send(sink, "x")
        assert passing.value.smtp_code == 451
    sink.refuse_next(reply="550 5.1.1 No such mailbox", at="RCPT")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as permanent:
        send(sink, "x")
    assert permanent.value.recipients == {"oncall@example.com": (550, b"5.1.1 No such mailbox")}
    sink.refuse_next(5)
    sink.reset()
    assert sink.mails == []
    send(sink, "x")
    assert len(sink.mails) == 1


def test_a_cut_connection_has_kept_the_mail(sink: MailSink) -> None:
    sink.cut_after_accept()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sink, "uncertain")
    send(sink, "uncertain")
    assert [mail.subject for mail in sink.mails] == ["uncertain", "uncertain"]


def test_it_stops_with_a_client_connected_and_starts_again_on_its_port(sink: MailSink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=5) as idle:
        idle.noop()
        port = sink.smtp_port
        sink.stop()
        with pytest.raises(ConnectionRefusedError):
            send(sink, "nobody")
        sink.start()
        assert sink.smtp_port == port
        idle.close()
    send(sink, "again")
    assert sink.expect("again")


def test_the_page_shows_mail_escaped_and_html_in_a_sandbox(sink: MailSink) -> None:
    assert "No mail" in requests.get(sink.url, timeout=5).text
    send(sink, "<script>", page='<p class="x">hello</p>')
    page = requests.get(sink.url, timeout=5).text
    assert "<h2>&lt;script&gt;</h2>" in page
    assert '<iframe sandbox srcdoc="&lt;p class=&quot;x&quot;&gt;hello&lt;/p&gt;' in page
    assert "&lt;inc-42@example.com&gt;" in page
    assert requests.get(f"{sink.url}/other", timeout=5).status_code == 404


def test_without_aiosmtpd_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiosmtpd.smtp", None)
    with pytest.raises(DemoError, match=r"pip install 'incidentd\[demo\]'"):
        MailSink().start()
