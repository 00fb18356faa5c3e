"""Problems -> text with carets, JSON, or annotations of a CI run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from incidentd.catalog.document import LARGEST_FILE
from incidentd.catalog.problem import Gravity, Position, Problem

_WIDEST = 160
"""Characters of a source line that are shown."""
_CONTEXT = 40
"""Characters of a wider line that are shown before the place that is meant."""
_HIDDEN = r"[\w-]*(?:token|secret|password|routing_key|authorization|api[_-]?key)"
_SECRET = re.compile(
    rf"""(?P<key>\b{_HIDDEN}["']?\s*:\s+)(?P<value>"[^"]*"?|'[^']*'?|[^\s,}}#]+(?:[ ]+[^\s,}}#]+)*)""",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def as_text(problems: Iterable[Problem]) -> str:
    """``file:line:column: gravity: message``, the line with carets below what is meant, and what to do. Values of
    secret keys are shown as stars."""
    sources: dict[str, Sequence[str]] = {}
    return "".join(f"{line}\n" for problem in problems for line in _block(problem, sources))


def as_json(problems: Iterable[Problem]) -> str:
    """One object: the problems, and how many are errors and warnings."""
    found = [
        {**asdict(problem.position), "gravity": problem.gravity, "check": problem.check, "message": problem.message,
         "hint": problem.hint}
        for problem in problems
    ]  # fmt: skip
    counts = {f"{gravity}s": sum(one["gravity"] is gravity for one in found) for gravity in Gravity}
    return json.dumps({**counts, "problems": found}, indent=2, ensure_ascii=False) + "\n"


def as_annotations(problems: Iterable[Problem]) -> str:
    """GitHub's workflow commands, one a line: docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    return "".join(f"{_annotation(problem)}\n" for problem in problems)


def counted(count: int, noun: str) -> str:
    """``1 rule``, ``2 rules``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def summary(problems: Sequence[Problem]) -> str:
    """``2 errors, 1 warning``, or ``no problems``."""
    counts = [(sum(one.gravity is gravity for one in problems), gravity.value) for gravity in Gravity]
    return ", ".join(counted(count, noun) for count, noun in counts if count) or "no problems"


def _block(problem: Problem, sources: dict[str, Sequence[str]]) -> Iterator[str]:
    position = problem.position
    yield f"{_place(position)}: {problem.gravity}: {problem.message} [{problem.check}]"
    line = _source_line(position, sources)
    if line is not None:
        shown, column = _window(line, position.column - 1)
        length = max(1, min(position.length, len(shown) - column))
        yield f"  {position.line:5} | {shown}"
        yield f"        | {' ' * column}{'^' * length}"
    if problem.hint:
        yield f"        = {problem.hint}"


def _place(position: Position) -> str:
    return f"{position.file}:{position.line}:{position.column}" if position.line else position.file


def _source_line(position: Position, sources: dict[str, Sequence[str]]) -> str | None:
    if not position.line:
        return None
    if position.file not in sources:
        sources[position.file] = _read(position.file)
    lines = sources[position.file]
    return _masked(lines[position.line - 1]).replace("\t", " ") if position.line <= len(lines) else None


def _read(file: str) -> Sequence[str]:
    try:
        with Path(file).open(encoding="utf-8-sig", errors="replace") as stream:
            return re.split(r"[\n\x85\u2028\u2029]", stream.read(LARGEST_FILE))
    except OSError:
        return ()


def _masked(line: str) -> str:
    """*line* with stars for secrets, as wide as they are; references to the environment are none."""

    def stars(match: re.Match[str]) -> str:
        bare = match["value"].strip("\"'")
        return match[0] if bare.startswith("${") else match["key"] + "*" * len(match["value"])

    return _PASSWORD_IN_URL.sub(lambda found: "*" * len(found[0]), _SECRET.sub(stars, line))


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of *line* around *column*, and *column* in it."""
    line = "".join(char if char.isprintable() else " " for char in line).rstrip()
    if len(line) <= _WIDEST:
        return line, column
    start = max(0, min(column - _CONTEXT, len(line) - _WIDEST))
    return line[start : start + _WIDEST], column - start


def _annotation(problem: Problem) -> str:
    position = problem.position
    place = [f"file={_property(position.file)}"]
    if position.line:
        place += [f"line={position.line}", f"col={position.column}", f"endColumn={position.column + position.length}"]
    text = f"{problem.message}\n{problem.hint}".strip()
    return f"::{problem.gravity} {','.join(place)},title={_property(problem.check)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
