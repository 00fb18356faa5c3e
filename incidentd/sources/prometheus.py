"""Questions -> answers of one Prometheus-compatible HTTP API; the only user of prometheus-api-client."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from prometheus_api_client.prometheus_connect import PrometheusConnect

from incidentd import metrics, settings
from incidentd.sources import asking, batch, credentials, envelope, lesson, ranges
from incidentd.sources.asking import Asking, Job, NotAsked
from incidentd.sources.base import Answer, Answered, Question, RangeAnswer, RangeAnswered, Reason, Sample, Unknown
from incidentd.sources.batch import Pack
from incidentd.sources.envelope import SourceError
from incidentd.sources.plan import Plans
from incidentd.sources.quarantine import Quarantine
from incidentd.sources.threshold import Threshold
from incidentd.sources.transport import QuerySession

MAX_MESSAGE = 300
"""Characters of a message; the server's own words are cut there."""
BUDGET = 2
"""A slot's questions have so many time-outs in all. One request more may end after it, see `QuerySession`."""
_FURTHER = 200
"""Requests of one slot beyond one for each pack: enough to find a dozen guilty questions, too few to hurt a source
that refuses everything."""
_FURTHER_OF_RANGE = 2_000
_SERVER_SHARE = 0.9
"""The part of the time-out that Prometheus itself may use, so that its own words arrive before we hang up."""
_NOTHING = Answered(())
_CLOSED = Unknown(Reason.UNREACHABLE, "the source is closed")

_Found = list[Sample] | SourceError
_Vectors = dict[Question, _Found]


class PrometheusSource:
    """Implements `sources.base.Source`, with up to *concurrency* requests at a time over all callers."""

    def __init__(self, name: str, config: settings.Source) -> None:
        self.name = name
        self._timeout_s = config.timeout.total_seconds()
        self._closed = False
        self._closing = threading.Lock()
        self._pool = ThreadPoolExecutor(config.concurrency, thread_name_prefix=f"source-{name}")
        self._quarantine = Quarantine()
        self._plans = Plans(config.pack, self._quarantine)
        self._timed_out: dict[Question, int] = {}
        self._behind = max(1, config.concurrency // 2)
        """So many queries for the past may stand between a slot that is due and its source."""
        self._ordinal = itertools.count(1)
        self._waiting: set[Question] = set()
        parts = urlsplit(config.url)
        self._place = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=self._place).geturl()
        auth = None
        if config.token is None and parts.username is not None:
            auth = (unquote(parts.username).encode(), unquote(parts.password or "").encode())
        self._secrets = credentials.secrets(config, auth)
        session = QuerySession(credentials.headers(config, parts.hostname or "", auth), config.concurrency)
        self._client = PrometheusConnect(url=url, session=session, method="POST")  # type: ignore[arg-type] # all that it uses of one

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        """As in `Source`, in packs; see :mod:`batch`, :mod:`asking` and :mod:`lesson`.

        Questions that timed out before are asked last, so that they cost their neighbours nothing, and those whose
        turn did not come the last time first. Once the source was silent, those not asked yet are given up.
        """
        plan = self._plans.of(questions)
        found: _Vectors = {}
        budget_s = BUDGET * self._timeout_s
        round_ = Asking[_Vectors](self._vectors, self._submit, budget_s=budget_s, further=_FURTHER)
        packs = sorted(plan.packs, key=self._turn) if self._timed_out or self._waiting else plan.packs
        for job, outcome in round_.run(asking.job(pack, (at,), self._timeout_s) for pack in packs):
            self._remember_turn(job.pack, outcome)
            found |= dict.fromkeys(job.pack.questions, outcome) if isinstance(outcome, SourceError) else outcome
        lesson.learn(round_.origins, self._quarantine, self._timeout_s, at)
        metrics.SOURCE_QUARANTINED.labels(self.name).set(self._quarantine.alone())
        answers: dict[Question, Answer] = {}
        for question in questions:
            asked, bound = plan.others.get(question) or (question, None)
            answers[question] = self._answer(found[asked], bound)
        return answers

    def ask_range(
        self, questions: Sequence[Question], start: datetime, end: datetime, step: timedelta, within: timedelta
    ) -> Mapping[Question, RangeAnswer]:
        """As in `Source`, in packs; a query that fails is halved by its questions, then by its slots."""
        plan = self._plans.of(questions)
        slots = ranges.slots(start, end, step)
        found: dict[Question, dict[datetime, _Found]] = {question: {} for question in questions}
        round_ = Asking[ranges.Found](
            self._matrices,
            self._submit,
            budget_s=within.total_seconds(),
            further=_FURTHER_OF_RANGE,
            at_once=self._behind,
        )
        jobs = (asking.job(pack, part, self._timeout_s) for pack, part in ranges.queries(plan.packs, slots))
        for job, outcome in round_.run(jobs):
            for question in job.pack.questions:
                part = dict.fromkeys(job.slots, outcome) if isinstance(outcome, SourceError) else outcome[question]
                found[question] |= part
        answers: dict[Question, RangeAnswer] = {}
        for question in questions:
            asked, bound = plan.others.get(question) or (question, None)
            answers[question] = _whole({slot: self._answer(one, bound) for slot, one in found[asked].items()})
        return answers

    def close(self) -> None:
        """Waits for the requests in flight, so at most twice the time-out; who asks later is told that it is closed."""
        with self._closing:
            self._closed = True
        self._pool.shutdown()
        self._client.close()

    def _submit(self, work: Callable[[Job], None], job: Job) -> bool:
        with self._closing:
            if not self._closed:
                self._pool.submit(work, job)
            return not self._closed

    def _vectors(self, job: Job, timeout_s: float) -> _Vectors:
        pack = job.pack
        params = {"time": ranges.seconds(job.slots[0] - pack.offset)} | _limit(timeout_s)
        ask = partial(self._client.custom_query, pack.query, params)
        result = self._query(job, timeout_s, ask)
        found: _Vectors = {}
        for question, series in zip(pack.questions, batch.sorted_out(pack, result), strict=True):
            try:
                found[question] = envelope.read(series)
            except SourceError as exc:
                found[question] = exc
        return found

    def _matrices(self, job: Job, timeout_s: float) -> ranges.Found:
        pack, slots = job.pack, job.slots
        first, last = slots[0] - pack.offset, slots[-1] - pack.offset
        step = (slots[1] - slots[0]).total_seconds() if len(slots) > 1 else 1.0
        params = {"start": ranges.seconds(first), "end": ranges.seconds(last)} | _limit(timeout_s)
        ask = partial(self._client.custom_query_range, pack.query, first, last, f"{step:.3f}", params)
        result = self._query(job, timeout_s, ask)
        return ranges.read(pack, slots, result)

    def _query(self, job: Job, timeout_s: float, send: Callable[..., Any]) -> list[Any]:
        """The series that *send* brings. Raises SourceError for all that can go wrong with it."""
        if self._closed:
            raise NotAsked(_CLOSED.reason, _CLOSED.message)
        outcome = "answered"
        metrics.SOURCE_PACK_SIZE.labels(self.name).observe(len(job.pack.questions))
        try:
            with metrics.SOURCE_SECONDS.labels(self.name).time():
                result: list[Any] = send(timeout=timeout_s)
            metrics.SOURCE_SAMPLES.labels(self.name).inc(len(result))
        except SourceError as exc:
            outcome = exc.reason.value
            raise
        finally:
            metrics.SOURCE_REQUESTS.labels(self.name, outcome).inc()
        return result

    def _turn(self, pack: Pack) -> tuple[int, bool]:
        timed_out = max((self._timed_out.get(question, 0) for question in pack.questions), default=0)
        return timed_out, self._waiting.isdisjoint(pack.questions)

    def _remember_turn(self, pack: Pack, outcome: object) -> None:
        if self._waiting:
            self._waiting.difference_update(pack.questions)
        if isinstance(outcome, NotAsked):
            self._waiting.update(pack.questions)
        elif isinstance(outcome, SourceError) and outcome.reason is Reason.TIMEOUT:
            self._timed_out |= dict.fromkeys(pack.questions, next(self._ordinal))
        elif self._timed_out:
            for question in pack.questions:
                self._timed_out.pop(question, None)

    def _answer(self, found: _Found, bound: Threshold | None) -> Answer:
        if isinstance(found, SourceError):
            return self._unknown(found)
        if not found:
            return _NOTHING
        try:
            return Answered(envelope.told_apart(bound.kept(found) if bound else found))
        except SourceError as exc:
            return self._unknown(exc)

    def _unknown(self, error: SourceError) -> Unknown:
        if self._closed and isinstance(error, NotAsked) and error.reason is Reason.UNREACHABLE:
            return _CLOSED
        text = " ".join(f"{self._place}: {error}".split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return Unknown(error.reason, text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 3]}...")


def _limit(timeout_s: float) -> dict[str, str]:
    return {"timeout": f"{timeout_s * _SERVER_SHARE:.3f}"}


def _whole(answers: Mapping[datetime, Answer]) -> RangeAnswer:
    """*answers* together; one Unknown if there is no other."""
    unknown = [answer for answer in answers.values() if isinstance(answer, Unknown)]
    return unknown[0] if unknown and len(unknown) == len(answers) else RangeAnswered(answers)
