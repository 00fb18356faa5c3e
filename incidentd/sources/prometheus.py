"""Expressions -> answers of one Prometheus-compatible HTTP API; the only user of prometheus-api-client."""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import requests
from prometheus_api_client.prometheus_connect import PrometheusConnect
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError

from incidentd import metrics, settings
from incidentd.sources import envelope
from incidentd.sources.base import Answer, Answered, Question, RangeAnswer, RangeAnswered, Reason, Unknown
from incidentd.sources.envelope import SourceError
from incidentd.sources.transport import QueryTransport, translated

MAX_MESSAGE = 300
"""Characters of a message; the server's own words are cut there."""
_SERVER_SHARE = 0.9
"""The part of the time-out that Prometheus itself may use, so that its own words arrive before we hang up."""
_SHORTEST_SECRET_HEADER = 8
_SILENT = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT})
_LATE = Unknown(Reason.TIMEOUT, "not asked: the time for the whole range was over")
_CLOSED: Answer = Unknown(Reason.UNREACHABLE, "the source is closed")


@dataclass(slots=True)
class _Slot:
    at: datetime
    given_up: Unknown | None = None
    """What the expressions that are not asked yet get, once the source was silent for one of them."""


class PrometheusSource:
    """Implements `sources.base.Source`, with up to *concurrency* requests at a time over all callers."""

    def __init__(self, name: str, config: settings.Source) -> None:
        self.name = name
        self._timeout_s = config.timeout.total_seconds()
        self._closed = False
        self._closing = threading.Lock()
        self._pool = ThreadPoolExecutor(config.concurrency, thread_name_prefix=f"source-{name}")
        self._timed_out: dict[Question, int] = {}
        self._ordinal = itertools.count(1)
        parts = urlsplit(config.url)
        self._place = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=self._place).geturl()
        auth = None
        if config.token is None and parts.username is not None:
            auth = (unquote(parts.username).encode(), unquote(parts.password or "").encode())
        self._secrets = _secrets(config, auth)
        session = requests.Session()
        session.trust_env = False
        session.auth = auth and HTTPBasicAuth(*auth)
        session.headers.update(_headers(config, parts.hostname or ""))
        self._client = PrometheusConnect(url=url, session=session, method="POST")
        # The constructor has mounted an adapter that repeats failed requests for six seconds: nothing may reach it.
        session.adapters.clear()
        session.mount("http", QueryTransport(self._timeout_s, config.concurrency))

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        """As in `Source`. Once the source was silent for one question, those not asked yet share its fate at once.

        Questions that timed out before are asked last, so that they cost their neighbours nothing.
        """
        slot = _Slot(at)
        different = sorted(dict.fromkeys(questions), key=lambda question: self._timed_out.get(question, 0))
        with self._closing:
            if self._closed:
                return dict.fromkeys(different, _CLOSED)
            futures = {question: self._pool.submit(self._answer, question, slot) for question in different}
        return {question: future.result() for question, future in futures.items()}

    def ask_range(
        self, questions: Sequence[Question], start: datetime, end: datetime, step: timedelta, within: timedelta
    ) -> Mapping[Question, RangeAnswer]:
        """As in `Source`."""
        deadline = time.monotonic() + within.total_seconds()
        found: dict[Question, dict[datetime, Answer]] = {question: {} for question in questions}
        slot = start
        while slot <= end:
            late = time.monotonic() > deadline
            answers = dict.fromkeys(questions, _LATE) if late else self.ask(questions, slot)
            for question, answer in answers.items():
                found[question][slot] = answer
            slot += step
        return {question: RangeAnswered(answers) for question, answers in found.items()}

    def close(self) -> None:
        """Waits for the requests in flight, so at most twice the time-out; who asks later is told that it is closed."""
        with self._closing:
            self._closed = True
        self._pool.shutdown()
        self._client.close()

    def _answer(self, question: Question, slot: _Slot) -> Answer:
        if self._closed:
            return _CLOSED
        if slot.given_up is not None:
            return slot.given_up
        with metrics.SOURCE_SECONDS.labels(self.name).time():
            answer = self._request(question.expr, slot.at - question.offset)
        reason = answer.reason if isinstance(answer, Unknown) else None
        metrics.SOURCE_REQUESTS.labels(self.name, reason or "answered").inc()
        if isinstance(answer, Unknown) and reason in _SILENT:
            slot.given_up = Unknown(answer.reason, f"not asked, as another expression had no answer: {answer.message}")
        if reason is Reason.TIMEOUT:
            self._timed_out[question] = next(self._ordinal)
        else:
            self._timed_out.pop(question, None)
        return answer

    def _request(self, expression: str, at: datetime) -> Answer:
        params = {"time": f"{at.timestamp():.3f}", "timeout": f"{self._timeout_s * _SERVER_SHARE:.3f}"}
        try:
            return Answered(envelope.samples(self._client.custom_query(expression, params)))
        except SourceError as exc:
            return self._unknown(exc)
        except (requests.RequestException, HTTPError) as exc:
            return self._unknown(translated(exc, self._timeout_s))

    def _unknown(self, error: SourceError) -> Unknown:
        text = " ".join(f"{self._place}: {error}".split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return Unknown(error.reason, text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 3]}...")


def _headers(config: settings.Source, host: str) -> dict[str, bytes]:
    """As bytes, since requests would send text as Latin-1."""
    headers = {name.lower(): value.encode() for name, value in config.headers.items()}
    if _is_near(host):
        headers.setdefault("accept-encoding", b"identity")
    if config.token is not None:
        headers["authorization"] = b"Bearer " + config.token.get_secret_value().encode()
    return headers


def _is_near(host: str) -> bool:
    """Whether *host* is on this machine or a private network, where compressing costs more than it saves."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".svc", ".local", ".internal"))


def _secrets(config: settings.Source, auth: tuple[bytes, bytes] | None) -> list[str]:
    """What a server could echo and nobody may read, longest first."""
    found = {value for value in config.headers.values() if len(value) >= _SHORTEST_SECRET_HEADER}
    if config.token is not None:
        found.add(config.token.get_secret_value())
    if auth is not None:
        found |= {auth[1].decode(), base64.b64encode(b":".join(auth)).decode()}
    return sorted(found - {""}, key=len, reverse=True)
