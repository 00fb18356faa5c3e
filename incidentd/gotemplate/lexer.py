"""Template text -> tokens; a problem is the last token."""

import re
from typing import NamedTuple

from incidentd.gotemplate.quote import code_point, quote
from incidentd.gotemplate.tokens import KEYWORDS, Kind, Token

_SPACE = " \t\r\n"
_ENDS_A_WORD = _SPACE + ".,|:()}"
_STRING = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHAR = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_NUMBER = re.compile(
    r"""[+-]?(?:
        0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?
      | 0[oO][0-7_]*(?:\.[0-7_]*)?
      | 0[bB][01_]*(?:\.[01_]*)?
      | [0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
    )i?""",
    re.VERBOSE,
)
_SIMPLE = {"|": Kind.PIPE, "=": Kind.ASSIGN}


class _Problem(NamedTuple):
    start: int
    message: str


def tokens(text: str) -> list[Token]:
    """All tokens of *text*, the last one an EOF or an ERROR."""
    return _Lexer(text).run()


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.depth = 0
        self.out: list[Token] = []

    def run(self) -> list[Token]:
        while self.pos < len(self.text):
            problem = self._text()
            if problem is not None:
                self.out.append(Token(Kind.ERROR, problem.start, problem.message))
                return self.out
        self.out.append(Token(Kind.EOF, len(self.text), ""))
        return self.out

    def _emit(self, kind: Kind, start: int, end: int) -> None:
        self.out.append(Token(kind, start, self.text[start:end]))
        self.pos = end

    def _text(self) -> _Problem | None:
        """Plain text up to the next action, and the action."""
        start = self.pos
        left = self.text.find("{{", start)
        if left < 0:
            self._emit(Kind.TEXT, start, len(self.text))
            return None
        trims = self.text[left + 2 : left + 3] == "-" and self._is_space(left + 3)
        end = start + len(self.text[start:left].rstrip(_SPACE)) if trims else left
        if end > start:
            self._emit(Kind.TEXT, start, end)
        inside = left + 2 + (2 if trims else 0)
        if self.text.startswith("/*", inside):
            return self._comment(inside)
        self._emit(Kind.LEFT_DELIM, left, left + 2)
        self.pos = inside
        self.depth = 0
        return self._action()

    def _comment(self, start: int) -> _Problem | None:
        end = self.text.find("*/", start + 2)
        if end < 0:
            return _Problem(start, "unclosed comment")
        width = self._right_delim(end + 2)
        if not width:
            return _Problem(start, "comment ends before closing delimiter")
        self._after_delim(end + 2, width)
        return None

    def _after_delim(self, start: int, width: int) -> None:
        self.pos = start + width
        if width > len("}}"):
            while self._is_space(self.pos):
                self.pos += 1

    def _right_delim(self, at: int) -> int:
        """The length of the closing delimiter at *at*, trim marker included; 0 if there is none."""
        if self.text.startswith("}}", at):
            return 2
        return 4 if self._is_space(at) and self.text.startswith("-}}", at + 1) else 0

    def _is_space(self, at: int) -> bool:
        return at < len(self.text) and self.text[at] in _SPACE

    def _action(self) -> _Problem | None:
        while True:
            start = self.pos
            width = self._right_delim(start)
            if width:
                if self.depth:
                    return _Problem(start, "unclosed left paren")
                self.out.append(Token(Kind.RIGHT_DELIM, start + width - 2, "}}"))
                self._after_delim(start, width)
                return None
            if start >= len(self.text):
                return _Problem(start, "unclosed action")
            problem = self._word(start, self.text[start])
            if problem is not None:
                return problem

    def _word(self, start: int, char: str) -> _Problem | None:
        if char in _SPACE:
            self._spaces(start)
            return None
        if char in "\"'`":
            return self._quoted(start, char)
        if char == "$" or (char == "." and not self.text[start + 1 : start + 2].isdecimal()):
            return self._field_or_variable(start, char)
        if char in "+-.0123456789":
            return self._number(start)
        if _is_word(char):
            return self._identifier(start)
        return self._mark(start, char)

    def _mark(self, start: int, char: str) -> _Problem | None:
        if char == ":":
            if self.text[start + 1 : start + 2] != "=":
                return _Problem(start, "expected :=")
            self._emit(Kind.DECLARE, start, start + 2)
        elif char == "(":
            self._emit(Kind.LEFT_PAREN, start, start + 1)
            self.depth += 1
        elif char == ")":
            self._emit(Kind.RIGHT_PAREN, start, start + 1)
            self.depth -= 1
            if self.depth < 0:
                return _Problem(start + 1, f"unexpected right paren {code_point(char)}")
        elif char.isascii() and char.isprintable():
            self._emit(_SIMPLE.get(char, Kind.CHAR), start, start + 1)
        else:
            return _Problem(start, f"unrecognized character in action: {code_point(char)}")
        return None

    def _spaces(self, start: int) -> None:
        end = start
        while self._is_space(end):
            end += 1
        if self._right_delim(end - 1) > len("}}"):
            end -= 1  # the last space belongs to the trim marker
        if end > start:
            self._emit(Kind.SPACE, start, end)

    def _quoted(self, start: int, mark: str) -> _Problem | None:
        if mark == "`":
            end = self.text.find("`", start + 1) + 1
            if not end:
                return _Problem(start, "unterminated raw quoted string")
            self._emit(Kind.RAW_STRING, start, end)
            return None
        match = (_STRING if mark == '"' else _CHAR).match(self.text, start)
        if match is None:
            what = "quoted string" if mark == '"' else "character constant"
            return _Problem(start, f"unterminated {what}")
        self._emit(Kind.STRING if mark == '"' else Kind.CHAR_CONSTANT, start, match.end())
        return None

    def _word_end(self, at: int) -> int:
        while at < len(self.text) and _is_word(self.text[at]):
            at += 1
        return at

    def _bad_end(self, start: int, end: int) -> _Problem | None:
        if end < len(self.text) and self.text[end] not in _ENDS_A_WORD:
            return _Problem(start, f"bad character {code_point(self.text[end])}")
        return None

    def _field_or_variable(self, start: int, char: str) -> _Problem | None:
        end = self._word_end(start + 1)
        problem = self._bad_end(start, end)
        if problem is None:
            lone = end == start + 1
            kind = Kind.VARIABLE if char == "$" else Kind.DOT if lone else Kind.FIELD
            self._emit(kind, start, end)
        return problem

    def _number(self, start: int) -> _Problem | None:
        end = self._one_number(start)
        kind = Kind.NUMBER
        if end > 0 and self.text[end : end + 1] in ("+", "-"):
            kind = Kind.COMPLEX
            end = self._one_number(end)
            if end > 0 and self.text[end - 1] != "i":
                end = -end
        if end < 0:
            return _Problem(start, f"bad number syntax: {quote(self.text[start:-end])}")
        self._emit(kind, start, end)
        return None

    def _one_number(self, start: int) -> int:
        """Where the number ends; negative if a letter follows, which counts as part of what is bad."""
        match = _NUMBER.match(self.text, start)
        end = match.end() if match else start
        return -(end + 1) if end < len(self.text) and _is_word(self.text[end]) else end

    def _identifier(self, start: int) -> _Problem | None:
        end = self._word_end(start)
        problem = self._bad_end(start, end)
        if problem is None:
            word = self.text[start:end]
            kind = Kind.BOOL if word in ("true", "false") else KEYWORDS.get(word, Kind.IDENTIFIER)
            self._emit(kind, start, end)
        return problem


def _is_word(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()
