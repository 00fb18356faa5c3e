"""``${NAME}`` in the texts of a document -> the values of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Problem

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?:(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})?", re.ASCII)

_SHORTEST_SECRET = 4
"""Characters. Shorter values are ports and switches, and would be found inside of other words."""


@dataclass(slots=True)
class Filled:
    """A document with the environment filled in. *filled* has each reference with its value, so that a
    message can quote what was authored instead of a secret."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    filled: list[tuple[str, str]] = field(default_factory=list)

    def masked(self, text: str) -> str:
        """*text* with every value of the environment as it was authored."""
        for authored, value in sorted(self.filled, key=lambda pair: -len(pair[1])):
            text = text.replace(value, authored) if len(value) >= _SHORTEST_SECRET else text
        return text


def fill(document: Document, environment: Mapping[str, str]) -> Filled:
    """*document* with ``${NAME}`` and ``${NAME:-default}`` replaced in every text; the default also stands in for an
    empty variable, as in a shell. ``$${`` gives ``${``. A variable that is not set is a problem."""
    filled = Filled(document)
    filled.document = replace(document, data=_walk(document.data, (), filled, environment))
    return filled


def _walk(value: Any, loc: Loc, filled: Filled, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _walk(item, (*loc, key), filled, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, (*loc, index), filled, environment) for index, item in enumerate(value)]
    return _expand(value, loc, filled, environment) if isinstance(value, str) and "${" in value else value


def _expand(text: str, loc: Loc, filled: Filled, environment: Mapping[str, str]) -> str:
    def problem(match: re.Match[str], message: str, hint: str) -> None:
        at = filled.document.inside(loc, match.start(), len(match[0]))
        filled.problems.append(Problem(at, message, hint, check="environment"))

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if match["escaped"]:
            return "${"
        if name is None:
            problem(match, "`${` begins the name of a variable", "write ${NAME}, or $${ for the characters themselves")
            return match[0]
        if default is not None and not environment.get(name):
            return str(default)
        if name not in environment:
            hint = f"export {name}=... before starting, or give a default: ${{{name}:-value}}"
            problem(match, f"the environment variable {name} is not set", hint)
            return match[0]
        filled.filled.append((match[0], environment[name]))
        return environment[name]

    return _REFERENCE.sub(value, text)
