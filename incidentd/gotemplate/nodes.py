"""The parts of a parsed template; as text they are what Go's error texts quote."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True, eq=False)
class Text:
    pos: int
    text: str


@dataclass(slots=True, eq=False)
class Dot:
    pos: int

    def __str__(self) -> str:
        return "."


@dataclass(slots=True, eq=False)
class Nil:
    pos: int

    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True, eq=False)
class Bool:
    pos: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(slots=True, eq=False)
class String:
    pos: int
    literal: str
    value: str

    def __str__(self) -> str:
        return self.literal


@dataclass(slots=True, eq=False)
class Number:
    """A constant without a type yet: each of its readings, None where it has none."""

    pos: int
    literal: str
    as_int: int | None
    as_float: float | None
    as_complex: complex | None
    overflows: bool  # as an int

    def __str__(self) -> str:
        return self.literal


@dataclass(slots=True, eq=False)
class Field:
    pos: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True, eq=False)
class Variable:
    pos: int
    name: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(slots=True, eq=False)
class Identifier:
    pos: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class Chain:
    """Fields of a term that is no field or variable: `(first .).Labels`."""

    pos: int
    node: "Operand"
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return "".join((_argument(self.node), *(f".{name}" for name in self.fields)))


@dataclass(slots=True, eq=False)
class Command:
    pos: int
    args: "list[Operand]" = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(_argument(arg) for arg in self.args)


@dataclass(slots=True, eq=False)
class Pipe:
    pos: int
    declared: list[Variable] = field(default_factory=list)
    assigns: bool = False
    commands: list[Command] = field(default_factory=list)

    def __str__(self) -> str:
        names = ", ".join(str(variable) for variable in self.declared)
        start = f"{names} {'=' if self.assigns else ':='} " if names else ""
        return start + " | ".join(str(command) for command in self.commands)


@dataclass(slots=True, eq=False)
class Action:
    pos: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True, eq=False)
class Branch:
    """`if`, `with` or `range`."""

    pos: int
    word: str
    pipe: Pipe
    body: "list[Node]"
    otherwise: "list[Node] | None"

    def __str__(self) -> str:
        body = "".join(map(str, self.body))
        otherwise = "" if self.otherwise is None else "{{else}}" + "".join(map(str, self.otherwise))
        return f"{{{{{self.word} {self.pipe}}}}}{body}{otherwise}{{{{end}}}}"


@dataclass(slots=True, eq=False)
class Call:
    """`{{template "name" pipeline}}`."""

    pos: int
    name: str
    quoted: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = "" if self.pipe is None else f" {self.pipe}"
        return f"{{{{template {self.quoted}{argument}}}}}"


@dataclass(slots=True, eq=False)
class Jump:
    """`break` or `continue`."""

    pos: int
    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(slots=True, eq=False)
class Mark:
    """`end` or `else`, which end a list; never part of the tree."""

    pos: int
    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


Operand: TypeAlias = Dot | Nil | Bool | String | Number | Field | Variable | Identifier | Chain | Pipe
Node: TypeAlias = Text | Action | Branch | Call | Jump
Any: TypeAlias = Operand | Command | Node


@dataclass(slots=True, eq=False)
class Tree:
    """A parsed text: what is executed, and the templates that it defines."""

    text: str
    root: list[Node]
    defined: dict[str, list[Node]]


def _argument(node: Operand) -> str:
    return f"({node})" if isinstance(node, Pipe) else str(node)
