"""A regular expression in Go's syntax (RE2) -> its tree. It has no back-references and no looking around."""

import re
import string
from dataclasses import dataclass, replace

from incidentd.gotemplate import regex_nodes as nodes
from incidentd.gotemplate.charset import CATEGORIES, MAX_CHAR, PERL, POSIX, CharSet
from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.quote import can_backquote, quote

MAX_REPEAT = 1000
MAX_DEPTH = 50
_REPEAT = re.compile(r"\{([0-9]{1,9})(?:(,)([0-9]{0,9}))?\}")
_OPERATOR = re.compile(r"[*+?]|" + _REPEAT.pattern)
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAME = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_NAMED_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
_UNICODE = re.compile(r"\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))")
_ESCAPED = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_HEX = re.compile(r"x(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{2}))")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_OF_THE_TEXT = {"^": "A", "$": "z"}
_PLACES = {"A": "A", "z": "z", "b": "b", "B": "B"}


@dataclass(frozen=True, slots=True)
class _Flags:
    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    root: nodes.Regex
    groups: int
    names: dict[str, list[int]]


def parse(pattern: str) -> Parsed:
    """Raises CallError with Go's text."""
    parser = _Parser(pattern)
    root = parser.choice()
    if parser.at < len(pattern):
        raise parser.error("unexpected )", pattern)
    return Parsed(root, parser.groups, parser.names)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = _Flags()
        self.groups = 0
        self.names: dict[str, list[int]] = {}
        self.depth = 0

    def error(self, what: str, where: str) -> CallError:
        return CallError(f"error parsing regexp: {what}: `{where}`")

    def rest(self) -> str:
        return self.pattern[self.at :]

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def choice(self) -> nodes.Regex:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else nodes.Choice(tuple(options))

    def sequence(self) -> nodes.Regex:
        parts: list[nodes.Regex] = []
        while self.at < len(self.pattern) and self.peek() not in "|)":
            if self.pattern.startswith("\\Q", self.at):
                parts.extend(self.quoted())
                continue
            start = self.at
            atom = self.atom()
            if atom is not None:
                parts.append(self.repeated(atom, start))
        return nodes.Sequence(tuple(parts))

    def quoted(self) -> list[nodes.Regex]:
        text, ended, _ = self.pattern[self.at + 2 :].partition("\\E")
        self.at += 2 + len(text) + len(ended)
        return [self.one(ord(char)) for char in text]

    def atom(self) -> nodes.Regex | None:
        char = self.peek()
        if char == "(":
            return self.group()
        if char == "[":
            return nodes.One(self.char_class())
        if match := _OPERATOR.match(self.pattern, self.at):
            raise self.error("missing argument to repetition operator", match[0])
        if char == "\\":
            return self.escape()
        self.at += 1
        if char == ".":
            return nodes.One(CharSet(negated=True, ranges=[] if self.flags.s else [(10, 10)]))
        if char in "^$":
            return nodes.Assert(char if self.flags.m else _OF_THE_TEXT[char])
        return self.one(ord(char))

    def one(self, code: int) -> nodes.One:
        return nodes.One(CharSet([(code, code)], folds=self.flags.i))

    # Groups

    def group(self) -> nodes.Regex | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error("expression nests too deeply", self.pattern)
        outer = self.flags
        number = self.group_start()
        if number is None:
            self.depth -= 1
            return None
        inner = self.choice()
        if self.peek() != ")":
            raise self.error("missing closing )", self.pattern)
        self.at += 1
        self.flags = outer
        self.depth -= 1
        return nodes.Group(number, inner) if number else inner

    def group_start(self) -> int | None:
        """The group's number, 0 for one without, None where only flags are set."""
        if not self.pattern.startswith("(?", self.at):
            self.at += 1
            self.groups += 1
            return self.groups
        if name := _NAME.match(self.pattern, self.at):
            self.at = name.end()
            self.groups += 1
            self.names.setdefault(name[1], []).append(self.groups)
            return self.groups
        flags = _FLAGS.match(self.pattern, self.at)
        if flags is None:
            raise self.bad_group()
        self.at = flags.end()
        for letters, on in ((flags[1], True), (flags[2] or "", False)):
            self.flags = replace(self.flags, **dict.fromkeys(letters, on))
        return None if flags[3] == ")" else 0

    def bad_group(self) -> CallError:
        rest = self.rest()
        if rest.startswith(("(?P<", "(?<")) and rest[3:4] not in "=!":
            name, closed, _ = rest.partition(">")
            return self.error("invalid named capture", name + closed if closed else rest)
        at = 2
        while rest[at : at + 1] and rest[at] in "imsU-":
            at += 1
        return self.error("invalid or unsupported Perl syntax", rest[: at + 1])

    # Repetition

    def repeated(self, atom: nodes.Regex, start: int) -> nodes.Regex:
        operators = self.at
        repeat = self.repetition(atom)
        if repeat is None:
            return atom
        first_end = self.at
        if self.peek() and self.repetition(atom) is not None:
            raise self.error("invalid nested repetition operator", self.pattern[operators : self.at])
        self.at = first_end
        return repeat

    def repetition(self, atom: nodes.Regex) -> nodes.Repeat | None:
        char = self.peek()
        least, most = 0, None
        if char and char in "*+?":
            least, most = int(char == "+"), 1 if char == "?" else None
            self.at += 1
        elif match := _REPEAT.match(self.pattern, self.at):
            least = int(match[1])
            most = least if not match[2] else int(match[3]) if match[3] else None
            if max(least, most or 0) > MAX_REPEAT or (most is not None and least > most):
                raise self.error("invalid repeat count", match[0])
            self.at = match.end()
        else:
            return None
        lazy = self.peek() == "?"
        self.at += lazy
        return nodes.Repeat(atom, least, most, greedy=lazy is self.flags.U)

    # Escapes and classes

    def escape(self) -> nodes.Regex:
        char = self.pattern[self.at + 1 : self.at + 2]
        if not char:
            raise self.error("trailing backslash at end of expression", "")
        if char in _PLACES:
            self.at += 2
            return nodes.Assert(_PLACES[char])
        chars = CharSet(folds=self.flags.i)
        if self.named_class(chars):
            return nodes.One(chars)
        return self.one(self.escaped_code())

    def named_class(self, chars: CharSet) -> bool:
        r"""Read `\d` or `\p{L}` into *chars*; whether there was one."""
        char = self.pattern[self.at + 1 : self.at + 2]
        if char.lower() in PERL and char:
            chars.add(PERL[char.lower()], negated=char.isupper())
            self.at += 2
            return True
        if char not in ("p", "P") or not char:
            return False
        match = _UNICODE.match(self.pattern, self.at)
        name = (match[3] or match[4]) if match else ""
        if match is None or name not in CATEGORIES:
            shown = match[0] if match else self.pattern[self.at : self.at + 2]
            raise self.error("invalid character class range", shown)
        chars.categories.append((name, (match[1] == "P") is not bool(match[2])))
        self.at = match.end()
        return True

    def escaped_code(self) -> int:
        """The character that an escape stands for."""
        start = self.at
        char = self.pattern[start + 1 : start + 2]
        self.at += 2
        if char in _ESCAPED:
            return _ESCAPED[char]
        if match := _HEX.match(self.pattern, start + 1):
            code = int(match[1] or match[2], 16)
            if code <= MAX_CHAR:
                self.at = match.end()
                return code
        elif match := _OCTAL.match(self.pattern, start + 1):
            self.at = match.end()
            return int(match[0], 8)
        elif char.isascii() and char and not char.isalnum():
            return ord(char)
        end = start + 2 if char != "x" else self.hex_end(start + 2)
        raise self.error("invalid escape sequence", self.pattern[start:end])

    def hex_end(self, start: int) -> int:
        r"""Where Go stops reading a bad `\x`."""
        if self.pattern[start : start + 1] != "{":
            return start + 2
        at, code = start + 1, 0
        while at < len(self.pattern) and code <= MAX_CHAR:
            digit = self.pattern[at]
            at += 1
            if digit not in string.hexdigits:
                break
            code = code * 16 + int(digit, 16)
        return at

    def char_class(self) -> CharSet:
        start = self.at
        self.at += 1
        chars = CharSet(folds=self.flags.i)
        if self.peek() == "^":
            chars.negated = True
            self.at += 1
        first = True
        while first or self.peek() != "]":
            if self.at >= len(self.pattern):
                raise self.error("missing closing ]", self.pattern[start:])
            first = False
            self.class_item(chars, start)
        self.at += 1
        return chars

    def class_item(self, chars: CharSet, start: int) -> None:
        if match := _NAMED_CLASS.match(self.pattern, self.at):
            if match[2] not in POSIX:
                raise self.error("invalid character class range", match[0])
            chars.add(POSIX[match[2]], negated=bool(match[1]))
            self.at = match.end()
            return
        if self.peek() == "\\" and self.named_class(chars):
            return
        begin = self.at
        low = high = self.class_char(start)
        if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self.class_char(start)
            if high < low:
                raise self.error("invalid character class range", self.pattern[begin : self.at])
        chars.ranges.append((low, high))

    def class_char(self, start: int) -> int:
        if self.at >= len(self.pattern):
            raise self.error("missing closing ]", self.pattern[start:])
        if self.peek() == "\\":
            if self.at + 1 >= len(self.pattern):
                raise self.error("trailing backslash at end of expression", "")
            return self.escaped_code()
        self.at += 1
        return ord(self.pattern[self.at - 1])


def compile_problem(pattern: str, problem: str) -> str:
    """What Go's MustCompile says."""
    shown = f"`{pattern}`" if can_backquote(pattern) else quote(pattern)
    return f"regexp: Compile({shown}): {problem}"
