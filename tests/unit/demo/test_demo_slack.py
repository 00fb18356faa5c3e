import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from incidentd.demo.server import Answer, DemoError, NotSeenError, Request, StandIn
from incidentd.demo.slack import SlackStandIn
from incidentd.demo.slack_message import signature


class Service(StandIn):
    """What receives the presses: answers 200 and keeps them."""

    def answer(self, request: Request) -> Answer:
        return Answer(200)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(request.form()["payload"]) for request, _ in self.received]


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def slack(service: Service) -> Iterator[SlackStandIn]:
    with SlackStandIn(interactivity_url=service.url + "/slack/interactions") as running:
        yield running


@pytest.fixture
def client(slack: SlackStandIn) -> WebClient:
    return WebClient("xoxb-demo", base_url=slack.api_url, timeout=5, retry_handlers=[])


def button(label: str, value: str = "1", **more: str) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "value": value, **more}


def actions(*labels: str) -> dict[str, Any]:
    return {"type": "actions", "elements": [button(label, action_id=f"incident:{label.lower()}") for label in labels]}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def test_post_press_edit_and_the_button_is_gone(slack: SlackStandIn, service: Service, client: WebClient) -> None:
    """The walk of one incident's message, through the vendor's own client."""
    posted = client.chat_postMessage(
        channel="#incidents",
        text="SEV2 · LLM errors 21%",
        attachments=[{"color": "#e01e5a", "blocks": [section("*LLM errors*"), actions("Acknowledge", "Resolve")]}],
        metadata={"event_type": "incidentd", "event_payload": {"notification": "n1"}},
    )
    message = slack.expect_message("#incidents", "sev2")
    assert (posted["channel"], posted["ts"]) == ("C001DEMO", message.ts)
    assert message.buttons == ["Acknowledge", "Resolve"]
    assert (message.blocks, message.attachments[0]["color"]) == ((), "#e01e5a")

    assert message.press("Acknowledge", user="U7").status_code == 200
    (request, _), (payload,) = service.received[0], service.payloads
    assert SignatureVerifier("demo-signing-secret").is_valid_request(request.body, dict(request.headers))
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "U7", "username": "anna", "name": "anna", "team_id": "T0DEMO"}
    assert payload["channel"] == {"id": "C001DEMO", "name": "incidents"}
    assert payload["container"] == {
        "type": "message_attachment",
        "message_ts": message.ts,
        "channel_id": "C001DEMO",
        "attachment_id": 1,
        "is_ephemeral": False,
        "is_app_unfurl": False,
    }
    (action,) = payload["actions"]
    assert (action["action_id"], action["type"], action["value"]) == ("incident:acknowledge", "button", "1")
    assert action["text"] == {"type": "plain_text", "text": "Acknowledge"}
    assert payload["message"]["ts"] == message.ts

    client.chat_update(
        channel="C001DEMO",
        ts=message.ts,
        text="SEV2 · acknowledged by anna",
        attachments=[{"color": "#ecb22e", "blocks": [section("*LLM errors*"), actions("Resolve")]}],
    )
    message.expect_update("acknowledged by ANNA")
    assert (message.buttons, len(slack.messages)) == (["Resolve"], 1)
    with pytest.raises(DemoError, match=r"no button 'Acknowledge' on the message; there are \['Resolve'\]"):
        message.press("Acknowledge")
    message.press_stale("Acknowledge", user="U8")
    assert service.payloads[1]["user"]["name"] == "ben"
    assert service.payloads[1]["message"]["text"] == "SEV2 · LLM errors 21%"
    assert message.metadata == {"event_type": "incidentd", "event_payload": {"notification": "n1"}}


def test_an_update_keeps_blocks_that_it_does_not_give_and_removes_those_it_gives_empty(
    slack: SlackStandIn, client: WebClient
) -> None:
    ts = client.chat_postMessage(channel="incidents", text="a", blocks=[section("kept")])["ts"]
    message = slack.expect_message("incidents", "kept")
    client.chat_update(channel="C001DEMO", ts=ts, text="b")
    assert (message.text, message.content.says("kept")) == ("b", True)
    client.chat_update(channel="C001DEMO", ts=ts, text="c", blocks=[])
    assert (message.text, message.content.visible, len(message.history)) == ("c", "c", 2)


def test_a_lost_message_is_found_by_its_metadata(slack: SlackStandIn, client: WebClient) -> None:
    """A cut connection after the work is the uncertain send: the message is there, and its author does not know."""
    first = client.chat_postMessage(channel="#alerts", text="before")["ts"]
    slack.cut_after_accept()
    with pytest.raises(OSError, match="closed connection"):
        client.chat_postMessage(
            channel="#alerts",
            text="lost",
            metadata={"event_type": "incidentd", "event_payload": {"notification": "n2"}},
        )
    found = client.conversations_history(channel="C002DEMO", oldest=first, include_all_metadata=True)["messages"]
    assert [m["metadata"]["event_payload"] for m in found] == [{"notification": "n2"}]
    assert "metadata" not in client.conversations_history(channel="C002DEMO", limit=1)["messages"][0]
    assert client.conversations_history(channel="C002DEMO", limit=1)["has_more"]
    both = client.conversations_history(channel="C002DEMO", oldest=first, inclusive=True)["messages"]
    assert [m["text"] for m in both] == ["lost", "before"]


def test_threads(slack: SlackStandIn, client: WebClient) -> None:
    parent = client.chat_postMessage(channel="#incidents", text="parent")["ts"]
    client.chat_postMessage(channel="#incidents", text="a note", thread_ts=parent)
    message = slack.expect_message("#incidents", "parent")
    assert message.expect_reply("note").text == "a note"
    replies = client.conversations_replies(channel="C001DEMO", ts=parent)["messages"]
    assert [m["text"] for m in replies] == ["parent", "a note"]
    assert [m["text"] for m in client.conversations_history(channel="C001DEMO")["messages"]] == ["parent"]
    assert error_of(client.conversations_replies, channel="C001DEMO", ts="1.0") == "thread_not_found"
    assert error_of(client.chat_postMessage, channel="#incidents", text="x", thread_ts="1.0") == "thread_not_found"


def test_what_only_one_person_sees(slack: SlackStandIn, client: WebClient) -> None:
    client.chat_postEphemeral(channel="C001DEMO", user="U7", text="resolved 2 s earlier by the rule")
    assert slack.expect_ephemeral("U7", "2 s earlier").channel == "C001DEMO"
    assert slack.messages == []
    with pytest.raises(NotSeenError):
        slack.expect_ephemeral("U8", "2 s earlier", timeout=0.01)
    assert error_of(client.chat_postEphemeral, channel="C001DEMO", user="", text="x") == "invalid_arguments"


def test_a_response_url_can_be_used_five_times(slack: SlackStandIn, service: Service, client: WebClient) -> None:
    client.chat_postMessage(channel="#incidents", text="m", blocks=[actions("Resolve")])
    message = slack.expect_message("#incidents", "m")
    message.press("Resolve")
    url = service.payloads[0]["response_url"]
    bodies: list[dict[str, Any]] = [
        {"text": "for you"},
        {"text": "for all", "response_type": "in_channel"},
        {"text": "edited", "replace_original": True},
        {"text": "4"},
        {"text": "5"},
        {"text": "6"},
    ]
    statuses = [requests.post(url, json=body, timeout=5).status_code for body in bodies]
    assert statuses == [200, 200, 200, 200, 200, 404]
    assert [m.text for m in slack.messages] == ["edited", "for all"]
    assert [(e.user, e.content.text) for e in slack.ephemerals] == [("U7", "for you"), ("U7", "4"), ("U7", "5")]
    assert requests.post(f"{slack.url}/response/999", json={}, timeout=5).status_code == 404


def test_who_may_post_where(slack: SlackStandIn, client: WebClient) -> None:
    assert client.auth_test()["user_id"] == "U0DEMO"
    assert [c["name"] for c in client.conversations_list()["channels"]] == ["incidents", "alerts"]
    assert client.conversations_info(channel="C002DEMO")["channel"]["name"] == "alerts"
    post = client.chat_postMessage
    assert error_of(post, channel="#nowhere", text="x") == "channel_not_found"
    slack.channel("#alerts").archived = True
    assert error_of(post, channel="#alerts", text="x") == "is_archived"
    slack.channel("C001DEMO").member = False
    assert error_of(post, channel="C001DEMO", text="x") == "not_in_channel"
    stranger = WebClient("xoxb-other", base_url=slack.api_url, retry_handlers=[])
    assert error_of(stranger.auth_test) == "invalid_auth"
    assert requests.post(f"{slack.api_url}auth.test", timeout=5).json()["error"] == "not_authed"
    assert requests.post(f"{slack.api_url}no.method", timeout=5).status_code == 404


def test_an_update_needs_the_channel_id_and_an_existing_message(slack: SlackStandIn, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="#incidents", text="x")["ts"]
    assert error_of(client.chat_update, channel="#incidents", ts=ts, text="y") == "channel_not_found"
    assert error_of(client.chat_update, channel="C001DEMO", ts="1.0", text="y") == "message_not_found"
    assert error_of(client.chat_update, channel="C002DEMO", ts=ts, text="y") == "message_not_found"
    assert error_of(client.chat_update, channel="C001DEMO", ts=ts, text="y" * 4001) == "msg_too_long"
    textless = {"channel": "C001DEMO", "ts": ts, "blocks": [section("y")]}
    assert error_of(client.api_call, api_method="chat.update", json=textless) == "no_text"


@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        ([section("x")] * 51, "/blocks"),
        ([section("x" * 3001)], "/blocks/0/text/text"),
        ([section("")], "/blocks/0/text/text"),
        ([{"type": "section"}], "/blocks/0"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}], "/blocks/0/fields"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}], "/blocks/0/fields/0/text"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "/blocks/0/text/text"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text"),
        ([{"type": "actions", "elements": []}], "/blocks/0/elements"),
        ([{"type": "actions", "elements": [button("x")] * 26}], "/blocks/0/elements"),
        ([{"type": "actions", "elements": [button("x" * 76)]}], "/blocks/0/elements/0/text/text"),
        ([{"type": "actions", "elements": [button("x", "v" * 2001)]}], "/blocks/0/elements/0/value"),
        ([{"type": "actions", "elements": [button("x", style="red")]}], "/blocks/0/elements/0"),
        ([{"type": "actions", "elements": [button("x", action_id="a" * 256)]}], "/blocks/0/elements/0/action_id"),
        ([{"type": "actions", "elements": [button("x", action_id="a")] * 2}], "/blocks/0"),
        ([{"type": "actions", "elements": [{"type": "overflow", "options": []}]}], "/blocks/0/elements/0"),
        ([section("x") | {"block_id": "a"}, section("y") | {"block_id": "a"}], "/blocks/1"),
        ([section("x") | {"block_id": "a" * 256}], "/blocks/0/block_id"),
        ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "/blocks/0/elements"),
        ([{"type": "image", "image_url": "http://x/y.png"}], "/blocks/0/alt_text"),
        ([{"type": "image", "alt_text": "x"}], "/blocks/0/image_url"),
        ([{"type": "marquee"}], "/blocks/0"),
        (
            [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": {"type": "x"}}],
            "/blocks/0/accessory",
        ),
        (
            [{"type": "context", "elements": [{"type": "image", "image_url": "x" * 3001, "alt_text": "x"}]}],
            "/blocks/0/elements/0/image_url",
        ),
        (
            [{"type": "actions", "elements": [button("x") | {"confirm": {"title": {"type": "plain_text"}}}]}],
            "/blocks/0/elements/0/confirm/title/text",
        ),
    ],
)
def test_blocks_that_slack_refuses(client: WebClient, blocks: list[dict[str, Any]], pointer: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="#incidents", text="x", blocks=blocks)
    assert caught.value.response["error"] == "invalid_blocks"
    assert f"[json-pointer:{pointer}]" in str(caught.value.response["response_metadata"]["messages"])


def test_other_content_that_slack_refuses(client: WebClient) -> None:
    post = client.chat_postMessage
    many = [section("x" * 2900)] * 5
    textless = {"channel": "#incidents", "blocks": [section("x")]}
    assert error_of(client.api_call, api_method="chat.postMessage", json=textless) == "no_text"
    assert error_of(post, channel="#incidents", text="x" * 40_001) == "msg_too_long"
    assert error_of(post, channel="#incidents", text="x", blocks=many) == "msg_blocks_too_long"
    beside = [{"text": "legacy", "blocks": [section("x")]}]
    assert error_of(post, channel="#incidents", text="x", attachments=beside) == "invalid_attachments"
    assert error_of(post, channel="#incidents", text="x", blocks={"type": "divider"}) == "invalid_blocks"
    assert error_of(post, channel="#incidents", text="x", attachments=["x"]) == "invalid_attachments"
    inside = [{"blocks": [section("")]}]
    assert error_of(post, channel="#incidents", text="x", attachments=inside) == "invalid_attachments"
    metadata = {"event_type": "t", "event_payload": {"x": "y" * 17_000}}
    assert error_of(post, channel="#incidents", text="x", metadata=metadata) == "metadata_too_large"
    assert error_of(post, channel="#incidents", text="x", metadata={"event_type": "t"}) == "invalid_metadata_format"


def test_forms_are_taken_as_well_as_json(slack: SlackStandIn) -> None:
    def post(body: Any, kind: str) -> str:
        headers = {"Authorization": "Bearer xoxb-demo", "Content-Type": kind}
        answer = requests.post(f"{slack.api_url}chat.postMessage", data=body, headers=headers, timeout=5).json()
        return str(answer.get("error", "ok"))

    form = "application/x-www-form-urlencoded"
    blocks = json.dumps([section("from a form")])
    assert post(urllib.parse.urlencode({"channel": "#incidents", "text": "x", "blocks": blocks}), form) == "ok"
    assert slack.expect_message("#incidents", "from a form")
    assert post("channel=%23incidents&text=x&blocks=[", form) == "invalid_blocks_format"
    assert post("{", "application/json") == "invalid_json"


def test_an_entry_of_an_overflow_menu_can_be_pressed(slack: SlackStandIn, service: Service, client: WebClient) -> None:
    option = {"text": {"type": "plain_text", "text": "Snooze 1 h"}, "value": "snooze:1h"}
    menu = {"type": "overflow", "action_id": "more", "options": [option]}
    client.chat_postMessage(channel="#incidents", text="x", blocks=[section("y") | {"accessory": menu}])
    slack.expect_message("#incidents", "y").press("Snooze 1 h")
    (action,) = service.payloads[0]["actions"]
    assert (action["type"], action["action_id"], action["selected_option"]) == ("overflow", "more", option)
    assert service.payloads[0]["container"]["type"] == "message"


def test_waiting(slack: SlackStandIn, client: WebClient) -> None:
    def post() -> None:
        client.chat_postMessage(channel="#incidents", text="INC-42 opened")

    threading.Timer(0.05, post).start()
    message = slack.expect_message("#incidents", "inc-42")
    with pytest.raises(NotSeenError, match=r"not seen within 0\.01 s; seen: #incidents: INC-42 opened"):
        message.expect_update("resolved", timeout=0.01)


def test_the_signature_is_slacks_published_one() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks"
        b".slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
        b".803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_pressing_needs_to_know_where(slack: SlackStandIn, client: WebClient) -> None:
    client.chat_postMessage(channel="#incidents", text="x", blocks=[actions("Resolve")])
    slack.interactivity_url = ""
    with pytest.raises(DemoError, match="no channel '#nowhere'"):
        slack.expect_message("#nowhere", "x")
    with pytest.raises(DemoError, match="was not told the interactivity URL"):
        slack.expect_message("#incidents", "x").press("Resolve")
