"""Go's quoted strings and characters <-> text."""

import re
import unicodedata

_NAMED = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_NAMES = {code: name for name, code in _NAMED.items() if name not in "'\"\\"}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))")
_MAX_RUNE = 0x10FFFF
_MAX_BYTE = 255
_ASCII = 0x7F
_BMP = 0xFFFF
_DELETE = 0x7F


def unquote(literal: str) -> str:
    """The text of a string literal, quotes included; ValueError (`invalid syntax`) as Go's strconv gives it."""
    if literal.startswith("`"):
        return literal[1:-1].replace("\r", "")
    body = literal[1:-1]
    if "\\" not in body:
        return body
    return _unescape(body, "'")


def unquote_char(literal: str) -> int:
    """The code of a character literal; ValueError as Go gives it."""
    body = literal[1:-1]
    if not body or body == "'":
        raise ValueError("invalid syntax")
    text = _unescape(body, '"')
    if len(text) != 1:
        raise ValueError(f"malformed character constant: {literal}")
    return ord(text)


def _unescape(body: str, foreign_quote: str) -> str:
    r"""Escapes \x and octal are bytes, the others characters; the result is read as UTF-8."""
    out = bytearray()
    at = 0
    while at < len(body):
        if body[at] != "\\":
            out += body[at].encode(errors="replace")
            at += 1
            continue
        match = _ESCAPE.match(body, at)
        if match is None or match[1] == foreign_quote:
            raise ValueError("invalid syntax")
        out += _escaped(match)
        at = match.end()
    return out.decode(errors="replace")


def _escaped(match: re.Match[str]) -> bytes:
    name, two, four, eight, octal = match.groups()
    if name:
        return bytes([_NAMED[name]])
    if two or octal:
        code = int(two, 16) if two else int(octal, 8)
        if code > _MAX_BYTE:
            raise ValueError("invalid syntax")
        return bytes([code])
    code = int(four or eight, 16)
    if code > _MAX_RUNE or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the surrogates
        raise ValueError("invalid syntax")
    return chr(code).encode(errors="replace")


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """*text* as a Go literal in *mark*s."""
    return mark + "".join(_quoted(char, mark, ascii_only=ascii_only) for char in text) + mark


def can_backquote(text: str) -> bool:
    """Whether *text* can stand in backquotes as it is."""
    return not any((char < " " and char != "\t") or char in "`\x7f\ufeff" for char in text)


def _quoted(char: str, mark: str, *, ascii_only: bool) -> str:
    code = ord(char)
    if char in (mark, "\\"):
        return "\\" + char
    if is_print(char) and (code <= _ASCII or not ascii_only):
        return char
    if code in _NAMES:
        return "\\" + _NAMES[code]
    if code < ord(" ") or code == _DELETE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"


def is_print(char: str) -> bool:
    """unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space."""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"


def code_point(char: str) -> str:
    """Go's %#U: `U+002D '-'`."""
    return f"U+{ord(char):04X}" + (f" '{char}'" if is_print(char) else "")
