"""The documentation's Markdown -> what a test compares: tables, blocks, headings, links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = (README, ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_BAR = re.compile(r"(?<!\\)\|")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in *language*."""
    return [content for _, found, content in _FENCE.findall(text) if found == language]


def prose(text: str) -> str:
    """*text* with its fenced blocks blank."""
    return _FENCE.sub(lambda block: " " * len(block[0]), text)


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table."""
    lines = [line for line in prose(text).splitlines() if line.lstrip().startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip())[1:-1]] for line in lines]


def coded(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def table(text: str) -> dict[str, str]:
    """The first word in code of each row's first cell -> the second cell without backticks."""
    return {coded(row[0])[0]: row[1].strip("`") for row in rows(text) if coded(row[0])}


def section(text: str, heading: str) -> str:
    """What stands below *heading*, up to the next heading of any level."""
    everything = list(_HEADING.finditer(prose(text)))
    found = [match for match in everything if match[2] == heading]
    assert len(found) == 1, f"{len(found)} headings {heading!r}"
    following = next((match for match in everything if match.start() > found[0].start()), None)
    return text[found[0].end() : following.start() if following else None]


def headings(text: str, level: int) -> list[str]:
    return [title for marks, title in _HEADING.findall(prose(text)) if len(marks) == level]


def anchors(text: str) -> set[str]:
    """The ids that GitHub gives the headings."""
    titles = [title for _, title in _HEADING.findall(prose(text))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(text: str) -> list[str]:
    """Where its links and images lead on this disk: ``docs/rules.md#limit``."""
    text = re.sub(r"`[^`]*`", "", prose(text))
    return [link for link in _LINK.findall(text) if not link.startswith(("http://", "https://"))]
