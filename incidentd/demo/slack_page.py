"""The memory of Slack's stand-in -> a page in which a person reads the channels and presses the buttons."""

import html
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from incidentd.demo.page import local_time, page
from incidentd.demo.slack_message import Content, Control, Ephemeral, Message, controls
from incidentd.demo.slack_mrkdwn import to_html, with_emoji

if TYPE_CHECKING:
    from incidentd.demo.slack import SlackStandIn

STYLE = """
body { display: flex; flex-direction: column; height: 100vh }
main.slack { flex: 1; display: grid; grid-template-columns: 220px 1fr; min-height: 0 }
nav { background: #3f0e40; color: #cfc3cf; padding: 12px 0; overflow: auto }
nav h3 { font-size: 13px; font-weight: 400; margin: 10px 16px 4px }
nav a { display: block; padding: 3px 16px; color: inherit; text-decoration: none }
nav a.here { background: #1164a3; color: #fff } nav a.unread { color: #fff; font-weight: 700 }
.channel { overflow: auto; padding: 0 0 40px } .channel > h1 { position: sticky; top: 0; z-index: 1; margin: 0 0 12px;
  padding: 10px 20px; font-size: 18px; background: var(--back); border-bottom: 1px solid var(--line) }
.message { display: grid; grid-template-columns: 36px 1fr; gap: 0 10px; padding: 6px 20px; max-width: 860px }
.message:hover { background: var(--soft) } .message.thread { margin-left: 46px; padding: 4px 20px 4px 12px;
  border-left: 2px solid var(--line) }
.avatar { width: 36px; height: 36px; border-radius: 6px; background: #36c5f0; color: #fff; font-weight: 900;
  display: grid; place-items: center }
.thread .avatar { width: 24px; height: 24px; font-size: 11px }
.who b { font-weight: 900 } .app { font-size: 10px; background: var(--line); border-radius: 3px; padding: 1px 4px }
.attachment { border-left: 4px solid var(--line); border-radius: 3px; padding: 2px 0 2px 12px; margin: 6px 0 }
.block { margin: 6px 0; overflow-wrap: anywhere } .block.header { font-size: 18px; font-weight: 900 }
.block.section { display: flex; gap: 12px; justify-content: space-between }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 16px; width: 100% }
.context { color: var(--dim); font-size: 13px; display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center }
.context img { height: 20px } .picture img { max-width: 100%; border-radius: 6px } .alt { color: var(--dim) }
.actions { display: flex; flex-wrap: wrap; gap: 8px; align-items: center } form { display: inline; margin: 0 }
button.primary { background: var(--ok); border-color: var(--ok); color: #fff }
button.danger { background: var(--bad); border-color: var(--bad); color: #fff }
@media (prefers-color-scheme: dark) { button.primary, button.danger { color: #1a1d21 } }
button.entry { font-weight: 400; border-style: dashed }
code { background: var(--soft); border: 1px solid var(--line); border-radius: 3px; color: var(--bad); padding: 0 3px;
  font-size: 12.5px } blockquote { margin: 2px 0; padding-left: 10px; border-left: 4px solid var(--line) }
hr { border: 0; border-top: 1px solid var(--line); margin: 10px 0 } .edited { color: var(--dim); font-size: 12px }
.mention { background: #1d9bd11a; color: var(--accent); border-radius: 3px; padding: 0 2px }
.shout { color: var(--warn) }
.ephemeral { background: var(--soft) } .only { color: var(--dim); font-size: 12px }
@media (max-width: 640px) { main.slack { grid-template-columns: 1fr; grid-template-rows: auto 1fr }
  nav { display: flex; flex-wrap: wrap; align-items: center; padding: 6px 8px } nav h3 { margin: 0 6px }
  nav a { padding: 3px 8px; border-radius: 4px } .message { padding: 6px 12px } .fields { grid-template-columns: 1fr } }
.problem { margin: 0 20px 10px; padding: 8px 12px; border-radius: 4px; background: var(--bad); color: var(--back) }
"""


def link(*, channel: str, user: str, problem: str = "") -> str:
    query = {"channel": channel, "as": user} | ({"problem": problem} if problem else {})
    return "/?" + urllib.parse.urlencode(query)


def render(slack: "SlackStandIn", query: Mapping[str, str]) -> str:
    """The channel and the person that *query* names; the first of each otherwise."""
    user = query.get("as") or next(iter(slack.users), "U7")
    ids = [channel.id for channel in slack.channels]
    here = query["channel"] if query.get("channel") in ids else next(iter(ids), "")
    view = _View(slack, user)
    links = "".join(
        f'<a class="{"here" if channel.id == here else ""}" href="{html.escape(link(channel=channel.id, user=user))}">'
        f"# {html.escape(channel.name)}</a>"
        for channel in slack.channels
    )
    people = "".join(
        f'<a class="{"here" if id_ == user else ""}" href="{html.escape(link(channel=here, user=id_))}">'
        f"{html.escape(name)}</a>"
        for id_, name in slack.users.items()
    )
    problem = f"<p class=problem>⚠ {html.escape(query['problem'])}</p>" if query.get("problem") else ""
    body = (
        f"<nav><h3>Channels</h3>{links}<h3>You are</h3>{people}</nav>"
        f"<section class=channel><h1># {html.escape(slack.channel_name(here)) if here else ''}</h1>{problem}"
        f"{view.channel(here) or '<p class=message>No messages yet.</p>'}</section>"
    )
    return page("Slack", "stand-in", body, colour="#350d36", style=STYLE, kind="slack")


class _View:
    """One person's sight of the workspace."""

    def __init__(self, slack: "SlackStandIn", user: str) -> None:
        self.slack = slack
        self.user = user

    def channel(self, channel_id: str) -> str:
        """Messages in order of time, each with its thread; ephemerals of this person among them."""
        entries = [
            (float(message.ts), "".join(map(self.message, [message, *message.replies])))
            for message in self.slack.messages
            if message.channel == channel_id and message.thread_ts is None
        ]
        entries += [
            (ephemeral.at, self.ephemeral(ephemeral))
            for ephemeral in self.slack.ephemerals
            if (ephemeral.channel, ephemeral.user) == (channel_id, self.user)
        ]
        return "".join(entry for _, entry in sorted(entries))

    def message(self, message: Message) -> str:
        edited = " <span class=edited>(edited)</span>" if message.history else ""
        return (
            f'<article class="message {"thread" if message.thread_ts else ""}"><div class=avatar>i</div><div>'
            f"{_who(float(message.ts))}{self.content(message.content, message)}{edited}</div></article>"
        )

    def ephemeral(self, ephemeral: Ephemeral) -> str:
        return (
            f'<article class="message ephemeral"><div class=avatar>i</div><div><div class=only>👁 Only visible to you'
            f"</div>{_who(ephemeral.at)}{self.content(ephemeral.content, None)}</div></article>"
        )

    def content(self, content: Content, message: Message | None) -> str:
        """As Slack: blocks take the place of the text, attachments do not; they come below either."""
        presses = iter(enumerate(controls(content)))
        shown = self.blocks(content.blocks, message, presses)
        if not content.blocks:
            shown = f"<div class=block>{self.mrkdwn(content.text)}</div>"
        for attachment in content.attachments:
            colour = html.escape(_colour(attachment.get("color", "")))
            inner = self.blocks(attachment.get("blocks", ()), message, presses) or self.mrkdwn(
                str(attachment.get("text") or attachment.get("fallback") or "")
            )
            shown += f'<div class=attachment style="border-color:{colour}">{inner}</div>'
        return shown

    def blocks(
        self, blocks: Iterable[Mapping[str, Any]], message: Message | None, presses: Iterable[tuple[int, Control]]
    ) -> str:
        buttons = iter(presses)
        return "".join(self.block(block, message, buttons) for block in blocks)

    def block(self, block: Mapping[str, Any], message: Message | None, presses: Iterable[tuple[int, Control]]) -> str:
        kind = block["type"]
        if kind == "divider":
            return "<hr>"
        if kind == "image":
            return f"<div class='block picture'>{_image(block)}</div>"
        if kind == "actions":
            inner = "".join(self.element(element, message, presses) for element in block["elements"])
        elif kind == "context":
            inner = "".join(f"<span>{self.element(element, message, presses)}</span>" for element in block["elements"])
        else:
            text = self.text(block["text"]) if "text" in block else ""
            fields = "".join(f"<div>{self.text(field)}</div>" for field in block.get("fields", ()))
            inner = f"<div>{text}</div>" if text else ""
            inner += f"<div class=fields>{fields}</div>" if fields else ""
            inner += self.element(block["accessory"], message, presses) if "accessory" in block else ""
        return f'<div class="block {html.escape(kind)}">{inner}</div>'

    def element(
        self, element: Mapping[str, Any], message: Message | None, presses: Iterable[tuple[int, Control]]
    ) -> str:
        if element["type"] == "image":
            return _image(element)
        if element["type"] == "button":
            return self.button(element, message, presses, element.get("style", ""))
        if element["type"] == "overflow":
            return "".join(self.button(option, message, presses, "entry") for option in element["options"])
        return self.text(element)

    def button(
        self,
        element: Mapping[str, Any],
        message: Message | None,
        presses: Iterable[tuple[int, Control]],
        look: str,
    ) -> str:
        """A form of its own; `controls` counts in the same order, so the next press is this one's."""
        index, control = next(iter(presses))
        label = html.escape(with_emoji(control.label))
        if element.get("url"):
            return f'<a class=button href="{html.escape(element["url"])}" target="_blank" rel="noopener">{label}</a>'
        if message is None:
            return f"<button disabled>{label}</button>"
        hidden = {"ts": message.ts, "version": len(message.history), "control": index, "as": self.user}
        fields = "".join(f'<input type=hidden name="{n}" value="{html.escape(str(v))}">' for n, v in hidden.items())
        return f'<form method=post action="/press">{fields}<button class="{html.escape(look)}">{label}</button></form>'

    def text(self, text: Mapping[str, Any]) -> str:
        if text["type"] == "plain_text":
            return html.escape(with_emoji(text["text"])).replace("\n", "<br>")
        return self.mrkdwn(text["text"])

    def mrkdwn(self, text: str) -> str:
        return to_html(text, self.slack.user_name)


def _who(at: float) -> str:
    return f"<div class=who><b>incidentd</b> <span class=app>APP</span> <span class=dim>{local_time(at)}</span></div>"


def _image(image: Mapping[str, Any]) -> str:
    alt = html.escape(image["alt_text"])
    source = str(image.get("image_url", ""))
    if not source.startswith(("http://", "https://")):
        return f"<span class=alt>🖼 {alt}</span>"
    return f'<img src="{html.escape(source)}" alt="{alt}" title="{alt}">'


def _colour(colour: str) -> str:
    named = {"good": "#2eb67d", "warning": "#ecb22e", "danger": "#e01e5a"}
    return named.get(colour, colour if colour.lstrip("#").isalnum() else "")
