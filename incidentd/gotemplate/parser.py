"""Tokens -> the tree of a template."""

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import TypeAlias

from incidentd.gotemplate import lexer, nodes, number
from incidentd.gotemplate.errors import SyntaxProblem
from incidentd.gotemplate.quote import quote, unquote
from incidentd.gotemplate.tokens import Kind, Token

MAX_TEXT = 100_000
MAX_NESTING = 50
CACHED = 8192

_OPERANDS = {
    Kind.BOOL,
    Kind.CHAR_CONSTANT,
    Kind.COMPLEX,
    Kind.DOT,
    Kind.FIELD,
    Kind.IDENTIFIER,
    Kind.NUMBER,
    Kind.NIL,
    Kind.RAW_STRING,
    Kind.STRING,
    Kind.VARIABLE,
    Kind.LEFT_PAREN,
}
_NUMBERS: dict[Kind, Callable[[int, str], nodes.Number]] = {
    Kind.CHAR_CONSTANT: number.char_constant,
    Kind.COMPLEX: number.complex_constant,
    Kind.NUMBER: number.constant,
}
_BLOCKS = {Kind.IF: "if", Kind.WITH: "with", Kind.RANGE: "range"}
_LITERALS = (nodes.Bool, nodes.String, nodes.Number, nodes.Nil, nodes.Dot)
_End: TypeAlias = nodes.Node | nodes.Mark


@lru_cache(CACHED)
def parse(text: str, functions: frozenset[str]) -> nodes.Tree | SyntaxProblem:
    """The tree of *text*, in which only *functions* may be called; a problem is returned, so that it is kept too."""
    if len(text) > MAX_TEXT:
        return SyntaxProblem(f"the template is longer than {MAX_TEXT} characters", 1)
    try:
        return _Parser(text, functions).run()
    except SyntaxProblem as problem:
        return problem


class _Parser:
    def __init__(self, text: str, functions: Collection[str]) -> None:
        self.text = text
        self.functions = functions
        self.tokens = lexer.tokens(text)
        self.at = 0
        self.furthest = 0
        self.variables = ["$"]
        self.defined: dict[str, list[nodes.Node]] = {}
        self.ranges = 0
        self.nesting = 0
        self.action_line = 0

    def run(self) -> nodes.Tree:
        root: list[nodes.Node] = []
        while self.peek().kind is not Kind.EOF:
            if self.starts_definition():
                self.definition()
                continue
            node = self.text_or_action()
            if isinstance(node, nodes.Mark):
                raise self.error(f"unexpected {node}")
            root.append(node)
        return nodes.Tree(self.text, root, self.defined)

    # Tokens

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def peek(self) -> Token:
        """The next token; behind the last one, the last one again."""
        at = min(self.at, len(self.tokens) - 1)
        self.furthest = max(self.furthest, at)
        return self.tokens[at]

    def next_word(self) -> Token:
        self.skip_spaces()
        return self.next()

    def peek_word(self) -> Token:
        self.skip_spaces()
        return self.peek()

    def skip_spaces(self) -> None:
        while self.peek().kind is Kind.SPACE:
            self.at += 1

    def line(self, token: Token) -> int:
        return self.text.count("\n", 0, token.pos) + 1

    def error(self, message: str) -> SyntaxProblem:
        return SyntaxProblem(message, self.line(self.tokens[self.furthest]))

    def unexpected(self, token: Token, context: str) -> SyntaxProblem:
        if token.kind is not Kind.ERROR:
            return self.error(f"unexpected {token} in {context}")
        started = self.action_line if self.action_line != self.line(token) else 0
        where = " in action" if started and not token.text.endswith(" action") else ""
        return SyntaxProblem(f"{token}{where}", self.line(self.tokens[self.furthest]), started or None)

    def expect(self, kind: Kind, context: str) -> Token:
        token = self.next_word()
        if token.kind is not kind:
            raise self.unexpected(token, context)
        return token

    def nest(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(f"more than {MAX_NESTING} levels of nesting")

    # Lists and blocks

    def text_or_action(self) -> _End:
        token = self.next_word()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.pos, token.text)
        if token.kind is not Kind.LEFT_DELIM:
            raise self.unexpected(token, "input")
        self.action_line = self.line(token)
        try:
            return self.action()
        finally:
            self.action_line = 0

    def action(self) -> _End:
        token = self.next_word()
        if token.kind in _BLOCKS:
            return self.branch(_BLOCKS[token.kind])
        if token.kind in (Kind.BREAK, Kind.CONTINUE):
            return self.jump(token)
        if token.kind in (Kind.TEMPLATE, Kind.BLOCK):
            return self.call() if token.kind is Kind.TEMPLATE else self.block()
        if token.kind in (Kind.END, Kind.ELSE):
            return self.end_mark() if token.kind is Kind.END else self.else_mark()
        self.at -= 1
        return nodes.Action(token.pos, self.pipeline("command", Kind.RIGHT_DELIM))

    def end_mark(self) -> nodes.Mark:
        return nodes.Mark(self.expect(Kind.RIGHT_DELIM, "end").pos, "end")

    def else_mark(self) -> nodes.Mark:
        following = self.peek_word()
        if following.kind in (Kind.IF, Kind.WITH):
            return nodes.Mark(following.pos, "else")
        return nodes.Mark(self.expect(Kind.RIGHT_DELIM, "else").pos, "else")

    def items(self) -> tuple[list[nodes.Node], nodes.Mark]:
        """Everything up to `end` or `else`, and which."""
        out: list[nodes.Node] = []
        while self.peek_word().kind is not Kind.EOF:
            node = self.text_or_action()
            if isinstance(node, nodes.Mark):
                return out, node
            out.append(node)
        raise self.error("unexpected EOF")

    def branch(self, word: str) -> nodes.Branch:
        self.nest()
        known = len(self.variables)
        pipe = self.pipeline(word, Kind.RIGHT_DELIM)
        self.ranges += word == "range"
        body, mark = self.items()
        self.ranges -= word == "range"
        otherwise = self.otherwise(word) if mark.word == "else" else None
        del self.variables[known:]
        self.nesting -= 1
        return nodes.Branch(pipe.pos, word, pipe, body, otherwise)

    def otherwise(self, word: str) -> list[nodes.Node]:
        """What follows `else`; `{{else if}}` and `{{else with}}` share the `end` of the whole."""
        following = _BLOCKS.get(self.peek().kind)
        if following == word and word != "range":
            self.next()
            return [self.branch(word)]
        items, mark = self.items()
        if mark.word != "end":
            raise self.error(f"expected end; found {mark}")
        return items

    def jump(self, token: Token) -> nodes.Jump:
        word = token.text
        following = self.next_word()
        if following.kind is not Kind.RIGHT_DELIM:
            raise self.unexpected(following, f"{{{{{word}}}}}")
        if not self.ranges:
            raise self.error(f"{{{{{word}}}}} outside {{{{range}}}}")
        return nodes.Jump(token.pos, word)

    # Templates in the template

    def starts_definition(self) -> bool:
        at = self.at
        found = self.next().kind is Kind.LEFT_DELIM and self.next_word().kind is Kind.DEFINE
        if not found:
            self.at = at
        return found

    def definition(self) -> None:
        context = "define clause"
        token = self.next_word()
        name = self.template_name(token, context)
        self.expect(Kind.RIGHT_DELIM, context)
        self.define(name, context)

    def define(self, name: str, context: str) -> None:
        self.nest()
        outer, self.variables, ranges, self.ranges = self.variables, ["$"], self.ranges, 0
        body, mark = self.items()
        self.variables, self.ranges = outer, ranges
        self.nesting -= 1
        if mark.word != "end":
            raise self.error(f"unexpected {mark} in {context}")
        if not _is_empty(self.defined.get(name, [])):
            if not _is_empty(body):
                raise self.error(f"template: multiple definition of template {quote(name)}")
            return
        self.defined[name] = body

    def block(self) -> nodes.Call:
        context = "block clause"
        token = self.next_word()
        name = self.template_name(token, context)
        pipe = self.pipeline(context, Kind.RIGHT_DELIM)
        self.define(name, context)
        return nodes.Call(token.pos, name, quote(name), pipe)

    def call(self) -> nodes.Call:
        context = "template clause"
        token = self.next_word()
        name = self.template_name(token, context)
        pipe = None
        if self.peek_word().kind is Kind.RIGHT_DELIM:
            self.next()
        else:
            pipe = self.pipeline(context, Kind.RIGHT_DELIM)
        return nodes.Call(token.pos, name, quote(name), pipe)

    def template_name(self, token: Token, context: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            raise self.unexpected(token, context)
        return self.unquoted(token)

    def unquoted(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except ValueError as error:
            raise self.error(str(error)) from error

    # Pipelines

    def pipeline(self, context: str, end: Kind) -> nodes.Pipe:
        pipe = nodes.Pipe(self.peek_word().pos)
        while self.declares(pipe, context):
            pass
        while True:
            token = self.next_word()
            if token.kind is end:
                self.check(pipe, context)
                return pipe
            if token.kind not in _OPERANDS:
                raise self.unexpected(token, context)
            self.at -= 1
            pipe.commands.append(self.command())

    def declares(self, pipe: nodes.Pipe, context: str) -> bool:
        """Read one `$x :=`, `$x =` or `$i,`; whether another variable may follow."""
        variable = self.peek_word()
        if variable.kind is not Kind.VARIABLE:
            return False
        at = self.at
        self.next()
        following = self.peek_word()
        comma = following.kind is Kind.CHAR and following.text == ","
        if following.kind not in (Kind.ASSIGN, Kind.DECLARE) and not comma:
            self.at = at
            return False
        self.next()
        pipe.declared.append(nodes.Variable(variable.pos, variable.text, ()))
        self.variables.append(variable.text)
        if not comma:
            pipe.assigns = following.kind is Kind.ASSIGN
            return False
        if context != "range" or len(pipe.declared) > 1:
            raise self.error(f"too many declarations in {context}")
        if self.peek_word().kind not in (Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
            raise self.error("range can only initialize variables")
        return True

    def check(self, pipe: nodes.Pipe, context: str) -> None:
        if not pipe.commands:
            raise self.error(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.args[0], _LITERALS):
                raise self.error(f"non executable command in pipeline stage {stage}")

    def command(self) -> nodes.Command:
        command = nodes.Command(self.peek_word().pos)
        while True:
            self.skip_spaces()
            operand = self.operand()
            if operand is not None:
                command.args.append(operand)
            token = self.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
                self.at -= 1
            elif token.kind is not Kind.PIPE:
                raise self.unexpected(token, "operand")
            break
        if not command.args:
            raise self.error("empty command")
        return command

    def operand(self) -> nodes.Operand | None:
        """A term with the fields that follow it."""
        term = self.term()
        if term is None or self.peek().kind is not Kind.FIELD:
            return term
        pos = self.peek().pos
        fields: list[str] = []
        while self.peek().kind is Kind.FIELD:
            fields.append(self.next().text[1:])
        if isinstance(term, nodes.Field):
            return nodes.Field(pos, (*term.names, *fields))
        if isinstance(term, nodes.Variable):
            return nodes.Variable(pos, term.name, tuple(fields))
        if isinstance(term, _LITERALS):
            raise self.error(f"unexpected . after term {quote(str(term))}")
        return nodes.Chain(pos, term, tuple(fields))

    def term(self) -> nodes.Operand | None:
        token = self.next_word()
        if token.kind is Kind.FIELD:
            return nodes.Field(token.pos, (token.text[1:],))
        if token.kind is Kind.VARIABLE:
            return self.variable(token)
        if token.kind is Kind.IDENTIFIER:
            if token.text not in self.functions:
                raise self.error(f"function {quote(token.text)} not defined")
            return nodes.Identifier(token.pos, token.text)
        if token.kind is Kind.LEFT_PAREN:
            self.nest()
            pipe = self.pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
            self.nesting -= 1
            return pipe
        literal = self.literal(token)
        if literal is None:
            self.at -= 1
        return literal

    def literal(self, token: Token) -> nodes.Operand | None:
        if token.kind in (Kind.STRING, Kind.RAW_STRING):
            return nodes.String(token.pos, token.text, self.unquoted(token))
        if token.kind is Kind.DOT:
            return nodes.Dot(token.pos)
        if token.kind is Kind.NIL:
            return nodes.Nil(token.pos)
        if token.kind is Kind.BOOL:
            return nodes.Bool(token.pos, token.text == "true")
        if token.kind not in _NUMBERS:
            return None
        try:
            return _NUMBERS[token.kind](token.pos, token.text)
        except ValueError as error:
            raise self.error(str(error)) from error

    def variable(self, token: Token) -> nodes.Variable:
        if token.text not in self.variables:
            raise self.error(f"undefined variable {quote(token.text)}")
        return nodes.Variable(token.pos, token.text, ())


def _is_empty(items: list[nodes.Node]) -> bool:
    return all(isinstance(node, nodes.Text) and not node.text.strip() for node in items)
