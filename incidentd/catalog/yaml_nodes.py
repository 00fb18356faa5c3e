"""YAML text -> a tree of nodes that know where they stand, bounded in depth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yamlcore import CCoreLoader

_DEEPEST = 50
"""libyaml's own composer recurses in C and ends the process at some ten thousand levels."""
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line for libyaml."""
_COLLECTION_TAGS = {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_QUOTE_IT = 'put the text in quotes: "..."'
_WORDS = {
    "mapping values are not allowed in this context": "a `:` is not allowed here",
    "did not find expected key": "a key was expected here",
    "did not find expected '-' indicator": "an item of the list was expected here",
    "could not find expected ':'": "a `:` was expected before this line",
    "did not find expected ',' or ']'": "the list is not closed",
    "did not find expected ',' or '}'": "the mapping is not closed",
    "found unexpected end of stream": "the quote is not closed",
    "found unknown escape character": "this escape is not known",
}
_HINTS = {
    "mapping values are not allowed in this context": f"a text that holds `: ` needs quotes, or this line is indented "
    f"too far; {_QUOTE_IT}",
    "did not find expected key": "indent the keys of one mapping alike; a text that begins with a quote must end with "
    "it",
    "did not find expected '-' indicator": "indent the items of one list alike and begin each with `- `",
    "could not find expected ':'": "write `key: value`; is a colon missing on the line above?",
    "did not find expected ',' or ']'": "close the list with `]`",
    "did not find expected ',' or '}'": f"close the mapping with `}}`; a text that begins with a brace needs quotes: "
    f'"{"{{ ... }}"}"',
    "found unexpected end of stream": "a quote that is opened here is never closed",
    "found unknown escape character": "write the text in 'single quotes', where a backslash is only a backslash",
}


class YamlError(Exception):
    """The text is not the YAML that we read. *line* and *column* count from 1."""

    def __init__(self, message: str, line: int, column: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node begins and ends; lines and columns count from 0, *style* is the scalar's: ``|``, ``>``, a quote.
    *anchored*: it has an anchor that aliases may name."""

    line: int
    column: int
    end_line: int
    end_column: int
    style: str = ""
    anchored: bool = False


@dataclass(frozen=True, slots=True)
class Scalar:
    span: Span
    value: Any
    text: str
    merges: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    span: Span
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    span: Span
    entries: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Sequence | Mapping


def compose(text: str) -> Node | None:
    """The only document of *text*, None when it is empty. Scalars are those of YAML 1.2's core schema (``on`` and
    ``1:30`` are text). Raises YamlError."""
    composer = _Composer(text)
    documents = _guarded(composer, text)
    node = next(documents, None)
    if next(documents, None) is not None:
        raise _at(composer.began, "a second document begins here", "keep one document in a file: remove the `---`")
    return node


def compose_all(text: str) -> list[Node]:
    """Every document of *text* that is not empty, read as :func:`compose` does. Raises YamlError."""
    return list(_guarded(_Composer(text), text))


def _guarded(composer: _Composer, text: str) -> Iterator[Node]:
    try:
        yield from composer.documents()
    except yaml.MarkedYAMLError as exc:
        raise _explained(exc, text) from exc
    except yaml.reader.ReaderError as exc:
        # libyaml counts bytes here, characters elsewhere
        before = LINE_END.split(text.encode()[: exc.position].decode(errors="ignore"))
        message = f"the character U+{int(exc.character):04X} is not allowed"
        hint = "remove it; it may be invisible in your editor"
        raise YamlError(message, len(before), len(before[-1]) + 1, hint) from exc


def _explained(exc: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = exc.problem_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = LINE_END.split(text)
    problem = str(exc.problem or "this is not YAML")
    if problem == "found character that cannot start any token":
        offender = lines[line][column : column + 1]
        if offender == "\t":
            return YamlError("a tab stands where YAML wants spaces", line + 1, column + 1, "indent with spaces")
        return YamlError(f"a text cannot begin with `{offender}`", line + 1, column + 1, _QUOTE_IT)
    began = exc.context_mark
    if began is not None and len("".join(lines[line:]).strip()) == 0:
        line, column = began.line, began.column  # what was never closed began there
    return YamlError(f"not valid YAML: {_WORDS.get(problem, problem)}", line + 1, column + 1, _HINTS.get(problem, ""))


@dataclass(slots=True)
class _Composer:
    text: str
    loader: Any = None
    began: Any = None
    anchors: dict[str, Node] = field(default_factory=dict)

    def documents(self) -> Iterator[Node]:
        self.loader = CCoreLoader(self.text)
        self.loader.get_event()  # the stream's start
        while not isinstance(event := self.loader.get_event(), yaml.StreamEndEvent):
            self.began = event
            self.anchors = {}
            node = self.node(self.loader.get_event(), 1)
            self.loader.get_event()  # the document's end
            if not isinstance(node, Scalar) or node.value is not None:
                yield node

    def node(self, event: Any, depth: int) -> Node:
        if depth > _DEEPEST:
            raise _at(event, f"more than {_DEEPEST} levels of nesting", "flatten it")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                hint = f"define it further up with `&{event.anchor}`; a text that begins with a star needs quotes"
                raise _at(event, f"the alias `*{event.anchor}` is not defined", hint)
            return self.anchors[event.anchor]
        node = self.scalar(event) if isinstance(event, yaml.ScalarEvent) else self.collection(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: Any) -> Scalar:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        scalar = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            value = self.loader.construct_object(scalar)
        except yaml.constructor.ConstructorError as exc:
            raise _at(event, f"the tag {tag} is not read here", "remove it and write the plain value") from exc
        except (ValueError, KeyError) as exc:
            raise _at(event, "this value does not fit its type", _QUOTE_IT) from exc
        return Scalar(_span(event, event), value, event.value, merges=event.value == "<<" and event.implicit[0])

    def collection(self, event: Any, depth: int) -> Sequence | Mapping:
        if event.tag not in _COLLECTION_TAGS:
            raise _at(event, f"the tag {event.tag} is not read here", "remove it and write a plain list or mapping")
        children: list[Node] = []
        while not isinstance(child := self.loader.get_event(), yaml.CollectionEndEvent):
            node = self.node(child, depth + 1)
            if isinstance(event, yaml.MappingStartEvent) and len(children) % 2 == 0 and not isinstance(node, Scalar):
                raise _at(
                    child,
                    "a key must be a text",
                    'a text that begins with a bracket or a brace needs quotes: "{{ ... }}"',
                )
            children.append(node)
        span = _span(event, child)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(span, tuple(children))
        keys = [key for key in children[::2] if isinstance(key, Scalar)]
        return Mapping(span, tuple(zip(keys, children[1::2], strict=True)))


def _span(first: Any, last: Any) -> Span:
    start, end = first.start_mark, last.end_mark
    style = getattr(first, "style", None) or ""
    return Span(start.line, start.column, end.line, end.column, style, anchored=first.anchor is not None)


def _at(event: Any, message: str, hint: str) -> YamlError:
    return YamlError(message, event.start_mark.line + 1, event.start_mark.column + 1, hint)
