from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from incidentd import settings
from incidentd.notify.email.config import EmailDestination
from incidentd.notify.email.notifier import EmailNotifier
from incidentd.notify.notification import Kind
from incidentd.notify.notifier import Attempt, DeliveryError
from incidentd.notify.render import Templates
from tests.unit.notify.notices import HOSTILE, acknowledged, notice, resolved
from tests.unit.notify.rigs import MailRig, rig


@pytest.fixture
def mail() -> Iterator[MailRig]:
    with rig("email") as made:
        assert isinstance(made, MailRig)
        yield made


def test_the_first_mail_begins_a_thread(mail: MailRig) -> None:
    remote = mail.send(notice(delivered=("PagerDuty (page)",)))
    (sent,) = mail.stand_in.mails
    message = sent.message
    assert remote == {"message_id": message["Message-ID"], "subject": "[SEV2] INC-42 chat: 21% of LLM calls fail"}
    assert message["Message-ID"].startswith("<u42.g1.")
    assert message["Message-ID"].endswith("@example.com>")
    assert sent.subject == "[SEV2] INC-42 chat: 21% of LLM calls fail"
    assert message["From"] == "incidentd <incidentd@example.com>"
    assert message["To"] == "oncall@example.com, ben@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "incidentd <incidentd.example.com>"
    assert message["Date"] == "Mon, 06 May 2024 16:14:00 +0000"
    assert message["In-Reply-To"] is None
    assert sent.recipients == ("oncall@example.com", "ben@example.com")
    assert (
        sent.text.replace("\r\n", "\n")
        == """Opened: chat: 21% of LLM calls fail
SEV2 · Unacknowledged since 2024-05-06 16:02 UTC

NEXT
Check the provider's status page.
Runbook: https://incidents.example.com/runbooks/llm-error-rate

Value:    21% · limit > 5% · peak 24%
Owner:    ai-platform
Service:  chat

ALERTS
- chat: 21% of LLM calls fail · limit > 5% · since 2024-05-06 16:02 UTC

INC-42: https://incidents.example.com/incidents/INC-42
Told: PagerDuty (page)
"""
    )


def test_the_html_leads_with_what_is_wrong_and_what_to_do_next(mail: MailRig) -> None:
    mail.send(notice())
    html = mail.stand_in.mails[0].html
    order = [
        html.index("Next: Check the provider&#39;s status page.</div>"),
        html.index(">chat: 21% of LLM calls fail</div>"),
        html.index(">Check the provider&#39;s status page.</div>"),
        html.index('href="https://incidents.example.com/incidents/INC-42"'),
        html.index("21% · limit &gt; 5% · peak 24%"),
    ]
    assert order == sorted(order)
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html


def test_later_mails_answer_the_first_under_the_same_subject(mail: MailRig) -> None:
    remote = mail.send(notice())
    # The title has changed since; the thread's subject must not.
    assert mail.send(acknowledged(title="chat: 30% of LLM calls fail"), remote) == remote
    assert mail.send(resolved(), remote) == remote
    first, second, third = (sent.message for sent in mail.stand_in.mails)
    for later in (second, third):
        assert later["Subject"] == "Re: [SEV2] INC-42 chat: 21% of LLM calls fail"
        assert later["In-Reply-To"] == first["Message-ID"]
        assert later["References"] == first["Message-ID"]
    assert len({first["Message-ID"], second["Message-ID"], third["Message-ID"]}) == 3
    assert mail.stand_in.mails[1].text.startswith("Acknowledged by anna: chat: 30%")
    assert "NEXT" not in mail.stand_in.mails[2].text


def test_a_retry_carries_the_same_message_id(mail: MailRig) -> None:
    remote = mail.send(notice())
    mail.send(notice(), uncertain=True)
    mail.send(acknowledged(), remote)
    mail.send(acknowledged(), remote, uncertain=True)
    ids = [sent.message["Message-ID"] for sent in mail.stand_in.mails]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]


def test_two_destinations_have_threads_of_their_own(mail: MailRig) -> None:
    one = mail.send(notice())
    mail.destination = EmailDestination(to=("boss@example.com",))
    assert mail.send(notice())["message_id"] != one["message_id"]


def test_an_update_sends_no_mail(mail: MailRig) -> None:
    remote = mail.send(notice())
    assert mail.send(notice(kind=Kind.UPDATED), remote) == remote
    assert mail.send(notice(kind=Kind.UPDATED), {}) == {}
    assert len(mail.stand_in.mails) == 1


def test_those_who_were_never_told_get_one_mail_that_says_it_is_over(mail: MailRig) -> None:
    mail.send(resolved())
    (sent,) = mail.stand_in.mails
    assert sent.subject == "[SEV2] INC-42 chat: 21% of LLM calls fail"
    assert sent.text.startswith("Resolved by the rule: ")


def test_nothing_of_an_incident_begins_a_header(mail: MailRig) -> None:
    mail.send(notice(title=HOSTILE, headline=HOSTILE, uid="u\r\nBcc: x@y.z"))
    (sent,) = mail.stand_in.mails
    assert sent.message["Bcc"] is None
    assert sent.recipients == ("oncall@example.com", "ben@example.com")
    assert "\n" not in sent.subject
    assert "<!channel>" not in sent.html


def test_a_long_domain_does_not_break_the_thread(mail: MailRig) -> None:
    """The standard policy writes a long In-Reply-To as an encoded word, which no client understands."""
    config = {
        "host": "127.0.0.1",
        "port": mail.port,
        "from": "incidentd@alerts.some-long-department.example-company.co.uk",
    }
    notifier = EmailNotifier(settings.Smtp.model_validate(config), Templates(None))
    remote = notifier.send(notice(uid="0" * 32), mail.destination, Attempt({}, uncertain=False))
    notifier.send(acknowledged(uid="0" * 32), mail.destination, Attempt(remote, uncertain=False))
    first, second = (dict(sent.message.raw_items()) for sent in mail.stand_in.mails)
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["References"] == first["Message-ID"]
    assert "=?" not in str(second["In-Reply-To"])


def test_one_refused_address_does_not_keep_the_mail_from_the_others(mail: MailRig) -> None:
    mail.stand_in.refuse_next(1, "550 no such user", at="RCPT")
    mail.send(notice())
    assert mail.stand_in.mails[0].recipients == ("ben@example.com",)


@pytest.mark.parametrize(("reply", "permanent"), [("550 no such user", True), ("450 try later", False)])
def test_when_every_address_is_refused_nothing_was_told(mail: MailRig, reply: str, *, permanent: bool) -> None:
    mail.stand_in.refuse_next(2, reply, at="RCPT")
    with pytest.raises(DeliveryError) as raised:
        mail.send(notice())
    assert raised.value.permanent is permanent


def test_a_server_without_starttls_is_never_used_in_the_clear(mail: MailRig) -> None:
    config = {"host": "127.0.0.1", "port": mail.port, "from": "a@example.com", "security": "starttls"}
    notifier = EmailNotifier(settings.Smtp.model_validate(config), Templates(None))
    with pytest.raises(DeliveryError) as raised:
        notifier.send(notice(), mail.destination, Attempt({}, uncertain=False))
    assert raised.value.permanent
    assert mail.stand_in.mails == []


def test_a_login_that_the_server_does_not_offer_is_permanent_and_tells_no_password(mail: MailRig) -> None:
    config = {
        "host": "127.0.0.1",
        "port": mail.port,
        "from": "a@example.com",
        "user": "bot",
        "password": SecretStr("s3cret"),
    }
    notifier = EmailNotifier(settings.Smtp.model_validate(config), Templates(None))
    with pytest.raises(DeliveryError) as raised:
        notifier.send(notice(), mail.destination, Attempt({}, uncertain=False))
    assert raised.value.permanent
    assert "s3cret" not in str(raised.value)


def test_tls_to_a_server_that_speaks_none_fails_without_a_mail(mail: MailRig) -> None:
    config = {"host": "127.0.0.1", "port": mail.port, "from": "a@example.com", "security": "tls", "timeout": "1s"}
    notifier = EmailNotifier(settings.Smtp.model_validate(config), Templates(None))
    with pytest.raises(DeliveryError) as raised:
        notifier.send(notice(), mail.destination, Attempt({}, uncertain=False))
    assert (raised.value.permanent, raised.value.uncertain) == (False, False)


def test_broken_templates_send_the_built_in_text_without_html(mail: MailRig, tmp_path: Path) -> None:
    (tmp_path / "email.txt.j2").write_text("{{ nope }}")
    (tmp_path / "email.html.j2").write_text("{{ 1 / 0 }}")
    config = {"host": "127.0.0.1", "port": mail.port, "from": "a@example.com"}
    notifier = EmailNotifier(settings.Smtp.model_validate(config), Templates(tmp_path))
    notifier.send(notice(), mail.destination, Attempt({}, uncertain=False))
    (sent,) = mail.stand_in.mails
    assert sent.html == ""
    assert (
        sent.text.replace("\r\n", "\n")
        == """Opened
chat: 21% of LLM calls fail

State: Unacknowledged since 2024-05-06 16:02 UTC
Value: 21% · limit > 5% · peak 24%
Owner: ai-platform
Service: chat

Next: Check the provider's status page.
Runbook: https://incidents.example.com/runbooks/llm-error-rate

- chat: 21% of LLM calls fail · limit > 5%

https://incidents.example.com/incidents/INC-42
"""
    )


@pytest.mark.parametrize("address", ["oncall", "a@b, c@d", "a@b\nBcc: c@d", "Anna <a@b.c>", "", "a b@c.d"])
def test_an_address_that_is_none_is_refused_when_it_is_authored(address: str) -> None:
    with pytest.raises(ValidationError):
        EmailDestination(to=(address,))
