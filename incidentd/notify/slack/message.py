"""A notification -> what Slack is asked to show: text, blocks, attachments, metadata.

Limits: https://docs.slack.dev/reference/block-kit/blocks. Everything is cut before it is escaped and built, and kept
far below the undocumented 13,200 characters in all (bolt-js#2509).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from incidentd.lifecycle import Action, State
from incidentd.notify import filters, wording
from incidentd.notify.notification import AlertLine, Notification

MAX_HEADER = 150
MAX_TEXT = 1000
MAX_THREAD_TEXT = 3000
_MAX_FACT = 300
_MAX_NAME = 80
_MAX_ALERT = 300
_MAX_STEP = 500
_MAX_TOLD = 500
_MAX_URL = 1000
_SHOWN_ALERTS = 3

ACTION_PREFIX = "incident:"
EVENT_TYPE = "incidentd"
REPLY_EVENT_TYPE = "incidentd_reply"

_COLOURS = {
    State.DETECTED: "#d1242f",
    State.ACKNOWLEDGED: "#bf8700",
    State.MITIGATING: "#0969da",
    State.RESOLVED: "#1a7f37",
}


@dataclass(frozen=True, slots=True)
class Message:
    """The arguments of chat.postMessage and chat.update beside the channel."""

    text: str
    blocks: Sequence[Mapping[str, Any]]
    attachments: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, Any]


def build(notification: Notification, lock_screen: str) -> Message:
    """The incident's one message as it should be now; *lock_screen* is plain text, escaped here."""
    below = _resolved(notification) if notification.state is State.RESOLVED else _open(notification)
    text = escape(wording.one_line(lock_screen, MAX_TEXT))
    # The header stands outside the attachment: with blocks of its own, a message shows `text` on lock screens only.
    return Message(
        text=text,
        blocks=[_header(notification).to_dict()],
        attachments=[
            {
                "color": _COLOURS[notification.state],
                "blocks": [block.to_dict() for block in below],
            }
        ],
        metadata={
            "event_type": EVENT_TYPE,
            "event_payload": {
                "uid": notification.uid,
                "generation": notification.generation,
                "number": notification.number,
                "notification": notification.id,
            },
        },
    )


def reply_metadata(notification: Notification, part: int) -> Mapping[str, Any]:
    """What tells a reply of ours from every other: which notification it belongs to, and its place in it."""
    return {"event_type": REPLY_EVENT_TYPE, "event_payload": {"notification": notification.id, "part": part}}


def reply_text(text: str) -> str:
    """A happening as a thread reply."""
    return escape(wording.clean(text, MAX_THREAD_TEXT)) or wording.NOTHING


def escape(text: str) -> str:
    """Without it a label value could call everybody: https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(n: Notification) -> Block:
    over = "Resolved · " if n.state is State.RESOLVED else ""
    title = wording.one_line(f"{wording.MARKS[n.state]} {over}{n.severity.upper()} · {n.title}", MAX_HEADER)
    return HeaderBlock(text=PlainTextObject(text=title, emoji=True))


def _open(n: Notification) -> list[Block]:
    state, *facts = wording.facts(n)
    fields = [f"*{state.name}*\n{_state(n)}", *(f"*{one.name}*\n{_marked(one.value, _MAX_FACT)}" for one in facts)]
    blocks: list[Block] = [SectionBlock(fields=[_markdown(field) for field in fields])]
    if n.alerts:
        blocks.append(SectionBlock(text=_markdown(_conditions(n))))
    if n.runbook:
        link = _link(n.runbook.url, f"Runbook: {n.runbook.title}")
        step = _marked(n.runbook.next_step, _MAX_STEP)
        blocks.append(SectionBlock(text=_markdown(f"*Next:* {step}\n{link}" if step else link)))
    buttons = _buttons(n)
    if buttons:
        blocks.append(ActionsBlock(elements=buttons))
    blocks.append(_proof(n))
    return blocks


def _resolved(n: Notification) -> list[Block]:
    """With the header these are three: what it cost, and where the whole story is."""
    return [SectionBlock(text=_markdown(_marked(wording.response_times(n), _MAX_FACT))), _proof(n)]


def _state(n: Notification) -> str:
    """Since when rather than for how long: the message stands there until something happens."""
    match n.state:
        case State.DETECTED:
            return f"Unacknowledged since {_moment(n.opened_at)}"
        case State.MITIGATING:
            by = f", acknowledged by {_marked(n.acknowledged_by, _MAX_NAME)}" if n.acknowledged_by else ""
            return f"Mitigating since {_moment(n.mitigating_at or n.opened_at)}{by}"
        case _:
            return _marked(wording.state(n), _MAX_FACT)


def _conditions(n: Notification) -> str:
    alerts = sorted(n.firing or n.alerts, key=lambda alert: (alert.severity.rank, alert.since))
    lines = [_condition(alert, n.title) for alert in alerts[:_SHOWN_ALERTS]]
    more = (n.firing_count or n.alert_count) - _SHOWN_ALERTS
    return "\n".join([*lines, f"… and {more} more"] if more > 0 else lines)


def _condition(alert: AlertLine, title: str) -> str:
    said = _marked(alert.summary, _MAX_ALERT) if alert.summary != title else ""
    held = _marked(wording.value_and_condition(alert), _MAX_FACT)
    parts = (f"*{_marked(alert.rule, 100)}*", said, held, f"since {_moment(alert.since)}")
    return " · ".join(part for part in parts if part)


def _buttons(n: Notification) -> list[ButtonElement]:
    """Those that bring the response forward. Taking back and reopening are for the incident's page."""
    buttons = []
    if Action.ACKNOWLEDGE in n.actions and n.state is State.DETECTED:
        buttons.append(_button(n, Action.ACKNOWLEDGE, "Acknowledge", style="primary"))
    if Action.MITIGATE in n.actions:
        buttons.append(_button(n, Action.MITIGATE, "Mitigating"))
    if Action.RESOLVE in n.actions:
        confirm = ConfirmObject(
            title=f"Resolve {n.name}?",
            text=PlainTextObject(text="Alerts that still fire stay quiet until they clear or the cooldown ends."),
            confirm="Resolve",
            deny="Keep open",
        )
        buttons.append(_button(n, Action.RESOLVE, "Resolve", confirm=confirm))
    return buttons


def _button(
    n: Notification, action: Action, label: str, *, style: str | None = None, confirm: ConfirmObject | None = None
) -> ButtonElement:
    return ButtonElement(
        text=label,
        action_id=f"{ACTION_PREFIX}{action}",
        value=json.dumps({"n": n.number, "v": n.version}),
        style=style,
        confirm=confirm,
    )


def _proof(n: Notification) -> Block:
    told = _marked(wording.told(n), _MAX_TOLD)
    parts = [part for part in (told, _link(n.url, n.name)) if part]
    return ContextBlock(elements=[_markdown(" · ".join(parts))])


def _markdown(text: str) -> MarkdownTextObject:
    return MarkdownTextObject(text=text, verbatim=True)


def _marked(text: str, limit: int) -> str:
    return escape(wording.one_line(text, limit))


def _link(url: str, label: str) -> str:
    target = wording.one_line(url, _MAX_URL).replace("|", "%7C").replace(" ", "%20")
    return f"<{escape(target)}|{_marked(label, 200).replace('|', '¦')}>"


def _moment(at: datetime) -> str:
    """Slack shows it in the reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{filters.local(at)}>"
