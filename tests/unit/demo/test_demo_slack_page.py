import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from incidentd.demo.server import Answer, Request, StandIn
from incidentd.demo.slack import SlackStandIn
from incidentd.demo.slack_mrkdwn import to_html


class Service(StandIn):
    def answer(self, request: Request) -> Answer:
        return Answer(200)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def slack(service: Service) -> Iterator[SlackStandIn]:
    with SlackStandIn(interactivity_url=service.url) as running:
        yield running


def post(slack: SlackStandIn, method: str = "chat.postMessage", **arguments: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {slack.token}"}
    answer: dict[str, Any] = requests.post(
        slack.api_url + method, json={"channel": "C001DEMO", **arguments}, headers=headers, timeout=5
    ).json()
    assert answer["ok"], answer
    return answer


def look(slack: SlackStandIn, query: str = "") -> str:
    return requests.get(f"{slack.url}/{query}", timeout=5).text


def press(slack: SlackStandIn, page: str, label: str) -> str:
    """Submit the form around that button, as a browser does; the page that follows."""
    (form,) = [f for f in re.findall(r"<form.*?</form>", page) if f">{label}</button>" in f]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    answer = requests.post(f"{slack.url}/press", data=fields, timeout=5)
    assert answer.status_code == 200
    return answer.text


def button(label: str, **more: str) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "value": label, **more}


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def test_every_block_is_shown_and_buttons_press_from_the_page(slack: SlackStandIn, service: Service) -> None:
    overflow = {"type": "overflow", "options": [{"text": {"type": "plain_text", "text": "Snooze"}, "value": "s"}]}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "LLM <errors> :fire:"}},
        {
            "type": "section",
            "text": mrkdwn("*21 %* of <https://x.test/?a=1&amp;b=2|calls> fail"),
            "accessory": overflow,
        },
        {"type": "section", "fields": [mrkdwn("State"), mrkdwn("_detected_")]},
        {"type": "divider"},
        {"type": "image", "image_url": "https://x.test/spark.png", "alt_text": "from 1 to 21 %"},
        {"type": "context", "elements": [mrkdwn("Paged `anna`"), {"type": "image", "image_url": "x", "alt_text": "i"}]},
        {"type": "actions", "elements": [button("Runbook", url="https://x.test/r"), button("Acknowledge")]},
    ]
    post(slack, text="lock screen", blocks=blocks)
    post(slack, text="above the bar", attachments=[{"color": "#e01e5a", "blocks": [{"type": "divider"}]}])
    page = look(slack)
    for shown in (
        "LLM &lt;errors&gt; 🔥",
        '<b>21 %</b> of <a href="https://x.test/?a=1&amp;b=2" target="_blank" rel="noopener">calls</a> fail',
        "<i>detected</i>",
        "<hr>",
        'alt="from 1 to 21 %"',
        "Paged <code>anna</code>",
        'style="border-color:#e01e5a"',
        'href="https://x.test/r"',
    ):
        assert shown in page
    assert "lock screen" not in page
    assert page.index("above the bar") < page.index("border-color:#e01e5a")
    press(slack, page, "Acknowledge")
    press(slack, page, "Snooze")
    assert [r.form()["payload"].count('"value": "Acknowledge"') > 0 for r, _ in service.received] == [True, True]
    assert '"selected_option": {' in service.received[1][0].form()["payload"]


def test_a_page_that_was_left_open_presses_the_version_that_it_shows(slack: SlackStandIn, service: Service) -> None:
    ts = post(slack, text="old", blocks=[{"type": "actions", "elements": [button("Acknowledge")]}])["ts"]
    left_open = look(slack)
    post(slack, "chat.update", ts=ts, text="new", blocks=[{"type": "actions", "elements": [button("Resolve")]}])
    now = look(slack)
    assert "Acknowledge" not in now
    assert "(edited)" in now
    press(slack, left_open, "Acknowledge")
    press(slack, now, "Resolve")
    assert ['"text": "old"' in r.form()["payload"] for r, _ in service.received] == [True, False]
    assert ['"value": "Resolve"' in r.form()["payload"] for r, _ in service.received] == [False, True]
    assert requests.post(f"{slack.url}/press", data={"ts": "1.0"}, timeout=5).status_code == 404


def test_a_press_that_the_service_does_not_take_is_said(slack: SlackStandIn, service: Service) -> None:
    post(slack, text="x", blocks=[{"type": "actions", "elements": [button("Resolve")]}])
    service.fail_next(status=500)
    assert "the service answered 500" in press(slack, look(slack), "Resolve")
    service.stop()
    assert "the service did not answer (ConnectionError)" in press(slack, look(slack), "Resolve")


def test_threads_stand_below_their_message_and_ephemerals_are_for_one_person(slack: SlackStandIn) -> None:
    first = post(slack, text="first")["ts"]
    post(slack, text="second")
    post(slack, text="reply to first", thread_ts=first)
    post(
        slack, "chat.postEphemeral", user="U8", text="for ben", blocks=[{"type": "actions", "elements": [button("No")]}]
    )
    page = look(slack)
    assert page.index("first") < page.index("reply to first") < page.index("second")
    assert "Only visible to you" not in page
    bens = look(slack, "?channel=C001DEMO&as=U8")
    assert "Only visible to you" in bens
    assert "<button disabled>No</button>" in bens
    assert "No messages yet" in look(slack, "?channel=C002DEMO")
    assert "first" in look(slack, "?channel=nonsense")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("&lt;!channel&gt; &amp; co", "&lt;!channel&gt; &amp; co"),
        ("<!channel> <@U7> <#C1|ops>", "@channel @anna #ops"),
        ("<!date^1^{date}|yesterday>", "yesterday"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("*<https://x.test|INC-42>*", "<b>INC-42</b>"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("`*not bold*` ```a\n<b>```", "<code>*not bold*</code> <pre>a\n&lt;b&gt;</pre>"),
        ("~gone~\n&gt; quoted", "<s>gone</s><br><blockquote>quoted</blockquote>"),
        (":white_check_mark: :unknown: 12:30:45", "✅ :unknown: 12:30:45"),
        ("\0000\0", "0"),
    ],
)
def test_mrkdwn(text: str, shown: str) -> None:
    """Spans and links are taken off before the comparison, so that the text stands out."""
    made = to_html(text, lambda user: {"U7": "anna"}[user])
    assert re.sub(r"</?(span|a)\b[^>]*>", "", made) == shown
