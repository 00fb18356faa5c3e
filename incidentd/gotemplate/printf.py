"""print, printf and println as Go's fmt has them."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.values import type_name
from incidentd.gotemplate.verbs import MAX_LENGTH, Verb, render, show

_DIRECTIVE = re.compile(
    r"%(?P<flags>[+\-# 0]*)"
    r"(?P<width_index>\[(?:[^\]]*\])?)?(?P<width>\*|[0-9]*)"
    r"(?P<point>\.(?P<precision_index>\[(?:[^\]]*\])?)?(?P<precision>\*|[0-9]*))?"
    r"(?P<index>\[(?:[^\]]*\])?)?(?P<letter>.?)",
    re.DOTALL,
)
_LARGE = 1_000_000  # a width or precision above this is none, as in Go


def sprint(*values: object) -> str:
    """A space between two values if neither is text."""
    return _joined(values, lambda before, value: not isinstance(before, str) and not isinstance(value, str))


def sprintln(*values: object) -> str:
    return _joined(values, lambda _before, _value: True) + "\n"


def _joined(values: tuple[object, ...], apart: Callable[[object, object], bool]) -> str:
    out: list[str] = []
    length = 0
    for at, value in enumerate(values):
        if at and apart(values[at - 1], value):
            out.append(" ")
        text = show(value)
        length += len(text) + 1
        if length > MAX_LENGTH + 1:
            raise CallError(f"more than {MAX_LENGTH} characters")
        out.append(text)
    return "".join(out)


def sprintf(form: str, *values: object) -> str:
    """fmt.Sprintf. CallError where the text would be longer than a template's output may be."""
    state = _State(values)
    out: list[str] = []
    length = 0
    for part in _parts(form):
        if type(part) is str:
            text = part
        elif type(part) is Verb:
            text = state.value(part, good=True)
        else:
            text = state.directive(part)  # type: ignore[arg-type]
        length += len(text)
        if length > MAX_LENGTH:
            raise CallError(f"more than {MAX_LENGTH} characters")
        out.append(text)
    out.append(state.extra())
    return "".join(out)


@lru_cache(1024)
def _parts(form: str) -> list[str | Verb | re.Match[str]]:
    """Text, verbs that are complete, and directives that take numbers from the values."""
    out: list[str | Verb | re.Match[str]] = []
    at = 0
    for match in _DIRECTIVE.finditer(form):
        if match.start() > at:
            out.append(form[at : match.start()])
        out.append(match if "*" in match[0] or "[" in match[0] else _complete(match))
        at = match.end()
    if at < len(form):
        out.append(form[at:])
    return out


def _verb(letter: str, flags: str) -> Verb:
    """With %v, plus and sharp mean something of their own."""
    plus, sharp, is_v = "+" in flags, "#" in flags, letter == "v"
    return Verb(
        letter,
        plus=plus and not is_v,
        minus="-" in flags,
        sharp=sharp and not is_v,
        space=" " in flags,
        zero="0" in flags and "-" not in flags,
        with_names=plus and is_v,
        as_syntax=sharp and is_v,
    )


def _complete(match: re.Match[str]) -> str | Verb:
    verb = _verb(match["letter"], match["flags"])
    if match["width"]:
        if int(match["width"][:9]) > _LARGE:
            return "%!(NOVERB)"
        verb = replace(verb, width=int(match["width"]))
    if match["point"]:
        verb = replace(verb, precision=int(match["precision"][:9] or 0))
    return verb


class _State:
    """Where one call of sprintf stands among its values."""

    def __init__(self, values: tuple[object, ...]) -> None:
        self.values = values
        self.at = 0
        self.reordered = False

    def directive(self, match: re.Match[str]) -> str:
        flags, letter = match["flags"], match["letter"]
        good = True
        out = ""
        verb = _verb(letter, flags)
        good &= self.move(match["width_index"])
        if match["width"] == "*":
            width = self.number()
            if width is None:
                out += "%!(BADWIDTH)"
            else:
                verb = replace(verb, width=abs(width), minus=verb.minus or width < 0, zero=verb.zero and width >= 0)
        elif match["width"]:
            if int(match["width"][:9]) > _LARGE:
                return "%!(NOVERB)"
            verb = replace(verb, width=int(match["width"]))
            good &= not match["width_index"]
        if match["point"]:
            verb, good, text = self.precision(match, verb, good)
            out += text
        good &= self.move(match["index"])
        return out + self.value(verb, good=good)

    def precision(self, match: re.Match[str], verb: Verb, good: bool) -> tuple[Verb, bool, str]:  # noqa: FBT001
        good &= not match["width_index"] or match["width"] == "*"
        good &= self.move(match["precision_index"])
        if match["precision"] != "*":
            good &= not (match["precision_index"] and match["precision"])
            return replace(verb, precision=int(match["precision"][:9] or 0)), good, ""
        number = self.number()
        if number is None:
            return verb, good, "%!(BADPREC)"
        return replace(verb, precision=number if number >= 0 else None), good, "" if number >= 0 else "%!(BADPREC)"

    def value(self, verb: Verb, *, good: bool) -> str:
        if not verb.letter:
            return "%!(NOVERB)"
        if verb.letter == "%":
            return "%"
        if not good:
            return f"%!{verb.letter}(BADINDEX)"
        if self.at >= len(self.values):
            return f"%!{verb.letter}(MISSING)"
        value = self.values[self.at]
        self.at += 1
        return render(value, verb)

    def move(self, index: str | None) -> bool:
        """Go to the value that `[3]` names; whether there is one."""
        if not index:
            return True
        self.reordered = True
        number = index[1:-1]
        if not index.endswith("]") or not number.isdecimal() or not 0 < int(number[:9]) <= len(self.values):
            return False
        self.at = int(number) - 1
        return True

    def number(self) -> int | None:
        """The next value for a `*`; None if it is no fitting int."""
        value = self.values[self.at] if self.at < len(self.values) else None
        self.at += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGE:
            return None
        return value

    def extra(self) -> str:
        if self.reordered or self.at >= len(self.values):
            return ""
        rest = self.values[self.at :]
        shown = ["<nil>" if value is None else f"{type_name(value)}={show(value)}" for value in rest]
        return f"%!(EXTRA {', '.join(shown)})"
