"""A query of prometheus-api-client -> one POST with the query in its body, and the whole answer or a SourceError."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as ReadTimeoutError

from incidentd.sources import envelope
from incidentd.sources.base import Reason
from incidentd.sources.envelope import Blame, SourceError

MAX_BODY_BYTES = 64 * 2**20
_READ_BYTES = 2**16
_QUERIES_KEPT = 1024
"""Packs whose encoded text is kept from one slot to the next; to encode one anew costs half a millisecond."""


class QuerySession:
    """What `PrometheusConnect` needs of a session of requests, over urllib3: that costs half as much a query.

    Looks nowhere for settings. Sends once, what is asked in the body, where no bound for addresses applies; follows no
    redirect; gives up after the time that it is given with a request. A connection that stops in the middle of the
    body is noticed within as long again.
    """

    verify = True
    cert = None

    def __init__(self, headers: Mapping[str, bytes], connections: int) -> None:
        self.headers = {"content-type": b"application/x-www-form-urlencoded", "user-agent": b"incidentd", **headers}
        self._pool = PoolManager(
            1, maxsize=connections, retries=False, cert_reqs="CERT_REQUIRED", ca_certs=DEFAULT_CA_BUNDLE_PATH
        )

    def mount(self, prefix: str, adapter: object) -> None:
        """Takes no adapter: the library's would repeat failed requests for six seconds."""

    def request(self, *, method: str, url: str, params: Mapping[str, str], timeout: float, **_unused: Any) -> Reply:
        """An answer with status 200. Raises SourceError for all else that the server or the network can do."""
        deadline = time.monotonic() + timeout
        wanted = "matrix" if url.endswith("/query_range") else "vector"
        try:
            answer = self._pool.urlopen(
                method,
                url,
                body=_form(params),
                headers=self.headers,
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            body = _read(answer, deadline, timeout)
        except (HTTPError, HTTPException, OSError, ValueError) as exc:
            raise translated(exc, timeout) from exc
        if location := answer.get_redirect_location():
            raise SourceError(Reason.MALFORMED, f"redirects to {_place(location)}")
        if answer.status != HTTPStatus.OK:
            raise envelope.refusal(answer.status, body)
        return Reply(body, wanted)

    def close(self) -> None:
        self._pool.clear()


@dataclass(frozen=True, slots=True)
class Reply:
    """A body that is read already, and checked while the library decodes it."""

    body: bytes
    wanted: str
    status_code: int = HTTPStatus.OK

    def json(self) -> dict[str, Any]:
        """The envelope of a complete answer. Raises SourceError if it is none, see `envelope.opened`."""
        return envelope.opened(self.body, self.wanted)


def translated(exc: Exception, timeout_s: float) -> SourceError:
    """What an error on the way means; says nothing of the URL, the headers or the query."""
    if isinstance(exc, ReadTimeoutError) and not isinstance(exc, NewConnectionError):
        return _timed_out(timeout_s)
    if isinstance(exc, DecodeError):
        return SourceError(Reason.MALFORMED, "the answer is compressed and cannot be decompressed")
    for cause in _causes(exc):
        if isinstance(cause, ConnectionError) or (isinstance(cause, OSError) and cause.strerror):
            why = cause.strerror or "the connection was closed before the answer"
            broken = isinstance(cause, ConnectionError) and not isinstance(cause, ConnectionRefusedError)
            blame = Blame.UNSURE if broken else Blame.SOURCE
            return SourceError(Reason.UNREACHABLE, f"cannot be reached: {why}", blame)
        if isinstance(cause, IncompleteRead):
            return SourceError(Reason.MALFORMED, "the answer ended in the middle of its body", Blame.QUERY)
        if isinstance(cause, HTTPException):
            return SourceError(Reason.MALFORMED, "does not answer in HTTP")
    return SourceError(Reason.ERROR, "the request cannot be made; check the source's url, headers and token")


def _timed_out(timeout_s: float) -> SourceError:
    return SourceError(Reason.TIMEOUT, f"no complete answer within {round(timeout_s, 2):g} s", Blame.UNSURE)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = exc
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _place(location: str) -> str:
    """Where a redirect leads, without the credentials and the query that it may carry."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an invalid address"
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _form(params: Mapping[str, str]) -> bytes:
    rest = {name: value for name, value in params.items() if name != "query"}
    return _quoted(params["query"]) + b"&" + urlencode(rest).encode()


@lru_cache(maxsize=_QUERIES_KEPT)
def _quoted(query: str) -> bytes:
    return b"query=" + quote_plus(query).encode()


def _read(answer: BaseHTTPResponse, deadline: float, timeout_s: float) -> bytes:
    """All of the body, however slowly it trickles; a time-out of the socket alone starts anew with each byte."""
    try:
        body = b"".join(_parts(answer, deadline, timeout_s))
    except BaseException:
        answer.close()  # what is left of the body must not be read as the next answer
        raise
    answer.release_conn()
    return body


def _parts(answer: BaseHTTPResponse, deadline: float, timeout_s: float) -> Iterator[bytes]:
    size = 0
    while part := answer.read1(_READ_BYTES, decode_content=True):
        yield part
        size += len(part)
        if size > MAX_BODY_BYTES:
            text = f"the answer exceeds {MAX_BODY_BYTES >> 20} MiB; aggregate or select less"
            raise SourceError(Reason.ERROR, text, Blame.QUERY)
        if time.monotonic() > deadline:
            raise _timed_out(timeout_s)
