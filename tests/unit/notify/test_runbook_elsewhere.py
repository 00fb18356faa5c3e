"""A runbook that is not ours: every channel links to it, and none says that there is a next step."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from incidentd.notify import wording
from incidentd.notify.jira import document
from incidentd.notify.notification import RunbookLink
from incidentd.notify.pagerduty import event
from incidentd.notify.slack import message
from incidentd.notify.webhook import payload
from tests.unit.notify.notices import alert, notice
from tests.unit.notify.rigs import MailRig, rig

if TYPE_CHECKING:
    from incidentd.notify.notification import Notification

URL = "https://wiki.example.com/runbooks/Down#top"


def elsewhere() -> Notification:
    link = RunbookLink(name="", title="Down", url=URL, next_step="", owner="", expected_resolution=None)
    return replace(notice(), runbook=link)


def test_slack_links_to_it() -> None:
    said = json.dumps(asdict(message.build(elsewhere(), "")))
    assert f"<{URL}|Runbook: Down>" in said
    assert "*Next:*" not in said


def test_pagerduty_has_it_among_links_and_details() -> None:
    built = event.trigger(elsewhere(), "x")
    assert {"href": URL, "text": "Runbook: Down"} in built["links"]
    details = built["payload"]["custom_details"]
    assert (details["runbook"], "next step" in details) == (URL, False)


def test_jira_and_plain_text_and_webhooks_name_it() -> None:
    assert f"[Runbook\\: Down|{URL}]" in document.as_markup(document.description(elsewhere()))
    plain = wording.plain(elsewhere())
    assert f"Runbook: {URL}" in plain
    assert "Next:" not in plain
    assert payload.build(elsewhere())["runbook"] == {
        "name": "", "title": "Down", "url": URL, "next_step": "", "owner": "", "expected_resolution": None,
    }  # fmt: skip


def test_a_mail_links_to_it() -> None:
    with rig("email") as mail:
        assert isinstance(mail, MailRig)
        mail.send(elsewhere())
        (sent,) = mail.stand_in.mails
    assert f"NEXT\nRunbook: {URL}\n" in sent.text.replace("\r\n", "\n")
    assert f'href="{URL}"' in sent.html


def test_a_webhook_gets_every_annotation() -> None:
    told = payload.build(notice(alerts=(alert(annotations={"impact": "all\0", "dashboard": "https://g"}),)))
    assert told["alerts"][0]["annotations"] == {"dashboard": "https://g", "impact": "all"}
