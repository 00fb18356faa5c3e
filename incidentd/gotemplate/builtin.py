"""The functions that every Go template has."""

import urllib.parse
from collections.abc import Mapping

from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.functions import ANY, STRING, Function, table
from incidentd.gotemplate.printf import sprint, sprintf, sprintln
from incidentd.gotemplate.quote import is_print
from incidentd.gotemplate.values import (
    SAMPLES,
    Args,
    Byte,
    Html,
    Nothing,
    Root,
    Sample,
    Samples,
    Time,
    is_true,
    type_name,
)
from incidentd.gotemplate.verbs import Verb, render, show

_HTML = str.maketrans({'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"})
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
_MAX_INDEXES = 3
_NUMBER_KINDS = (int, Byte)


def _printable(value: object) -> object:
    """Pointers are followed, and nothing is `<no value>`, as where a value is printed by itself."""
    if value is None:
        return "<no value>"
    return Deref(value) if type(value) is Sample else value


class Deref:
    """A sample that is printed as a struct and not as a pointer."""

    def __init__(self, sample: object) -> None:
        self.sample = sample

    def __str__(self) -> str:
        return show(self.sample).removeprefix("&")


def text_of(*values: object) -> str:
    """One text of all *values*, as where they are printed by themselves."""
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    shown = [_printable(value) for value in values]
    return sprint(*(str(value) if isinstance(value, Deref) else value for value in shown))


def _html(*values: object) -> str:
    return text_of(*values).translate(_HTML)


def _js(*values: object) -> str:
    return "".join(_js_char(char) for char in text_of(*values))


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char < " " or (not char.isascii() and not is_print(char)):
        return f"\\u{ord(char):04X}"
    return char


def _urlquery(*values: object) -> str:
    return urllib.parse.quote_plus(text_of(*values), safe="~", errors="replace")


def _kind(value: object) -> str | None:
    """What a value can be compared with; None if with nothing."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "uint" if isinstance(value, Byte) else "int"
    if isinstance(value, float | complex | str):
        return {float: "float", complex: "complex"}.get(type(value), "string")
    return None


def _equal(first: object, *others: object) -> bool:
    if not others:
        raise CallError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(first: object, other: object) -> bool:
    kind, other_kind = _kind(first), _kind(other)
    if (kind == other_kind and kind is not None) or {kind, other_kind} == {"int", "uint"}:
        return first == other
    if kind != other_kind:
        if first is not None and other is not None:
            raise CallError("incompatible types for comparison")
        return False
    if _is_nil(first) or _is_nil(other):
        return _is_nil(first) and _is_nil(other)
    if _shape(first) != _shape(other):
        shown = f"{render(first, Verb('s'))}: {type_name(first)}, {type_name(other)}: {show(other)}"
        raise CallError(f"non-comparable types {shown}")
    if isinstance(other, Mapping | Samples | Root):
        raise CallError(f"non-comparable type {render(other, Verb('s'))}: {type_name(other)}")
    return first is other


def _is_nil(value: object) -> bool:
    return value is None or isinstance(value, Nothing)


def _shape(value: object) -> str:
    """The kind of a value that is no plain one."""
    if isinstance(value, Mapping):
        return "map"
    return "pointer" if isinstance(value, Sample | Time) else type(value).__name__


def _less(first: object, second: object) -> bool:
    kinds = _kind(first), _kind(second)
    if None in kinds:
        raise CallError("invalid type for comparison")
    if kinds[0] != kinds[1] and set(kinds) != {"int", "uint"}:
        raise CallError("incompatible types for comparison")
    if kinds[0] in ("bool", "complex"):
        raise CallError("invalid type for comparison")
    if isinstance(first, str):
        return first < str(second)
    return first < second  # type: ignore[operator,no-any-return]


def _less_or_equal(first: object, second: object) -> bool:
    return _less(first, second) or _equal(first, second)


def _place(index: object, size: int) -> int:
    if index is None:
        raise CallError("cannot index slice/array with nil")
    if type(index) not in _NUMBER_KINDS:
        raise CallError(f"cannot index slice/array with type {type_name(index)}")
    place = int(index)  # type: ignore[call-overload]
    if not 0 <= place <= size:
        raise CallError(f"index out of range: {place}")
    return int(place)


def _index(item: object, *indexes: object) -> object:
    if item is None:
        raise CallError("index of untyped nil")
    for index in indexes:
        item = _one_index(item, index)
    return item


def _one_index(item: object, index: object) -> object:
    if isinstance(item, Nothing) and item.type != SAMPLES:
        raise CallError("index of nil pointer")
    if isinstance(item, Mapping):
        if type(index) is not str:
            what = "value is nil" if index is None else f"value has type {type_name(index)}"
            raise CallError(f"{what}; should be of type string" if index is None else f"{what}; should be string")
        return item.get(index, None if isinstance(item, Args) else "")
    if isinstance(item, str | Samples) or (isinstance(item, Nothing) and item.type == SAMPLES):
        sequence = item.encode(errors="replace") if isinstance(item, str) else item if isinstance(item, Samples) else []
        place = _place(index, len(sequence))
        if place == len(sequence):
            raise CallError(f"reflect: {'string' if isinstance(item, str) else 'slice'} index out of range")
        found = sequence[place]
        return Byte(found) if isinstance(found, int) else found
    raise CallError(f"can't index item of type {_followed(item)}")


def _followed(item: object) -> str:
    return type_name(item).lstrip("*")


def _slice(item: object, *indexes: object) -> object:
    if item is None:
        raise CallError("slice of untyped nil")
    if len(indexes) > _MAX_INDEXES:
        raise CallError(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str):
        if len(indexes) == _MAX_INDEXES:
            raise CallError("cannot 3-index slice a string")
        data = item.encode(errors="replace")
        start, end = _range(indexes, len(data))
        text = data[start:end].decode(errors="replace")
        return Html(text) if isinstance(item, Html) else text
    if isinstance(item, Samples):
        start, end = _range(indexes, len(item))
        return Samples(item[start:end])
    raise CallError(f"can't slice item of type {type_name(item)}")


def _range(indexes: tuple[object, ...], size: int) -> tuple[int, int]:
    places = [_place(index, size) for index in indexes]
    start, end, *third = [*places, *(0, size, size)[len(places) :]]
    if start > end:
        raise CallError(f"invalid slice index: {start} > {end}")
    if len(places) == _MAX_INDEXES and end > third[0]:
        raise CallError(f"invalid slice index: {end} > {third[0]}")
    return start, end


def _length(item: object) -> int:
    if isinstance(item, str):
        return len(item.encode(errors="replace"))
    if isinstance(item, Mapping | Samples):
        return len(item)
    if isinstance(item, Nothing):
        if item.type == SAMPLES:
            return 0
        raise CallError("len of nil pointer")
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    raise CallError(f"len of type {_followed(item)}")


def _call(function: object, *_arguments: object) -> object:
    """Nothing in these templates is a function."""
    if function is None:
        raise CallError("call of nil")
    raise CallError(f"non-function of type {type_name(function)}")


def _one_of(*values: object) -> object:
    """`and` and `or` stop at the value that decides: the executor sees to it, and hands on that one."""
    return values[-1]


BUILTIN = table(
    Function("and", (ANY,), _one_of, rest=ANY),
    Function("or", (ANY,), _one_of, rest=ANY),
    Function("not", (ANY,), lambda value: not is_true(value)),
    Function("call", (ANY,), _call, rest=ANY),
    Function("html", (), _html, rest=ANY),
    Function("js", (), _js, rest=ANY),
    Function("urlquery", (), _urlquery, rest=ANY),
    Function("index", (ANY,), _index, rest=ANY),
    Function("slice", (ANY,), _slice, rest=ANY),
    Function("len", (ANY,), _length),
    Function("print", (), sprint, rest=ANY),
    Function("println", (), sprintln, rest=ANY),
    Function("printf", (STRING,), sprintf, rest=ANY),
    Function("eq", (ANY,), _equal, rest=ANY),
    Function("ne", (ANY, ANY), lambda first, second: not _equal(first, second)),
    Function("lt", (ANY, ANY), _less),
    Function("le", (ANY, ANY), _less_or_equal),
    Function("gt", (ANY, ANY), lambda first, second: not _less_or_equal(first, second)),
    Function("ge", (ANY, ANY), lambda first, second: not _less(first, second)),
)
