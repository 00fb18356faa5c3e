"""`match` and `reReplaceAll`: Go's regular expressions on text, in bounded time."""

import re
from functools import lru_cache

from incidentd.gotemplate import regex_parser
from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.functions import Surroundings
from incidentd.gotemplate.regex_program import Captures, Program

MAX_PATTERN = 10_000
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


class _Compiled:
    def __init__(self, pattern: str) -> None:
        parsed = regex_parser.parse(pattern)
        self.program = Program(parsed.root, parsed.groups)
        self.names = parsed.names
        self.groups = parsed.groups


@lru_cache(1024)
def _compile(pattern: str) -> _Compiled | str:
    """The expression, or what is wrong with it."""
    if len(pattern) > MAX_PATTERN:
        return f"a pattern of more than {MAX_PATTERN} characters is refused"
    try:
        return _Compiled(pattern)
    except CallError as error:
        return str(error)


def match(around: Surroundings, pattern: str, text: str) -> bool:
    """Whether *pattern* is found anywhere in *text*."""
    compiled = _compile(pattern)
    if isinstance(compiled, str):
        raise CallError(compiled)
    return compiled.program.search(text, 0, around.spend) is not None


def replace_all(around: Surroundings, pattern: str, replacement: str, text: str) -> str:
    """*text* with every match replaced; `$1` and `${name}` in *replacement* are groups."""
    compiled = _compile(pattern)
    if isinstance(compiled, str):
        raise CallError(regex_parser.compile_problem(pattern, compiled))
    out: list[str] = []
    copied = at = 0
    while at <= len(text):
        captures = compiled.program.search(text, at, around.spend)
        if captures is None:
            break
        start, end = captures[0], captures[1]
        out.append(text[copied:start])
        if end > copied or start == 0:  # no empty match right behind another match
            out.append(_filled(replacement, text, captures, compiled))
            around.spend((end - start + len(replacement)) // 100)
        copied = end
        at = end if end > at else at + 1
    out.append(text[copied:])
    return "".join(out)


def _filled(replacement: str, text: str, captures: Captures, compiled: _Compiled) -> str:
    if "$" not in replacement:
        return replacement

    def value(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        groups = [int(name[:9])] if name.isdecimal() else compiled.names.get(name, [])
        for group in groups:
            if group <= compiled.groups and captures[2 * group] >= 0:
                return text[captures[2 * group] : captures[2 * group + 1]]
        return ""

    return _REFERENCE.sub(value, replacement)
