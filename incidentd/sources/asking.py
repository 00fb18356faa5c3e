"""Jobs -> the outcome of each, halved where one member may be at fault, within one budget of time."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from incidentd.sources.base import Question, Reason
from incidentd.sources.batch import Pack
from incidentd.sources.envelope import Blame, SourceError

Result = TypeVar("Result")

_SILENT = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT})


class NotAsked(SourceError):  # noqa: N818 - named after what happened to it
    """A job's turn never came. The text says why."""


@dataclass(slots=True, eq=False)
class Origin:
    """A pack as it was meant to be asked, and what was found out about its members by halving it."""

    pack: Pack
    failed: SourceError | None = None
    """Why it had no answer as a whole."""
    seconds: float = 0.0
    guilty: list[Question] = field(default_factory=list)
    answered: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One request: a pack at one slot, or at each of several."""

    pack: Pack
    slots: tuple[datetime, ...]
    timeout_s: float
    origin: Origin

    def halves(self) -> tuple[Job, ...]:
        """The same in two jobs; none if it is one question at one slot."""
        if len(self.pack.questions) > 1:
            return tuple(replace(self, pack=half) for half in self.pack.halves())
        middle = len(self.slots) // 2
        return tuple(replace(self, slots=half) for half in (self.slots[:middle], self.slots[middle:])) if middle else ()

    @property
    def levels(self) -> int:
        """How often it can be halved."""
        return (len(self.pack.questions) - 1).bit_length() + (len(self.slots) - 1).bit_length()


def job(pack: Pack, slots: tuple[datetime, ...], timeout_s: float) -> Job:
    """One that stands for itself."""
    return Job(pack, slots, timeout_s, Origin(pack))


class Asking(Generic[Result]):
    """One round of requests. Those that are halved go on until the budget or the number of further requests is used
    up; when the source is silent, what was not asked yet is given up at once."""

    def __init__(
        self,
        send: Callable[[Job, float], Result],
        submit: Callable[[Callable[[Job], None], Job], bool],
        *,
        budget_s: float,
        further: int,
        at_once: float = math.inf,
    ) -> None:
        """*send* asks within so many seconds, or raises SourceError. *submit* runs a call later, in some thread;
        False if it never will; no more than *at_once* wait there at a time."""
        self._send = send
        self._submit = submit
        self._deadline = time.monotonic() + budget_s
        self._further = further
        self._at_once = at_once
        self._given_up: NotAsked | None = None
        self._last_answer = 0.0
        self._done: queue.SimpleQueue[tuple[Job, Result | BaseException]] = queue.SimpleQueue()
        self.origins: list[Origin] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Result | SourceError]]:
        """The last word on each part of *jobs*, as it comes."""
        todo = deque(jobs)
        self.origins += [one.origin for one in todo]
        outstanding = 0
        while todo or outstanding:
            while todo and outstanding < self._at_once:
                outstanding += self._start(todo.popleft())
            asked, outcome = self._done.get()
            outstanding -= 1
            if isinstance(outcome, BaseException) and not isinstance(outcome, SourceError):
                raise outcome
            halves = self._halves(asked, outcome) if isinstance(outcome, SourceError) else ()
            if halves:
                todo += halves
                continue
            self._note(asked, outcome)
            yield asked, outcome

    def _start(self, one: Job) -> int:
        if not self._submit(self._work, one):
            self._done.put((one, _closed()))
        return 1

    def _work(self, one: Job) -> None:
        begun = time.monotonic()
        outcome: Result | BaseException
        try:
            if begun > self._deadline:
                raise NotAsked(Reason.TIMEOUT, "not asked: the time for all queries of the slot was over")  # noqa: TRY301 - one way out
            if self._given_up is not None:
                raise self._given_up  # noqa: TRY301 - the same
            outcome = self._send(one, min(one.timeout_s, self._deadline - begun))
            self._last_answer = time.monotonic()
        except SourceError as exc:
            outcome = self._judged(one, exc, begun)
        except BaseException as exc:  # noqa: BLE001 - raised again where it is waited for
            outcome = exc
        if one.pack is one.origin.pack:
            one.origin.seconds = time.monotonic() - begun
        self._done.put((one, outcome))

    def _judged(self, asked: Job, error: SourceError, begun: float) -> SourceError:
        """*error*, blamed on its query if that is a part of one that failed, or if the source answered others
        meanwhile; otherwise nothing more is asked."""
        if error.reason not in _SILENT or error.blame is Blame.QUERY or isinstance(error, NotAsked):
            return error
        part = asked.pack is not asked.origin.pack
        if error.reason is Reason.TIMEOUT and (part or self._last_answer > begun):
            error.blame = Blame.QUERY
        else:
            self._given_up = NotAsked(error.reason, f"not asked, as another expression had no answer: {error}")
        return error

    def _halves(self, asked: Job, error: SourceError) -> tuple[Job, ...]:
        if asked.pack is asked.origin.pack:
            asked.origin.failed = asked.origin.failed or error
        if error.blame is not Blame.QUERY:
            return ()
        halves = asked.halves()
        left = self._deadline - time.monotonic()
        if not halves or self._further < len(halves) or left <= 0:
            return ()
        self._further -= len(halves)
        if error.reason is Reason.TIMEOUT:  # the well answer fast, and all levels must fit
            return tuple(replace(half, timeout_s=left / (half.levels + 1)) for half in halves)
        return halves

    def _note(self, asked: Job, outcome: Result | SourceError) -> None:
        origin = asked.origin
        if not isinstance(outcome, SourceError):
            origin.answered += asked.pack.questions
        elif len(asked.pack.questions) == 1 and outcome.blame is Blame.QUERY and not isinstance(outcome, NotAsked):
            origin.guilty += asked.pack.questions


def _closed() -> NotAsked:
    return NotAsked(Reason.UNREACHABLE, "the source is closed")
