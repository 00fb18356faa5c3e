"""HTTP requests on a loopback port -> a stand-in's answers, with memory and failures on demand."""

import collections
import contextlib
import http.server
import json
import socket
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

HOST = "127.0.0.1"
DEFAULT_TIMEOUT_S = 10.0
REMEMBERED_REQUESTS = 10_000

T = TypeVar("T")


class DemoError(Exception):
    """Something that runs beside the service could not do its part."""


class NotSeenError(DemoError):
    """What was expected did not happen in time. The text says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises ValueError if it is not."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as an urlencoded form; the last value of a repeated name wins."""
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8"})


def html_answer(text: str) -> Answer:
    return Answer(200, text.encode(), {"Content-Type": "text/html; charset=utf-8"})


def redirect(location: str) -> Answer:
    return Answer(303, b"", {"Location": location})


NOT_FOUND = Answer(404, b"not found\n", {"Content-Type": "text/plain"})


@dataclass(slots=True)
class _Failure:
    """What happens to the next *left* API requests whose path contains *path*."""

    left: int
    path: str
    answer: Answer | None
    """None: the work is done, then the connection is closed without an answer."""
    after_s: float = 0.0


class StandIn:
    """A loopback HTTP server that runs in threads between `start` and `stop`, or as a context manager.

    Subclasses say in `answer` what a request gets. Failures on demand meet only paths below `api`, so that the page
    for a browser stays up while "the vendor is down". API requests are answered one at a time, under `changed`.
    """

    api: ClassVar[tuple[str, ...]] = ("/",)

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self.changed = threading.Condition()
        self.received: collections.deque[tuple[Request, int]] = collections.deque(maxlen=REMEMBERED_REQUESTS)
        """API requests, oldest first, with the status they were answered with; 0 where the connection was cut."""
        self.holding = 0
        """Requests that are kept waiting now."""
        self._failures: list[_Failure] = []
        self._release = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def start(self) -> None:
        """Listen; a second start after `stop` takes the same port, with the memory kept."""
        self._release.clear()
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name=type(self).__name__, daemon=True).start()

    def stop(self) -> None:
        """Close the port and every open connection. Does nothing if not started."""
        server, self._server = self._server, None
        if server is not None:
            self._release.set()
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def fail_next(
        self,
        n: int = 1,
        *,
        status: int = 503,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        path: str = "",
    ) -> None:
        """Answer the next *n* API requests (whose path contains *path*) with *status*, without doing the work."""
        self._fail(_Failure(n, path, Answer(status, body.encode(), headers or {})))

    def hang(self, seconds: float, n: int = 1, *, path: str = "") -> None:
        """Keep the next *n* API requests waiting, then answer 504, without doing the work. `reset` lets them go."""
        self._fail(_Failure(n, path, Answer(504), seconds))

    def cut_after_accept(self, n: int = 1, *, path: str = "") -> None:
        """Do the work of the next *n* API requests, remember it, and close the connection without an answer."""
        self._fail(_Failure(n, path, None))

    def reset(self) -> None:
        """No more failures on demand, and whoever hangs is let go. The memory stays."""
        with self.changed:
            self._failures.clear()
            self._release.set()
            self._release = threading.Event()

    def wait_for(self, find: Callable[[], T | None], what: str, timeout: float = DEFAULT_TIMEOUT_S) -> T:
        """What *find* returns once it is not None; asked after every change.

        Raises NotSeenError after *timeout* seconds.
        """
        deadline = time.monotonic() + timeout
        with self.changed:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NotSeenError(f"{what} not seen within {timeout:g} s; seen: {self.seen()}")
                self.changed.wait(left)
            return found

    def seen(self) -> str:
        """What was received so far, for an error text."""
        return ", ".join(f"{r.method} {r.path} -> {status}" for r, status in self.received) or "nothing"

    def respond(self, request: Request) -> Answer | None:
        """The answer, or None if the connection is to be cut. Called in the connection's thread."""
        if not request.path.startswith(self.api):
            return self.answer(request)
        failure, release = self._take_failure(request.path)
        if failure is not None and failure.answer is not None:
            if failure.after_s:
                self._hold(release, failure.after_s)
            return self._remember(request, failure.answer)
        with self.changed:
            answer = self.answer(request)
            return self._remember(request, answer if failure is None else None)

    def _hold(self, release: threading.Event, seconds: float) -> None:
        with self.changed:
            self.holding += 1
            self.changed.notify_all()
        release.wait(seconds)
        with self.changed:
            self.holding -= 1

    def _remember(self, request: Request, answer: Answer | None) -> Answer | None:
        with self.changed:
            self.received.append((request, answer.status if answer else 0))
            self.changed.notify_all()
        return answer

    def _fail(self, failure: _Failure) -> None:
        with self.changed:
            self._failures.append(failure)

    def _take_failure(self, path: str) -> tuple[_Failure | None, threading.Event]:
        with self.changed:
            failure = next((f for f in self._failures if f.path in path), None)
            if failure is not None:
                failure.left -= 1
                if failure.left <= 0:
                    self._failures.remove(failure)
            return failure, self._release


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.connections: set[socket.socket] = set()
        super().__init__((HOST, stand_in.port), _Handler)

    def server_close(self) -> None:
        super().server_close()
        for connection in self.connections.copy():
            with contextlib.suppress(OSError):  # the peer was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that goes away is its own affair; anything else is a fault of the stand-in and is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per answer: header and body in two would wait for the peer's delayed ACK
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        answer = self.server.stand_in.respond(
            Request(
                method=self.command,
                path=urllib.parse.unquote(url.path),
                query=dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
        )
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Silent: `received` is the log."""
