"""A notification -> the texts of a Jira issue, for Cloud (a document) and Data Center (wiki markup)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from incidentd.notify import filters, wording
from incidentd.notify.notification import Notification

MAX_SUMMARY = 255
MAX_TEXT = 32_767
_MAX_LINE = 1000
_SHOWN_ALERTS = 20
# https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all: what begins markup there.
_MARKUP = re.compile(r"([\\{}\[\]()!*_?\-+^~|#@:;])")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text; *href* makes it a link."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


Part = Paragraph | Bullets


def description(notification: Notification) -> tuple[Part, ...]:
    """What a new issue says: what is wrong, what to do next, the facts, the alerts."""
    n = notification
    parts: list[Part] = [_paragraph(f"Opened {filters.local(n.opened_at)}")]
    if n.runbook:
        link = Run(f"Runbook: {_line(n.runbook.title) or n.runbook.name}", n.runbook.url)
        step = _line(n.runbook.next_step)
        parts.append(Paragraph((Run(f"Next: {step} "), link) if step else (link,)))
    parts.append(Bullets(tuple(_facts(n))))
    alerts = [_line(wording.alert_line(alert)) for alert in n.alerts[:_SHOWN_ALERTS]]
    if n.alert_count > _SHOWN_ALERTS:
        alerts.append(f"… and {n.alert_count - _SHOWN_ALERTS} more")
    if alerts:
        parts.append(Bullets(tuple(alert or wording.NOTHING for alert in alerts)))
    parts.append(Paragraph((Run(f"{n.name} in incidentd", n.url),)))
    return tuple(parts)


def comment(notification: Notification, remark: str = "") -> tuple[Part, ...]:
    """What happened, the state now, and *remark* where there is something to add."""
    n = notification
    happened, state = _line(n.headline) or n.kind.value, wording.state(n)
    said = [state] if state.startswith(happened) else [happened, state]
    return tuple(map(_paragraph, [*said, _line(remark)] if remark else said))


def summary(text: str) -> str:
    """One line, as long as Jira takes."""
    return wording.one_line(text, MAX_SUMMARY)


def as_document(parts: Sequence[Part]) -> Mapping[str, Any]:
    """Atlassian Document Format, for API v3. Its text is never markup."""
    return {"type": "doc", "version": 1, "content": [_node(part) for part in parts]}


def as_markup(parts: Sequence[Part]) -> str:
    """Wiki markup, for API v2. Everything that could begin markup is escaped: a label value can mention nobody."""
    return wording.clean("\n\n".join(map(_markup, parts)), MAX_TEXT)


def _facts(n: Notification) -> Iterator[str]:
    yield f"Severity: {n.severity.upper()}"
    for fact in wording.facts(n)[1:]:
        yield f"{fact.name}: {_line(fact.value)}"


def _node(part: Part) -> dict[str, Any]:
    if isinstance(part, Bullets):
        items = [{"type": "listItem", "content": [_node(_paragraph(item))]} for item in part.items]
        return {"type": "bulletList", "content": items}
    return {"type": "paragraph", "content": [_text(run) for run in part.runs]}


def _text(run: Run) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": run.text}
    if run.href:
        node["marks"] = [{"type": "link", "attrs": {"href": run.href}}]
    return node


def _markup(part: Part) -> str:
    if isinstance(part, Bullets):
        return "\n".join(f"* {_escape(item)}" for item in part.items)
    return "".join(f"[{_escape(run.text)}|{run.href}]" if run.href else _escape(run.text) for run in part.runs)


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _paragraph(text: str) -> Paragraph:
    return Paragraph((Run(text),))


def _line(text: str) -> str:
    return wording.one_line(text, _MAX_LINE)
