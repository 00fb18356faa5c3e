"""A tree and its data -> text, within bounds."""

from collections.abc import Mapping

from incidentd.gotemplate import nodes, number
from incidentd.gotemplate.builtin import BUILTIN, text_of
from incidentd.gotemplate.data import Data
from incidentd.gotemplate.errors import CallError, TemplateError
from incidentd.gotemplate.functions import ANY, FLOAT, STRING, Function
from incidentd.gotemplate.prometheus import PROMETHEUS, TIME_METHODS
from incidentd.gotemplate.quote import quote
from incidentd.gotemplate.values import (
    SAMPLE,
    SAMPLES,
    Args,
    Html,
    Nothing,
    Root,
    Samples,
    Time,
    is_true,
    struct_fields,
    type_name,
)
from incidentd.gotemplate.verbs import MAX_LENGTH, show

MAX_STEPS = 10_000
CHARACTERS_PER_STEP = 100  # that a function reads
MAX_DEPTH = 60
MAX_CALLS = 20  # template calls within each other

FUNCTIONS = {**BUILTIN, **PROMETHEUS}
NAMES = frozenset(FUNCTIONS)
_MISSING = object()  # no value from the stage before
_LONG = {str, Html, dict, Args, Samples}
_NULLABLE = {ANY, SAMPLE, SAMPLES}
_SHORT = {"and": False, "or": True}  # the truth that ends them


class _Jump(Exception):  # noqa: N818 - break and continue, not errors
    pass


class _Break(_Jump):
    pass


class _Continue(_Jump):
    pass


class Execution:
    """One expansion of *tree*, which the template *name* is."""

    def __init__(self, tree: nodes.Tree, name: str, data: Data) -> None:
        self.tree = tree
        self.name = name
        self.data = data
        self.template = name
        self.node: nodes.Any | None = None
        self.variables: list[list[object]] = []
        self.out: list[str] = []
        self.length = 0
        self.steps = 0
        self.depth = 0
        self.calls = 0

    def run(self, skip: int) -> str:
        """The text, without the first *skip* nodes, whose variables are those of Prometheus."""
        data = self.data
        labels, external_labels = _plain(data.labels), _plain(data.external_labels)
        value = float(data.value)
        root = Root(labels, external_labels, data.external_url, value)
        self.variables = [
            ["$", root],
            ["$labels", labels],
            ["$externalLabels", external_labels],
            ["$externalURL", data.external_url],
            ["$value", value],
        ]
        try:
            self.walk(root, self.tree.root[skip:])
        except RecursionError as error:
            raise self.error("nested too deeply") from error
        return "".join(self.out)

    def error(self, message: str) -> TemplateError:
        where = ""
        if self.node is not None:
            before = self.tree.text[: self.node.pos]
            line = before.count("\n") + 1
            column = len(before[before.rfind("\n") + 1 :].encode(errors="replace"))
            where = f":{line}:{column}: executing {quote(self.template)} at <{self.node}>"
        return TemplateError(f"error executing template {self.name}: template: {self.name}{where}: {message}")

    def spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise self.error(f"more than {MAX_STEPS} steps")

    def write(self, text: str) -> None:
        self.length += len(text)
        if self.length > MAX_LENGTH:
            raise self.error(f"more than {MAX_LENGTH} characters")
        self.out.append(text)

    # Nodes

    def walk(self, dot: object, items: list[nodes.Node]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels of nesting")
        for node in items:
            self.spend(1)
            kind = type(node)
            if kind is nodes.Text:
                self.write(node.text)  # type: ignore[union-attr]
            elif kind is nodes.Action:
                self.action(dot, node)  # type: ignore[arg-type]
            else:
                self.other(dot, node)
        self.depth -= 1

    def action(self, dot: object, node: nodes.Action) -> None:
        pipe = node.pipe
        value = self.pipeline(dot, pipe)
        if pipe.declared:
            return
        if type(value) is str:
            self.write(value)
            return
        self.node = node
        try:
            self.write(text_of(value))
        except CallError as error:
            raise self.error(str(error)) from error

    def other(self, dot: object, node: nodes.Node) -> None:
        self.node = node
        if isinstance(node, nodes.Branch):
            known, depth = len(self.variables), self.depth
            if node.word == "range":
                self.range(dot, node)
            else:
                self.if_or_with(dot, node)
            del self.variables[known:]
            self.depth = depth
        elif isinstance(node, nodes.Call):
            self.call_template(dot, node)
        elif isinstance(node, nodes.Jump):
            raise _Break if node.word == "break" else _Continue

    def if_or_with(self, dot: object, node: nodes.Branch) -> None:
        value = self.pipeline(dot, node.pipe)
        if is_true(value):
            self.walk(value if node.word == "with" else dot, node.body)
        elif node.otherwise is not None:
            self.walk(dot, node.otherwise)

    def range(self, dot: object, node: nodes.Branch) -> None:
        value = self.pipeline(dot, node.pipe)
        pairs = self.pairs(value)
        if not pairs:
            if node.otherwise is not None:
                self.walk(dot, node.otherwise)
            return
        known, depth = len(self.variables), self.depth
        for key, item in pairs:
            self.spend(1)
            self.loop_variables(node.pipe, key, item)
            try:
                self.walk(item, node.body)
            except _Break:
                break
            except _Continue:
                pass
            finally:
                del self.variables[known:]
                self.depth = depth

    def loop_variables(self, pipe: nodes.Pipe, key: object, item: object) -> None:
        names = [variable.name for variable in pipe.declared]
        if pipe.assigns:
            for name, value in zip(names, (key, item) if len(names) > 1 else (item,), strict=True):
                self.assign(name, value)
            return
        if names:
            self.variables[-1][1] = item
        if len(names) > 1:
            self.variables[-2][1] = key

    def pairs(self, value: object) -> list[tuple[object, object]]:
        if isinstance(value, Samples):
            return list(enumerate(value))
        if isinstance(value, Mapping):
            return sorted(value.items())
        if isinstance(value, int) and not isinstance(value, bool):
            return [(at, at) for at in range(min(value, MAX_STEPS + 1))]
        if value is None or isinstance(value, Nothing):
            return []
        raise self.error(f"range can't iterate over {show(value)}")

    def call_template(self, dot: object, node: nodes.Call) -> None:
        body = self.tree.defined.get(node.name)
        if body is None and node.name == self.name:
            body = self.tree.root
        if body is None:
            raise self.error(f"template {node.quoted} not defined")
        if self.calls >= MAX_CALLS:
            raise self.error(f"exceeded maximum template depth ({MAX_CALLS})")
        argument = None if node.pipe is None else self.pipeline(dot, node.pipe)
        outer, template = self.variables, self.template
        self.variables, self.template = [["$", argument]], node.name
        self.calls += 1
        self.walk(argument, body)
        self.calls -= 1
        self.variables, self.template = outer, template

    # Pipelines

    def pipeline(self, dot: object, pipe: nodes.Pipe) -> object:
        self.node = pipe
        value: object = _MISSING
        for command in pipe.commands:
            value = self.command(dot, command, value)
        for variable in pipe.declared:
            if pipe.assigns:
                self.assign(variable.name, value)
            else:
                self.variables.append([variable.name, value])
        return value

    def assign(self, name: str, value: object) -> None:
        for pair in reversed(self.variables):
            if pair[0] == name:
                pair[1] = value
                return
        raise self.error(f"undefined variable: {name}")

    def lookup(self, name: str) -> object:
        for pair in reversed(self.variables):
            if pair[0] == name:
                return pair[1]
        raise self.error(f"undefined variable: {name}")

    def command(self, dot: object, command: nodes.Command, final: object) -> object:
        first = command.args[0]
        kind = type(first)
        if kind is not nodes.Pipe:
            self.node = first
        has_arguments = len(command.args) > 1 or final is not _MISSING
        if kind is nodes.Identifier:
            return self.function(dot, first, command, command.args, final)  # type: ignore[arg-type]
        if kind is nodes.Variable and first.fields:  # type: ignore[union-attr]
            return self.fields(dot, self.lookup(first.name), first.fields, command.args, final)  # type: ignore[union-attr]
        if kind is nodes.Field:
            return self.fields(dot, dot, first.names, command.args, final)  # type: ignore[union-attr]
        if kind is nodes.Chain:
            return self.chain(dot, first, command.args, final)  # type: ignore[arg-type]
        if has_arguments:
            raise self.error(f"can't give argument to non-function {first}")
        if kind is nodes.Nil:
            raise self.error("nil is not a command")
        return self.operand(dot, first)

    def operand(self, dot: object, node: nodes.Operand) -> object:
        """The value of *node*, of whatever type it has by itself."""
        self.spend(1)
        self.node = node
        match node:
            case nodes.Variable():
                value = self.lookup(node.name)
                found = self.fields(dot, value, node.fields, [], _MISSING) if node.fields else value
            case nodes.Field():
                found = self.fields(dot, dot, node.names, [], _MISSING)
            case nodes.String() | nodes.Bool():
                found = node.value
            case nodes.Number():
                found = self.number(node)
            case nodes.Dot():
                found = dot
            case nodes.Pipe():
                found = self.pipeline(dot, node)
            case nodes.Identifier():
                found = self.function(dot, node, node, [], _MISSING)
            case nodes.Chain():
                found = self.chain(dot, node, [], _MISSING)
            case nodes.Nil():
                found = None
        return found

    def number(self, node: nodes.Number) -> object:
        value = number.ideal(node)
        if value is None:
            raise self.error(f"{node} overflows int")
        return value

    def chain(self, dot: object, node: nodes.Chain, args: list[nodes.Operand], final: object) -> object:
        value = self.operand(dot, node.node)
        return self.fields(dot, value, node.fields, args, final)

    # Fields

    def fields(
        self, dot: object, value: object, names: tuple[str, ...], args: list[nodes.Operand], final: object
    ) -> object:
        for name in names[:-1]:
            value = self.field(dot, value, name, [], _MISSING)
        return self.field(dot, value, names[-1], args, final)

    def field(self, dot: object, value: object, name: str, args: list[nodes.Operand], final: object) -> object:
        if value is None:
            return None
        has_arguments = len(args) > 1 or final is not _MISSING
        if isinstance(value, Mapping):
            if has_arguments:
                raise self.error(f"{name} is not a method but has arguments")
            return value.get(name, None if isinstance(value, Args) else "")
        if isinstance(value, Time) and name in TIME_METHODS:
            node = self.node
            if node is None:  # a field stands in some node
                raise AssertionError(name)
            return self.call(dot, TIME_METHODS[name], node, args, final, receiver=value)
        fields = struct_fields(value)
        if fields is not None and name in fields:
            if has_arguments:
                raise self.error(f"{name} has arguments but cannot be invoked as function")
            return fields[name]
        if isinstance(value, Nothing) and value.type == SAMPLE and name in ("Labels", "Value"):
            raise self.error(f"nil pointer evaluating {value.type}.{name}")
        raise self.error(f"can't evaluate field {name} in type {type_name(value)}")

    # Functions

    def function(
        self,
        dot: object,
        identifier: nodes.Identifier,
        node: nodes.Any,
        args: list[nodes.Operand],
        final: object,
    ) -> object:
        return self.call(dot, FUNCTIONS[identifier.name], node, args, final)

    def call(
        self,
        dot: object,
        function: Function,
        node: nodes.Any,
        args: list[nodes.Operand],
        final: object,
        *,
        receiver: object = None,
    ) -> object:
        self.check_count(function, len(args[1:]), final)
        if function.name in _SHORT:
            return self.short_circuit(dot, _SHORT[function.name], args[1:], final)
        values = [self.argument(dot, _wanted(function, at), arg) for at, arg in enumerate(args[1:])]
        if final is not _MISSING:
            values.append(self.fitting(final, _wanted(function, len(values))))
        if function.wants_around:
            values.insert(0, self)
        if receiver is not None:
            values.insert(0, receiver)
        self.spend(1 + sum(len(value) for value in values if type(value) in _LONG) // CHARACTERS_PER_STEP)  # type: ignore[arg-type,misc]
        try:
            result = function.call(*values)
        except CallError as error:
            self.node = node
            raise self.error(f"error calling {function.name}: {error}") from error
        if isinstance(result, str) and len(result) > MAX_LENGTH:
            self.node = node
            raise self.error(f"error calling {function.name}: more than {MAX_LENGTH} characters")
        return result

    def check_count(self, function: Function, given: int, final: object) -> None:
        wanted = len(function.params)
        total = given + (final is not _MISSING)
        if function.rest is not None:
            if total < wanted:
                raise self.error(f"wrong number of args for {function.name}: want at least {wanted} got {given}")
        elif total != wanted:
            raise self.error(f"wrong number of args for {function.name}: want {wanted} got {total}")

    def short_circuit(self, dot: object, ends: bool, args: list[nodes.Operand], final: object) -> object:  # noqa: FBT001
        value: object = None
        for arg in args:
            value = self.argument(dot, ANY, arg)
            if is_true(value) is ends:
                return value
        return value if final is _MISSING else final

    def argument(self, dot: object, wanted: str, node: nodes.Operand) -> object:
        """The value of an argument; a constant becomes what the parameter wants."""
        kind = type(node)
        if kind is nodes.Nil:
            self.node = node
            if wanted not in _NULLABLE:
                raise self.error(f"cannot assign nil to {wanted}")
            return None if wanted == ANY else Nothing(wanted)
        if kind is nodes.String or kind is nodes.Number or kind is nodes.Bool:
            return self.constant(wanted, node)
        return self.fitting(self.operand(dot, node), wanted)

    def constant(self, wanted: str, node: nodes.Operand) -> object:
        self.node = node
        if wanted == ANY:
            return self.operand(None, node)
        if wanted == STRING and isinstance(node, nodes.String):
            return node.value
        if wanted == FLOAT and isinstance(node, nodes.Number) and node.as_float is not None:
            return node.as_float
        if wanted in (STRING, FLOAT):
            raise self.error(f"expected {'string' if wanted == STRING else 'float'}; found {node}")
        raise self.error(f"can't handle {node} for arg of type {wanted}")

    def fitting(self, value: object, wanted: str) -> object:
        if wanted == ANY:
            return value
        if value is None:
            if wanted in _NULLABLE:
                return Nothing(wanted)
            raise self.error(f"invalid value; expected {wanted}")
        given = type_name(value)
        if given != wanted:
            raise self.error(f"wrong type for value; expected {wanted}; got {given}")
        return value


def _wanted(function: Function, at: int) -> str:
    if at < len(function.params):
        return function.params[at]
    return function.rest or ANY


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    return labels if type(labels) is dict else dict(labels)
