"""The tree of a regular expression -> instructions -> the leftmost match, in time linear in the text."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from incidentd.gotemplate import regex_nodes as nodes
from incidentd.gotemplate.charset import WORD, CharSet
from incidentd.gotemplate.errors import CallError

MAX_INSTRUCTIONS = 5_000
STEPS_PER_SPEND = 100
Captures = tuple[int, ...]
_WORD_CHARS = CharSet(list(WORD))


class Op(enum.IntEnum):
    CHAR = 0
    SPLIT = 1
    JUMP = 2
    SAVE = 3
    ASSERT = 4
    MATCH = 5


@dataclass(slots=True)
class Instruction:
    """*first* is tried before *second*; *number* is the slot that SAVE fills."""

    op: Op
    first: int = 0
    second: int = 0
    chars: CharSet | None = None
    kind: str = ""
    number: int = 0


class Program:
    """A compiled expression with *groups* groups."""

    def __init__(self, root: nodes.Regex, groups: int) -> None:
        self.code: list[Instruction] = []
        self.slots = 2 * (groups + 1)
        self._emit(Instruction(Op.SAVE, 1, number=0))
        self._add(root)
        self._emit(Instruction(Op.SAVE, len(self.code) + 1, number=1))
        self._emit(Instruction(Op.MATCH))

    def _emit(self, instruction: Instruction) -> int:
        if len(self.code) >= MAX_INSTRUCTIONS:
            raise CallError("error parsing regexp: expression too large")
        self.code.append(instruction)
        return len(self.code) - 1

    def _add(self, node: nodes.Regex) -> None:
        """Every instruction goes on to the one behind it, if it does not say otherwise."""
        here = len(self.code)
        if isinstance(node, nodes.One):
            self._emit(Instruction(Op.CHAR, here + 1, chars=node.chars))
        elif isinstance(node, nodes.Assert):
            self._emit(Instruction(Op.ASSERT, here + 1, kind=node.kind))
        elif isinstance(node, nodes.Group):
            self._emit(Instruction(Op.SAVE, here + 1, number=2 * node.number))
            self._add(node.inner)
            self._emit(Instruction(Op.SAVE, len(self.code) + 1, number=2 * node.number + 1))
        elif isinstance(node, nodes.Sequence):
            for part in node.parts:
                self._add(part)
        elif isinstance(node, nodes.Choice):
            self._choice(node)
        else:
            self._repeat(node)

    def _choice(self, node: nodes.Choice) -> None:
        ends = []
        for option in node.options[:-1]:
            split = self._emit(Instruction(Op.SPLIT, len(self.code) + 1))
            self._add(option)
            ends.append(self._emit(Instruction(Op.JUMP)))
            self.code[split].second = len(self.code)
        self._add(node.options[-1])
        for end in ends:
            self.code[end].first = len(self.code)

    def _repeat(self, node: nodes.Repeat) -> None:
        for _ in range(node.least):
            start = len(self.code)
            self._add(node.inner)
        if node.most is None:
            if node.least:
                self._back_to(start, greedy=node.greedy)
            else:
                split = self._emit(Instruction(Op.SPLIT))
                self._add(node.inner)
                if may_be_empty(node.inner):  # as Go compiles it: (x+)?, which decides who is preferred
                    self._back_to(split + 1, greedy=node.greedy)
                else:
                    self._emit(Instruction(Op.JUMP, split))
                self._aim(split, split + 1, len(self.code), greedy=node.greedy)
            return
        splits = []
        for _ in range(node.most - node.least):
            splits.append(self._emit(Instruction(Op.SPLIT)))
            self._add(node.inner)
        for split in splits:
            self._aim(split, split + 1, len(self.code), greedy=node.greedy)

    def _back_to(self, start: int, *, greedy: bool) -> None:
        split = self._emit(Instruction(Op.SPLIT))
        self._aim(split, start, split + 1, greedy=greedy)

    def _aim(self, split: int, inside: int, outside: int, *, greedy: bool) -> None:
        first, second = (inside, outside) if greedy else (outside, inside)
        self.code[split].first, self.code[split].second = first, second

    def search(self, text: str, start: int, spend: Callable[[int], None]) -> Captures | None:
        """Where the groups of the first match from *start* on begin and end (-1: not at all)."""
        found: Captures | None = None
        threads: list[tuple[int, Captures]] = []
        empty = (-1,) * self.slots
        work = 0
        for at in range(start, len(text) + 1):
            if found is None:
                threads.append((0, empty))
            elif not threads:
                break
            work += len(self.code) if threads else 1
            if work > STEPS_PER_SPEND:
                spend(work // STEPS_PER_SPEND)
                work = 0
            char = text[at] if at < len(text) else ""
            following: list[tuple[int, Captures]] = []
            for pc, captures in self._reachable(threads, text, at):
                instruction = self.code[pc]
                if instruction.op is Op.MATCH:
                    found = captures
                    break
                if char and instruction.chars is not None and instruction.chars.has(char):
                    following.append((instruction.first, captures))
            threads = following
        return found

    def _reachable(self, threads: list[tuple[int, Captures]], text: str, at: int) -> list[tuple[int, Captures]]:
        """The places that wait for a character or have matched, the most wanted first."""
        out: list[tuple[int, Captures]] = []
        seen: set[int] = set()
        stack = threads[::-1]
        while stack:
            pc, captures = stack.pop()
            if pc in seen:
                continue
            seen.add(pc)
            instruction = self.code[pc]
            op = instruction.op
            if op is Op.CHAR or op is Op.MATCH:
                out.append((pc, captures))
            elif op is Op.SPLIT:
                stack.append((instruction.second, captures))
                stack.append((instruction.first, captures))
            elif op is Op.SAVE:
                slot = instruction.number
                stack.append((instruction.first, (*captures[:slot], at, *captures[slot + 1 :])))
            elif op is Op.JUMP or holds(instruction.kind, text, at):
                stack.append((instruction.first, captures))
        return out


def may_be_empty(node: nodes.Regex) -> bool:
    """Whether *node* matches without a character."""
    if isinstance(node, nodes.Sequence):
        return all(may_be_empty(part) for part in node.parts)
    if isinstance(node, nodes.Choice):
        return any(may_be_empty(option) for option in node.options)
    if isinstance(node, nodes.Repeat):
        return node.least == 0 or may_be_empty(node.inner)
    return may_be_empty(node.inner) if isinstance(node, nodes.Group) else isinstance(node, nodes.Assert)


def holds(kind: str, text: str, at: int) -> bool:
    """Whether the place *at* is what *kind* says."""
    if kind == "A":
        return at == 0
    if kind == "z":
        return at == len(text)
    if kind == "^":
        return at == 0 or text[at - 1] == "\n"
    if kind == "$":
        return at == len(text) or text[at] == "\n"
    before = at > 0 and _WORD_CHARS.has(text[at - 1])
    after = at < len(text) and _WORD_CHARS.has(text[at])
    return (before is not after) is (kind == "b")
