"""A query of prometheus-api-client -> one POST with the query in its body, and the whole answer or a SourceError."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from requests import PreparedRequest, RequestException, Response, Session, Timeout
from requests.adapters import HTTPAdapter
from urllib3.exceptions import DecodeError, HTTPError
from urllib3.exceptions import TimeoutError as ReadTimeoutError

from incidentd.sources import envelope
from incidentd.sources.base import Reason
from incidentd.sources.envelope import Blame, SourceError

MAX_BODY_BYTES = 64 * 2**20
_READ_BYTES = 2**16
_QUERIES_KEPT = 1024
"""Packs whose encoded text is kept from one slot to the next; to encode one anew costs half a millisecond."""


class QuerySession(Session):
    """Looks nowhere for settings, and sends what is asked in the body, where no bound for addresses applies."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, method: Any, url: Any, params: Any = None, **options: Any) -> Response:  # type: ignore[override] # as the library calls it
        options["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
        return super().request(method, url, data=_form(params), **options)


class QueryTransport(HTTPAdapter):
    """Sends once, follows no redirect, and gives up after the *timeout* in seconds that it is given with a request.

    A connection that stops in the middle of the body is noticed within another *timeout*.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """A Reply with status 200. Raises SourceError for all else that the server or the network can do."""
        timeout_s = options["timeout"]
        deadline = time.monotonic() + timeout_s
        options |= {"stream": True, "timeout": (timeout_s, timeout_s)}
        try:
            head = super().send(request, *args, **options)
            with head:
                body = _read(head.raw, deadline, timeout_s)
        except (RequestException, HTTPError) as exc:
            raise translated(exc, timeout_s) from exc
        if head.is_redirect:
            raise SourceError(Reason.MALFORMED, f"redirects to {_place(head.headers['location'])}")
        if head.status_code != HTTPStatus.OK:
            raise envelope.refusal(head.status_code, body)
        return Reply(head, body, "matrix" if request.path_url.endswith("/query_range") else "vector")


class Reply(Response):
    """A response that is read already, and whose JSON is checked while the library decodes it."""

    def __init__(self, head: Response, body: bytes, wanted: str) -> None:
        super().__init__()
        vars(self).update(vars(head))
        self._content = body
        self._wanted = wanted

    def json(self, **_options: Any) -> Any:
        """The envelope of a complete answer. Raises SourceError if it is none, see `envelope.opened`."""
        return envelope.opened(self.content, self._wanted)


def translated(exc: Exception, timeout_s: float) -> SourceError:
    """What an error of requests or urllib3 means; says nothing of the URL, the headers or the query."""
    if isinstance(exc, Timeout | ReadTimeoutError):
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


def _read(raw: Any, deadline: float, timeout_s: float) -> bytes:
    """All of the body, however slowly it trickles; a time-out of the socket alone starts anew with each byte."""
    parts, size = [], 0
    while part := raw.read1(_READ_BYTES, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            text = f"the answer exceeds {MAX_BODY_BYTES >> 20} MiB; aggregate or select less"
            raise SourceError(Reason.ERROR, text, Blame.QUERY)
        if time.monotonic() > deadline:
            raise _timed_out(timeout_s)
    return b"".join(parts)
