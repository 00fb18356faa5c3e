"""pydantic's errors -> problems in plain words: what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from incidentd.catalog import schema
from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Position, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS: dict[str, tuple[str, str]] = {
    "string_type": ("must be text", "put it in quotes"),
    "path_type": ("must be a path", "write it as text"),
    "string_too_short": ("must not be empty", "write something"),
    "too_short": ("must not be empty", "give it at least one item"),
    "int_type": ("must be a whole number", "write it without quotes and without a fraction"),
    "int_parsing": ("must be a whole number", "write it without quotes and without a fraction"),
    "int_from_float": ("must be a whole number", "write it without a fraction"),
    "float_type": ("must be a number", "write it without quotes"),
    "float_parsing": ("must be a number", "write it without quotes"),
    "bool_type": ("must be true or false", "write it without quotes"),
    "bool_parsing": ("must be true or false", "write true or false"),
    "tuple_type": ("must be a list", "begin each item with `- `, or write [one, two]"),
    "dict_type": ("must be a mapping", "write `key: value` below it"),
    "mapping_type": ("must be a mapping", "write `key: value` below it"),
    "model_type": ("must be a mapping", "write `key: value` below it"),
}
_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
    "greater_than": ("gt", "must be more than"),
    "less_than": ("lt", "must be less than"),
}


def explain(
    error: ValidationError,
    model: type[BaseModel],
    document: Document,
    *,
    at: Loc = (),
    locate: Callable[[Loc], Loc] | None = None,
) -> Iterator[Problem]:
    """Every error of *model*, whose data stands at *at* of *document*. *locate* says where else a path of the model
    may stand. Values are not quoted, save by our own validators: they may be secret."""
    errors = error.errors(include_url=False)
    for one in errors:
        loc = one["loc"]
        if one["type"] == "too_short" and any(other["loc"][: len(loc)] == loc for other in errors if other is not one):
            continue  # its items are missing because they are broken
        yield _problem(one, model, document, locate(loc) if locate else (*at, *loc))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """``did you mean `x`?``, or what there is to choose from; empty when there is nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"choose from {', '.join(sorted(known))}" if known else ""


def _problem(error: ErrorDetails, model: type[BaseModel], document: Document, loc: Loc) -> Problem:
    kind, name = error["type"], _name(loc)
    context: dict[str, Any] = error.get("ctx", {})
    if kind == "extra_forbidden":
        hint = did_you_mean(str(error["loc"][-1]), schema.keys(model, error["loc"][:-1]))
        return Problem(document.key_position(loc), f"there is no key {name}", hint)
    if kind == "missing":
        return _missing(str(error["loc"][-1]), document, loc)
    if kind == "value_error":
        message, _, hint = str(context["error"]).partition("; ")
        return Problem(_of_own(message, document, loc), message, hint)
    if kind in {"enum", "literal_error"}:
        choices = re.findall(r"'([^']*)'", context["expected"])
        close = difflib.get_close_matches(str(error["input"]), choices, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "write one of them"
        return Problem(document.position(loc), f"{name} must be one of {', '.join(choices)}", hint)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return Problem(document.position(loc), f"{name} {words} {context[key]}", "write another number")
    words, hint = _WORDS.get(kind, (f"does not fit: {error['msg'][:1].lower()}{error['msg'][1:]}", ""))
    return Problem(document.position(loc), f"{name} {words}", hint)


def _missing(key: str, document: Document, loc: Loc) -> Problem:
    parent = document.key_position(loc[:-1]) if len(loc) > 1 else Position(document.file)
    if key == "levels":
        return Problem(parent, "`severity` is missing", "add `severity: sev3`, or several `levels`")
    return Problem(parent, f"`{key}` is missing", f"add `{key}: ...`")


def _of_own(message: str, document: Document, loc: Loc) -> Position:
    """The key that *message* begins with, if it names one; validators of a whole section speak so."""
    key = re.split(r"[\s:,.]", message, maxsplit=1)[0]
    return document.position((*loc, key)) if (*loc, key) in document.places else document.position(loc)


def _name(loc: Loc) -> str:
    """The last key of *loc* for people, with the indices that follow it."""
    name = ""
    for step in reversed(loc):
        if isinstance(step, str):
            return f"`{step}{name}`"
        name = f"[{step}]{name}"
    return "the file" if not name else f"item {name}"
