"""Label sets: fingerprints and matchers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

Labels = Mapping[str, str]

_MATCHER = re.compile(r"""^\s*(?P<name>[a-zA-Z_][\w.\-/]*)\s*(?P<op>=~|!~|!=|=)\s*(?P<value>.*?)\s*$""", re.DOTALL)
_FORM = 'write it as name="value", with =, !=, =~ or !~'


def fingerprint(labels: Labels) -> str:
    """16 hexadecimal digits that are equal for equal label sets, whatever their order."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(labels):
        digest.update(f"{name}\xff{labels[name]}\xfe".encode())
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def _anchored(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label, in Prometheus' notation; regular expressions match the whole value."""

    name: str
    op: str
    value: str

    def matches(self, labels: Labels) -> bool:
        """Whether *labels* meet the condition; a label that is absent counts as empty."""
        actual = labels.get(self.name, "")
        if self.op == "=":
            return actual == self.value
        if self.op == "!=":
            return actual != self.value
        found = _anchored(self.value).fullmatch(actual) is not None
        return found is (self.op == "=~")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.op}"{escaped}"'


def parse_matcher(text: str) -> Matcher:
    """*text* such as ``team="ai"`` or ``service=~"chat|search"``; raises ValueError with what to write instead."""
    match = _MATCHER.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a matcher; {_FORM}")
    value = match["value"]
    if value[:1] == '"':
        if len(value) < 2 or value[-1] != '"':  # noqa: PLR2004 - two quotes
            raise ValueError(f"{text!r} lacks a closing quote; {_FORM}")
        value = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value[1:-1])
    elif '"' in value or value[:1] in {"=", "~"}:
        raise ValueError(f"{text!r} is not a matcher; {_FORM}")
    if "~" in match["op"]:
        try:
            _anchored(value)
        except re.error as exc:
            raise ValueError(f"{text!r} holds a broken regular expression: {exc}") from exc
    return Matcher(match["name"], match["op"], value)


@dataclass(frozen=True, slots=True)
class Matchers:
    """Conditions that must all be met."""

    all_of: tuple[Matcher, ...] = field(default=())

    def matches(self, labels: Labels) -> bool:
        return all(matcher.matches(labels) for matcher in self.all_of)

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.all_of)) + "}"


def parse_matchers(texts: Iterable[str]) -> Matchers:
    """Several matchers as authored; raises ValueError at the first that is none."""
    return Matchers(tuple(parse_matcher(text) for text in texts))
