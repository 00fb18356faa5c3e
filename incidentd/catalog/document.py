"""A YAML file -> its data, and where each value stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from incidentd.catalog import yaml_nodes
from incidentd.catalog.problem import CatalogError, Position, Problem
from incidentd.catalog.yaml_nodes import Span

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes. The largest rule file of 27 public repositories has a tenth of it."""
_MOST_NODES = 200_000
"""Values of one document after its aliases are expanded: "a billion laughs" ends here."""

Loc = tuple[str | int, ...]
"""A path of keys and indices, as pydantic gives it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one value stands, and its key if it has one."""

    value: Span
    key: Span | None = None
    text: str | None = None
    """A scalar as YAML reads it, None for lists and mappings."""


@dataclass(frozen=True)
class Document:
    """One authored file. *data* is plain Python with text keys; *lines* are those of the file."""

    file: str
    lines: tuple[str, ...] = ()
    data: Any = None
    places: dict[Loc, Place] = field(default_factory=dict)

    def position(self, loc: Loc = ()) -> Position:
        """Where the value at *loc* stands; where there is none, that of what should hold it."""
        loc = self.nearest(loc)
        return self.at(self.places[loc].value) if loc in self.places else Position(self.file)

    def key_position(self, loc: Loc) -> Position:
        """Where the key at *loc* stands; without a key, its value."""
        place = self.places.get(self.nearest(loc))
        return self.at(place.key) if place is not None and place.key is not None else self.position(loc)

    def inside(self, loc: Loc, offset: int, length: int) -> Position:
        """Where the characters from *offset* of the text at *loc* stand, whatever style of YAML it is written in."""
        place = self.places.get(self.nearest(loc))
        if place is None or place.text is None:
            return self.position(loc)
        wanted = sum(not char.isspace() for char in place.text[:offset])
        for seen, (line, column) in enumerate(self._characters(place.value)):
            if seen == wanted:
                return Position(self.file, line + 1, column + 1, length)
        return self.at(place.value)

    def nearest(self, loc: Loc) -> Loc:
        """*loc* itself where something stands, else the last key of it that its nearest ancestor has, else that
        ancestor: a short form is found although the model moved it."""
        if loc in self.places:
            return loc
        for end in range(len(loc) - 1, -1, -1):
            ancestor = loc[:end]
            if ancestor in self.places:
                short = (*ancestor, loc[-1])
                return short if short in self.places else ancestor
        return ()

    def at(self, span: Span) -> Position:
        """Where a node stands, as long as its first line goes."""
        line = self.lines[span.line] if span.line < len(self.lines) else ""
        end = span.end_column if span.end_line == span.line else len(line.rstrip())
        if span.style and span.style in "|>":
            end = span.column + 1
        return Position(self.file, span.line + 1, span.column + 1, max(1, end - span.column))

    def _characters(self, span: Span) -> Iterator[tuple[int, int]]:
        """The places of the characters of a scalar that are no white space."""
        block = span.style in {"|", ">"}
        for number in range(span.line + block, min(span.end_line + 1, len(self.lines))):
            line = self.lines[number]
            start = span.column + (span.style in {"'", '"'}) if number == span.line else 0
            end = span.end_column if number == span.end_line else len(line)
            escaped = False
            for column in range(start, end):
                char = line[column]
                if not escaped and ((span.style == '"' and char == "\\") or line[column : column + 2] == "''"):
                    escaped = span.style in {"'", '"'}
                    if escaped:
                        continue
                if not char.isspace() and not (escaped and span.style == '"' and char in "ntr"):
                    yield number, column
                escaped = False


def read(path: Path) -> Document:
    """The document at *path*. Raises CatalogError with every problem found: unreadable, too large, not UTF-8, not
    YAML, empty, a key twice."""
    return parse(str(path), read_text(path))


def read_text(path: Path) -> str:
    """The text of *path* without a byte order mark. Raises CatalogError."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as exc:
        what = "does not exist" if isinstance(exc, FileNotFoundError) else f"cannot be read: {exc.strerror}"
        raise _failure(Position(str(path)), f"{path} {what}", "check the path and its permissions") from exc
    if len(content) > LARGEST_FILE:
        raise _failure(Position(str(path)), f"the file is larger than {LARGEST_FILE >> 20} MiB", "split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode("utf-8-sig", errors="replace")
        at = Position(str(path), before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _failure(at, f"byte 0x{exc.object[exc.start]:02X} is not UTF-8", "save the file as UTF-8") from exc


def parse(file: str, text: str) -> Document:
    """The only document of *text*. Raises CatalogError."""
    with _explaining(file):
        root = yaml_nodes.compose(text)
    return _built(file, text, [root] if root is not None else [])[0]


def parse_all(file: str, text: str) -> tuple[Document, ...]:
    """The documents of *text*, those that are empty left out; at least one. Raises CatalogError."""
    with _explaining(file):
        roots = yaml_nodes.compose_all(text)
    return _built(file, text, roots)


def _built(file: str, text: str, roots: Sequence[yaml_nodes.Node]) -> tuple[Document, ...]:
    if not roots:
        raise _failure(Position(file), "the file is empty", "write something into it or remove it")
    lines = tuple(yaml_nodes.LINE_END.split(text))
    documents, problems = [], []
    for root in roots:
        builder = _Builder(Document(file, lines))
        with _explaining(file):
            documents.append(replace(builder.document, data=builder.build(root, ())))
        problems += builder.problems
    if problems:
        raise CatalogError(problems)
    return tuple(documents)


@contextmanager
def _explaining(file: str) -> Iterator[None]:
    try:
        yield
    except yaml_nodes.YamlError as exc:
        raise _failure(Position(file, exc.line, exc.column), exc.message, exc.hint) from exc


def _failure(position: Position, message: str, hint: str) -> CatalogError:
    return CatalogError((Problem(position, message, hint),))


@dataclass(slots=True)
class _Builder:
    """Nodes -> data, aliases expanded and merge keys merged; fills the document's places."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def build(self, node: yaml_nodes.Node, loc: Loc, key: Span | None = None) -> Any:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise _refused(node, f"more than {_MOST_NODES} values, aliases expanded", "use fewer aliases")
        text = node.text if isinstance(node, yaml_nodes.Scalar) else None
        self.document.places[loc] = Place(node.span, key, text)
        if isinstance(node, yaml_nodes.Scalar):
            return node.value
        if isinstance(node, yaml_nodes.Sequence):
            return [self.build(item, (*loc, index)) for index, item in enumerate(node.items)]
        entries = self._entries(node)
        return {name: self.build(value, (*loc, name), where.span) for name, (where, value) in entries.items()}

    def _entries(self, mapping: yaml_nodes.Mapping) -> dict[str, tuple[yaml_nodes.Scalar, yaml_nodes.Node]]:
        """Keys as they are written; the mapping's own win over merged ones."""
        own: dict[str, tuple[yaml_nodes.Scalar, yaml_nodes.Node]] = {}
        merged: dict[str, tuple[yaml_nodes.Scalar, yaml_nodes.Node]] = {}
        for key, value in mapping.entries:
            if key.merges:
                for name, entry in self._merged(value).items():
                    merged.setdefault(name, entry)
            elif key.text in own:
                first = own[key.text][0].span.line + 1
                self.problems.append(
                    Problem(
                        self.document.at(key.span),
                        f"`{key.text}` stands here a second time",
                        f"keep one of them; the first is in line {first}",
                    )
                )
            else:
                own[key.text] = (key, value)
        return {**merged, **own}

    def _merged(self, value: yaml_nodes.Node) -> dict[str, tuple[yaml_nodes.Scalar, yaml_nodes.Node]]:
        sources = value.items if isinstance(value, yaml_nodes.Sequence) else (value,)
        entries: dict[str, tuple[yaml_nodes.Scalar, yaml_nodes.Node]] = {}
        for source in sources:
            self.nodes += 1
            if not isinstance(source, yaml_nodes.Mapping):
                raise _refused(source, "`<<` merges mappings only", "write `<<: *name`, where &name is a mapping")
            if self.nodes > _MOST_NODES:
                raise _refused(source, f"more than {_MOST_NODES} values, aliases expanded", "use fewer aliases")
            for name, entry in self._entries(source).items():
                entries.setdefault(name, entry)
        return entries


def _refused(node: yaml_nodes.Node, message: str, hint: str) -> yaml_nodes.YamlError:
    return yaml_nodes.YamlError(message, node.span.line + 1, node.span.column + 1, hint)
