"""A message of Slack's stand-in: what it says, what it said, and the buttons that a person can press."""

import copy
import hashlib
import hmac
import json
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import requests

from incidentd.demo import slack_blocks
from incidentd.demo.server import DEFAULT_TIMEOUT_S, DemoError

if TYPE_CHECKING:
    from incidentd.demo.slack import SlackStandIn


@dataclass(frozen=True, slots=True)
class Content:
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()

    @property
    def visible(self) -> str:
        """All text that a person can see, in lines."""
        return "\n".join([self.text, *slack_blocks.texts(self.blocks), *slack_blocks.texts(self.attachments)])

    def says(self, containing: str) -> bool:
        return containing.lower() in self.visible.lower()


@dataclass(frozen=True, slots=True)
class Control:
    """A button, or one entry of an overflow menu, with what its press sends."""

    label: str
    action: Mapping[str, Any]
    attachment: int | None
    """The attachment that holds it, counted from 1; None if it stands in the message's own blocks."""


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """What only one person sees."""

    channel: str
    user: str
    content: Content
    at: float


@dataclass(slots=True, eq=False)
class Message:
    workspace: "SlackStandIn" = field(repr=False)
    channel: str
    ts: str
    thread_ts: str | None
    content: Content
    metadata: dict[str, Any] | None = None
    history: list[Content] = field(default_factory=list)
    """What it said before each edit, oldest first."""

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def blocks(self) -> tuple[dict[str, Any], ...]:
        return self.content.blocks

    @property
    def attachments(self) -> tuple[dict[str, Any], ...]:
        return self.content.attachments

    @property
    def buttons(self) -> list[str]:
        """Labels of what can be pressed now, from top to bottom."""
        return [control.label for control in controls(self.content)]

    @property
    def replies(self) -> list["Message"]:
        """Its thread, oldest first."""
        with self.workspace.changed:
            return [m for m in self.workspace.messages if m.thread_ts == self.ts and m.channel == self.channel]

    def press(self, label: str, *, user: str = "U7") -> requests.Response:
        """Press the button with that label as it stands on the message now; what the service answered within 3 s.

        Raises DemoError if there is none, requests.RequestException if the service did not answer.
        """
        return self._press(self.content, label, user)

    def press_stale(self, label: str, *, user: str = "U7") -> requests.Response:
        """Press a button of the newest earlier version that had it, as somebody does whose screen is behind."""
        earlier = [c for c in self.history if any(label == control.label for control in controls(c))]
        return self._press(earlier[-1] if earlier else Content(""), label, user)

    def edit(self, content: Content) -> None:
        """What chat.update does; called by the workspace, under its lock."""
        self.history.append(self.content)
        self.content = with_ids(content)

    def expect_update(self, containing: str, timeout: float = DEFAULT_TIMEOUT_S) -> "Message":
        """Wait until the message was edited and says *containing*, whatever the case. Raises NotSeenError."""
        return self.workspace.wait_for(
            lambda: self if self.history and self.content.says(containing) else None,
            f"edit of {self.ts} containing {containing!r} (it says {self.content.visible!r})",
            timeout,
        )

    def expect_reply(self, containing: str, timeout: float = DEFAULT_TIMEOUT_S) -> "Message":
        """Wait for a message in its thread that says *containing*. Raises NotSeenError."""
        return self.workspace.wait_for(
            lambda: next((reply for reply in self.replies if reply.content.says(containing)), None),
            f"reply to {self.ts} containing {containing!r}",
            timeout,
        )

    def _press(self, content: Content, label: str, user: str) -> requests.Response:
        control = next((control for control in controls(content) if control.label == label), None)
        if control is None:
            raise DemoError(f"no button {label!r} on the message; there are {[c.label for c in controls(content)]}")
        return send_interaction(self, content, control, user)

    def as_json(self, content: Content | None = None, *, with_metadata: bool = False) -> dict[str, Any]:
        """The message as Slack's API returns it."""
        shown = content or self.content
        body: dict[str, Any] = {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": self.workspace.bot_id,
            "user": self.workspace.bot_user,
            "ts": self.ts,
            "text": shown.text,
        }
        if shown.blocks:
            body["blocks"] = copy.deepcopy(shown.blocks)
        if shown.attachments:
            body["attachments"] = copy.deepcopy(shown.attachments)
        if self.thread_ts:
            body["thread_ts"] = self.thread_ts
        if self.history:
            body["edited"] = {"user": self.workspace.bot_user, "ts": self.ts}
        if with_metadata and self.metadata:
            body["metadata"] = copy.deepcopy(self.metadata)
        return body


def controls(content: Content) -> list[Control]:
    """What can be pressed in *content*, in the message's own blocks first."""
    found = [Control(label, action, None) for label, action in _actions(content.blocks)]
    for number, attachment in enumerate(content.attachments, 1):
        found += [Control(label, action, number) for label, action in _actions(attachment.get("blocks", ()))]
    return found


def with_ids(content: Content) -> Content:
    """Slack gives every block and control an ID where the sender gave none."""
    blocks = tuple(_identified(block, n) for n, block in enumerate(content.blocks))
    attachments = tuple(
        attachment
        | {"id": n}
        | (
            {"blocks": [_identified(b, i) for i, b in enumerate(attachment["blocks"])]}
            if "blocks" in attachment
            else {}
        )
        for n, attachment in enumerate(content.attachments, 1)
    )
    return replace(content, blocks=blocks, attachments=attachments)


def send_interaction(message: Message, content: Content, control: Control, user: str) -> requests.Response:
    """POST the press to the service, signed as Slack signs it; the service has 3 s to answer."""
    slack = message.workspace
    payload = {
        "type": "block_actions",
        "api_app_id": "A0DEMO",
        "token": "deprecated",
        "team": {"id": slack.team, "domain": "demo"},
        "user": {"id": user, "username": slack.user_name(user), "name": slack.user_name(user), "team_id": slack.team},
        "channel": {"id": message.channel, "name": slack.channel_name(message.channel)},
        "container": {
            "type": "message" if control.attachment is None else "message_attachment",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": False,
            **({} if control.attachment is None else {"attachment_id": control.attachment, "is_app_unfurl": False}),
        },
        "message": message.as_json(content),
        "trigger_id": f"{time.time_ns()}.{uuid.uuid4().hex}",
        "response_url": slack.response_url(message, user),
        "state": {"values": {}},
        "actions": [{**control.action, "action_ts": f"{time.time():.6f}"}],
    }
    return slack.send_signed(urllib.parse.urlencode({"payload": json.dumps(payload)}).encode())


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    return "v0=" + hmac.new(secret.encode(), b"v0:%b:%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()


def _actions(blocks: Any) -> list[tuple[str, Mapping[str, Any]]]:
    found: list[tuple[str, Mapping[str, Any]]] = []
    for block, element in slack_blocks.controls(blocks):
        base = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
        if element["type"] == "button":
            value = {"value": element["value"]} if "value" in element else {}
            found.append((element["text"]["text"], {**base, "text": element["text"], **value}))
        found += [
            (option["text"]["text"], {**base, "selected_option": option}) for option in element.get("options", ())
        ]
    return found


def _identified(block: dict[str, Any], number: int) -> dict[str, Any]:
    block = copy.deepcopy(block)
    block.setdefault("block_id", f"b{number}{uuid.uuid4().hex[:4]}")
    for _, element in slack_blocks.controls([block]):
        if isinstance(element, dict):
            element.setdefault("action_id", uuid.uuid4().hex[:5])
    return block
