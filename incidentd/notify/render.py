"""A template and values -> bounded text, in a sandbox.

Templates are written by whoever may change the rules, values come from whoever may emit a metric. So a template can
neither reach into Python nor hang or fill the process: it knows the filters below and those of
:mod:`incidentd.notify.filters`, ``if``, ``for``, ``set`` and ``with``; every text and list that it makes is weighed,
and all of its loops together take at most :data:`MAX_STEPS` steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import structlog
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from incidentd import settings
from incidentd.notify import filters

MAX_OUTPUT = 100_000
"""Characters of a rendered text, and the weight of every value on the way to it."""
MAX_STEPS = 10_000
_MAX_POWER = 100
_CACHED_TEMPLATES = 4096

_LOG = structlog.get_logger(__name__)

_STATEMENTS = (nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.Assign, nodes.With)
_METHODS = {
    "capitalize", "count", "cycle", "endswith", "find", "get", "is_worse_than", "isoformat", "items", "keys",
    "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rpartition", "rstrip", "split", "startswith",
    "strip", "title", "total_seconds", "upper", "values",
}  # fmt: skip
_BUILT_IN_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "int", "items",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select",
    "selectattr", "sort", "string", "title", "trim", "truncate", "unique", "upper", "urlencode",
)  # fmt: skip
# A space in the name: no template can spell them.
_COUNTED = "counted steps"
_STEPS = "steps left"

# Whatever else a sandboxed template can raise beside jinja's own errors: its documentation asks callers to catch all.
_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class TemplateError(Exception):
    """A template that cannot be read, or that failed on these values."""


def text(template: str, **values: Any) -> str:
    """What *template* says of *values*, as plain text. Raises TemplateError."""
    try:
        return _spend(_compiled(template), values)
    except _FAILURES as exc:
        raise TemplateError(_reason(exc)) from exc


class Templates:
    """The named templates: the user's where there is one, else those that ship."""

    def __init__(self, user_dir: Path | None) -> None:
        folders = [folder for folder in (user_dir, settings.shipped("templates")) if folder is not None]
        loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder) for folder in folders])
        self._plain = _Sandbox(loader=loader, trim_blocks=True, lstrip_blocks=True)
        self._html = _Sandbox(loader=loader, trim_blocks=True, lstrip_blocks=True, autoescape=True)

    def text(self, name: str, *, fallback: str | None = None, **values: Any) -> str:
        """What the template *name* says of *values*. With a *fallback* it never fails: that is what is returned, and
        a log line written, when the template fails or says nothing. Raises TemplateError without one.
        """
        return self._rendered(self._plain, name, fallback, values)

    def html(self, name: str, *, fallback: str | None = None, **values: Any) -> str:
        """The same as HTML: every value is escaped."""
        return self._rendered(self._html, name, fallback, values)

    def _rendered(self, env: _Sandbox, name: str, fallback: str | None, values: Mapping[str, Any]) -> str:
        try:
            said = _spend(env.get_template(name), values)
        except _FAILURES as exc:
            if fallback is None:
                raise TemplateError(f"{name}: {_reason(exc)}") from exc
            return _instead(name, fallback, _reason(exc))
        if fallback is not None and not said.strip():
            return _instead(name, fallback, "it says nothing")
        return said


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=jinja2.StrictUndefined, finalize=_weighed, **options)
        self.globals.clear()
        self.globals["range"] = _bounded_range
        built_in = {name: self.filters[name] for name in _BUILT_IN_FILTERS}
        self.filters = {name: _careful(function) for name, function in (built_in | filters.FILTERS).items()}
        self.filters |= {"join": _join, "replace": _careful(_replace), _COUNTED: _counted}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        for statement in template.find_all(nodes.Stmt):
            if not isinstance(statement, _STATEMENTS) or getattr(statement, "recursive", False):
                what = type(statement).__name__.lower()
                raise jinja2.TemplateSyntaxError(f"{what} is not offered here", statement.lineno, name, filename)
        bounded: nodes.Template = _Bounding().visit(template)
        return bounded

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        text_or_list = isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple)
        if operator != "+" and text_or_list:
            raise jinja2.TemplateRuntimeError(f"{operator} works on numbers only")
        if operator == "**" and (abs(left) > MAX_OUTPUT or abs(right) > _MAX_POWER):
            raise jinja2.TemplateRuntimeError("** is bounded")
        _weighed(left)
        _weighed(right)
        return _weighed(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> None:
        """So that ``str.format`` is a method like others, and not offered: its widths know no bounds."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) and (not callable(value) or attr in _METHODS)


class _Bounding(NodeTransformer):
    """Loops count their steps; ``~`` becomes a join, which is weighed."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - the visitor's protocol
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _COUNTED)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - the visitor's protocol
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno, environment=node.environment), "join")


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=node.environment)


@functools.lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    return _Sandbox()


@functools.lru_cache(maxsize=_CACHED_TEMPLATES)
def _compiled(template: str) -> jinja2.Template:
    return _environment().from_string(template)


def _spend(template: jinja2.Template, values: Mapping[str, Any]) -> str:
    parts: list[str] = []
    length = 0
    for part in template.generate({**values, _STEPS: [MAX_STEPS]}):
        length += len(part)
        if length > MAX_OUTPUT:
            raise jinja2.TemplateRuntimeError(f"it says more than {MAX_OUTPUT} characters")
        parts.append(part)
    return "".join(parts)


def _instead(name: str, fallback: str, why: str) -> str:
    _LOG.warning("a template failed; the built-in text is sent", action="template_failed", template=name, error=why)
    return fallback


def _reason(exc: BaseException) -> str:
    line = f"line {exc.lineno}: " if isinstance(exc, jinja2.TemplateSyntaxError) else ""
    return line + (str(exc) or type(exc).__name__)


def _weighed(value: Any) -> Any:
    """*value*, unless it is too large to be written out; nested lists count as often as they would be written."""
    if isinstance(value, int | float):
        if isinstance(value, int) and value.bit_length() > MAX_OUTPUT:
            raise jinja2.TemplateRuntimeError("a number is too large")
        return value
    weight, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        weight += len(item) if isinstance(item, str) else 1
        if isinstance(item, Mapping):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            waiting += item
        if weight > MAX_OUTPUT:
            raise jinja2.TemplateRuntimeError(f"a value is longer than {MAX_OUTPUT} characters")
    return value


def _careful(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with what goes in and what comes out weighed."""

    @functools.wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()):
            _weighed(arg)
        return _weighed(function(*args, **kwargs))

    return filtered


def _bounded_range(*limits: int) -> range:
    numbers = range(*limits)
    if len(numbers) > MAX_STEPS:
        raise jinja2.TemplateRuntimeError(f"range is bounded to {MAX_STEPS}")
    return numbers


@jinja2.pass_eval_context
def _join(context: nodes.EvalContext, values: Iterable[Any], separator: str = "") -> str:
    """``values | join(", ")``, weighed while it grows."""
    parts: list[Any] = []
    length = 0
    for value in values:
        part = _weighed(value) if hasattr(value, "__html__") else str(_weighed(value))
        length += len(part) + len(separator)
        if length > MAX_OUTPUT:
            raise jinja2.TemplateRuntimeError(f"a value is longer than {MAX_OUTPUT} characters")
        parts.append(part)
    joined: str = jinja2.filters.do_join(context, parts, separator)
    return joined


def _replace(value: Any, old: str, new: str) -> str:
    """``text | replace("a", "b")``, every occurrence."""
    whole = str(value)
    if len(whole) + whole.count(old) * len(new) > MAX_OUTPUT:
        raise jinja2.TemplateRuntimeError(f"a value is longer than {MAX_OUTPUT} characters")
    return whole.replace(old, new)


@jinja2.pass_context
def _counted(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    left = context.parent[_STEPS]
    for item in items:
        left[0] -= 1
        if left[0] < 0:
            raise jinja2.TemplateRuntimeError(f"its loops take more than {MAX_STEPS} steps")
        yield item
