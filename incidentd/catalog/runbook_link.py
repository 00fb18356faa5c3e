"""What an alert says about its runbook -> our Markdown file, or a link to where it is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.rule import Rule
from incidentd.catalog.runbook import Runbook
from incidentd.labels import Labels

ANNOTATIONS = ("runbook_url", "runbook", "playbook")
LABEL = "playbook"
_SUFFIXES = (".md", ".html")
_LONGEST = 2000
"""Characters: what every browser and vendor takes."""
_SAFE = "%/:?#@!$&'()*+,;=~-._"
"""What may stand in a URL in every channel's notation; brackets only in the host."""


@dataclass(frozen=True, slots=True)
class Reference:
    """*runbook* is the name of our own, *url* what the alert says, be it a URL or a path; either may be empty."""

    runbook: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a reader is sent: to *runbook* if it is ours, else out to http or https."""

    title: str
    url: str
    runbook: Runbook | None = None


def said(annotations: Labels, labels: Labels) -> list[str]:
    """What an alert says about its runbook, in the order in which it is believed."""
    texts = (*(annotations.get(name, "") for name in ANNOTATIONS), labels.get(LABEL, ""))
    return [text.strip() for text in texts if text.strip()]


def find(catalog: Catalog, rule: Rule, annotations: Labels, labels: Labels) -> Reference:
    """The runbook of an alert of *rule* with these texts: the file that the last part of a URL names, ignoring case,
    else the one with the alert's name, else the first URL alone. A native rule names its own."""
    if rule.is_native:
        return Reference(rule.runbook or "")
    texts = [text for text in said(annotations, labels) if "{{" not in text]
    for text in texts:
        if catalog.runbook(name := last_part(text)) is not None:
            return Reference(name, text[:_LONGEST])
    url = next((text for text in texts if leads_out(text)), "")
    return Reference(catalog.runbook_called_like(rule.name), url[:_LONGEST])


def link(catalog: Catalog, reference: Reference, base_url: str) -> Link | None:
    """Where *reference* leads as things are authored now; None when it leads nowhere."""
    runbook = catalog.runbook(reference.runbook)
    if runbook is not None:
        return Link(runbook.front.title, f"{base_url}/runbooks/{runbook.name}{_anchor(reference, runbook)}", runbook)
    if leads_out(reference.url):
        return Link(_title(reference.url), _escaped(reference.url))
    return None


def last_part(url: str) -> str:
    """What the path of *url* ends with, in lower case and without the ending of a page."""
    path = url.split("#", 1)[0].split("?", 1)[0].rstrip("/")
    name = unquote(path.rpartition("/")[2]).lower()
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def leads_out(url: str) -> bool:
    """Whether *url* is one that a reader may be sent to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and len(url) <= _LONGEST


def _anchor(reference: Reference, runbook: Runbook) -> str:
    """The fragment of the URL, if it names our file and one of its headings."""
    name = reference.url.partition("#")[2]
    if not name or last_part(reference.url) != runbook.name:
        return ""
    found = next((one for one in (name, name.lower()) if f' id="{one}"' in runbook.html), "")
    return f"#{found}" if found else ""


def _escaped(url: str) -> str:
    host = urlsplit(url).netloc
    before, _, after = url.partition(host)
    return quote(before, safe=_SAFE) + quote(host, safe=_SAFE + "[]") + quote(after, safe=_SAFE)


def _title(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or str(parts.hostname)
