"""An issue of Jira's stand-in -> HTML, its documents as Jira shows them."""

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from incidentd.demo.jira import Issue

STYLE = ".text p { margin: 6px 0 } .text ul { margin: 6px 0; padding-left: 22px } .text li p { margin: 0 }"
_LOOKS = {"To Do": "", "In Progress": "warn", "Done": "ok"}
_TAGS = {"paragraph": "p", "bulletList": "ul", "listItem": "li"}


def render(issue: "Issue") -> str:
    """The issue with its description, links and comments."""
    labels = " ".join(f"<code>{html.escape(label)}</code>" for label in issue.labels)
    kind = html.escape(issue.fields["issuetype"]["name"])
    priority = html.escape(str((issue.fields.get("priority") or {}).get("name", "")))
    links = "".join(
        f"<p>🔗 {_link(str(link['object']['url']), str(link['object']['title']))}</p>" for link in issue.links.values()
    )
    comments = "".join(f"<tr><td>{_shown(comment)}" for comment in issue.comments)
    return (
        f"<section class=card><h2>{html.escape(issue.key)} {html.escape(issue.summary)}</h2>"
        f'<span class="pill {_LOOKS[issue.status]}">{issue.status}</span>'
        f"<span class=dim>{kind} {priority} {labels}</span>"
        f"<div class=text>{_shown(issue.fields.get('description'))}{links}<table>{comments}</table></div></section>"
    )


def _shown(document: object) -> str:
    """An Atlassian document, or wiki markup as it was written."""
    if isinstance(document, str):
        return f"<pre>{html.escape(document)}</pre>"
    if not isinstance(document, dict):
        return ""
    if document.get("type") == "text":
        return _text(document)
    inner = "".join(map(_shown, document.get("content", ())))
    tag = _TAGS.get(str(document.get("type")))
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _text(node: dict[str, object]) -> str:
    text = str(node.get("text", ""))
    marks = node.get("marks")
    for mark in marks if isinstance(marks, list) else ():
        if mark.get("type") == "link":
            return _link(str(mark["attrs"]["href"]), text)
        if mark.get("type") == "strong":
            return f"<b>{html.escape(text)}</b>"
    return html.escape(text)


def _link(url: str, text: str) -> str:
    if not url.startswith(("http://", "https://")):
        return html.escape(text)
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'
