"""Slack's mrkdwn -> safe HTML, as far as messages of an incident use it."""

import html
import re
from collections.abc import Callable

EMOJI = {
    "red_circle": "🔴",
    "large_orange_circle": "🟠",
    "large_yellow_circle": "🟡",
    "large_green_circle": "🟢",
    "large_blue_circle": "🔵",
    "white_circle": "⚪",
    "white_check_mark": "✅",
    "rotating_light": "🚨",
    "warning": "⚠️",
    "fire": "🔥",
    "eyes": "👀",
    "wrench": "🔧",
    "hammer_and_wrench": "🛠️",
    "book": "📖",
    "bell": "🔔",
    "no_bell": "🔕",
    "pager": "📟",
    "ticket": "🎫",
    "x": "❌",
    "chart_with_upwards_trend": "📈",
    "arrow_up": "⬆️",
    "arrow_down": "⬇️",
}

_HELD = re.compile(r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\n]+)>", re.DOTALL)
_MARKS = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
    (re.compile(r"^(?:&gt;) ?(.*)$", re.MULTILINE), r"<blockquote>\1</blockquote>"),
)
_EMOJI = re.compile(r":([a-z0-9_+-]+):")


def to_html(text: str, user_name: Callable[[str], str]) -> str:
    """Escaped whatever it holds; code and links are not searched for marks."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        if match["link"] is not None:
            held.append(_link(match["link"], user_name))
        else:
            tag = "pre" if match["pre"] is not None else "code"
            held.append(f"<{tag}>{_escape(match['pre'] or match['code'])}</{tag}>")
        return f"\0{len(held) - 1}\0"

    marked = _escape(_HELD.sub(hold, text.replace("\0", "")))
    for pattern, replacement in _MARKS:
        marked = pattern.sub(replacement, marked)
    marked = with_emoji(marked).replace("\n", "<br>")
    return re.sub(r"\0(\d+)\0", lambda match: held[int(match[1])], marked)


def with_emoji(text: str) -> str:
    """Known ``:names:`` as characters; the others stay."""
    return _EMOJI.sub(lambda match: EMOJI.get(match[1], match[0]), text)


def _escape(text: str) -> str:
    """Slack's three escapes are undone first: what is left is text."""
    return html.escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _link(inner: str, user_name: Callable[[str], str]) -> str:
    target, _, label = inner.partition("|")
    if target.startswith("@"):
        return f"<span class=mention>@{_escape(label or user_name(target[1:]))}</span>"
    if target.startswith("#"):
        return f"<span class=mention>#{_escape(label or target[1:])}</span>"
    if target.startswith("!date"):
        return _escape(label)
    if target.startswith("!"):
        return f"<span class='mention shout'>@{_escape(label or target[1:])}</span>"
    if target.startswith(("http://", "https://", "mailto:")):
        return f'<a href="{_escape(target)}" target="_blank" rel="noopener">{_escape(label or target)}</a>'
    return _escape(f"<{inner}>")
