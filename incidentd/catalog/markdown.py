"""Markdown that people wrote -> HTML that is safe to show, and what it says first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, html_block
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

_AUTHORED = ("details", "summary", "br", "p", "a", "code", "img")
"""The tags that an author may write; every other one is shown as text, because ``<namespace>`` is a placeholder."""
_TASK = '<input class="task-list-item-checkbox"(?: checked="checked")? disabled="disabled" type="checkbox">'
"""What the plugin for task lists writes; it hands it on as if the author had written it."""
_TAG = re.compile(
    rf"(?P<comment><!--.*?-->)|(?P<tag></?(?:{'|'.join(_AUTHORED)})(?:\s[^<>]*|/)?>|{_TASK})",
    re.DOTALL | re.IGNORECASE,
)
_BLOCK = re.compile(rf"<!--|</?(?:{'|'.join(_AUTHORED)})(?=[\s/>])", re.IGNORECASE)
_TAGS = """
h1 h2 h3 h4 h5 h6 p br hr ul ol li pre code blockquote em strong s del a img table thead tbody tr th td input details
summary
"""
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "th": {"align"},
    "td": {"align"},
    "input": {"type", "checked", "disabled"},
    "details": {"open"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
_CLASSES = {
    "code": re.compile(r"language-[\w+#.-]+"),
    "li": re.compile("task-list-item"),
    "ul": re.compile("contains-task-list"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered text. *title* is its first heading, *next_step* the first item of the list under "Diagnosis", else of
    the first list; both plain text, empty when there is none."""

    html: str
    title: str
    next_step: str


def render(text: str) -> Page:
    """*text* as a page. Headings have the ids that GitHub gives them; never raises, whatever *text* is."""
    markdown = _markdown()
    tokens = markdown.parse(text)
    for token in tokens:
        _align_without_style(token)
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Page(_sanitised(html), _title(tokens), _next_step(tokens))


def one_line(text: str, at_most: int) -> str:
    """*text* with white space folded, cut at *at_most* characters."""
    line = " ".join(text.split())
    return line if len(line) <= at_most else line[: at_most - 1].rstrip() + "…"


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("gfm-like", {"html": True})
    markdown.use(anchors_plugin, max_level=6).use(tasklists_plugin)
    markdown.block.ruler.at("html_block", _authored_html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    markdown.add_render_rule("html_block", _html)
    markdown.add_render_rule("html_inline", _html)
    return markdown


def _authored_html_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001 - theirs
    """Only the tags that an author may write begin a block of HTML; other lines stay Markdown."""
    begins = _BLOCK.match(state.src, state.bMarks[first] + state.tShift[first])
    return begins is not None and html_block(state, first, last, silent)


def _html(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    return _escaped(tokens[index].content)


def _escaped(html: str) -> str:
    """*html* without its comments, and with every tag escaped that an author may not write."""
    kept, end = [], 0
    for match in _TAG.finditer(html):
        kept += [_as_text(html[end : match.start()]), match["tag"] or ""]
        end = match.end()
    return "".join([*kept, _as_text(html[end:])])


def _as_text(html: str) -> str:
    return html.replace("<", "&lt;").replace(">", "&gt;")


def _sanitised(html: str) -> str:
    classes = {tag: {"class"} for tag in _CLASSES}
    return nh3.clean(
        html,
        tags=set(_TAGS.split()),
        attributes={tag: _ATTRIBUTES.get(tag, set()) | classes.get(tag, set()) for tag in {*_ATTRIBUTES, *classes}},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name != "class":
        return value
    return value if tag in _CLASSES and _CLASSES[tag].fullmatch(value) else None


def _align_without_style(token: Token) -> None:
    """``style`` would be refused by the pages' content security policy."""
    style = token.attrs.pop("style", None)
    if isinstance(style, str) and style.startswith("text-align:"):
        token.attrSet("align", style.removeprefix("text-align:"))


def _title(tokens: Sequence[Token]) -> str:
    return next((_plain(tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "heading_open"), "")


def _next_step(tokens: Sequence[Token]) -> str:
    diagnosis = _section(tokens, lambda heading: heading.casefold().startswith("diagnosis"))
    return _first_item(diagnosis) or _first_item(tokens)


def _section(tokens: Sequence[Token], wanted: Callable[[str], bool]) -> Sequence[Token]:
    """What stands below the first heading that is *wanted*, up to the next one of its level or above."""
    headings = [(at, token.tag) for at, token in enumerate(tokens) if token.type == "heading_open"]
    for order, (at, tag) in enumerate(headings):
        if wanted(_plain(tokens[at + 1])):
            end = next((later for later, other in headings[order + 1 :] if other <= tag), len(tokens))
            return tokens[at + 3 : end]
    return ()


def _first_item(tokens: Sequence[Token]) -> str:
    inside = False
    for token in tokens:
        inside = inside or token.type == "list_item_open"
        if inside and token.type == "inline":
            return _plain(token)
    return ""


def _plain(inline: Token) -> str:
    return " ".join("".join(_words(inline.children or ())).split())


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            yield token.content
        elif token.type == "html_inline":
            yield _TAG.sub("", token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            yield " "
        elif token.type == "image":
            yield from _words(token.children or ())
