"""bytes -> a source that gets them over a loopback connection."""

import contextlib
import json
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from incidentd import settings
from incidentd.sources.base import Answer, Answered, Question, Reason, Sample, Source, Unknown
from incidentd.sources.prometheus import PrometheusSource

AT = datetime(2026, 11, 2, 8, 0, 0, 250_000, tzinfo=UTC)
TOKEN = "tok-" + "s3cr3t" * 3
ONE = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "1"}, "value": [1, "2.5"]}]}}
ANSWERED = Answered((Sample({"a": "1"}, 2.5),))


@dataclass(frozen=True)
class Received:
    line: str
    headers: dict[str, str]
    form: dict[str, list[str]]


def http(body: bytes | str | object, status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    """A complete answer, as it goes over the wire; what is no text is sent as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


@dataclass
class Wire:
    """A loopback server that sends exactly the bytes that `answer` yields for an expression, and remembers."""

    port: int = 0
    answer: Callable[[str], Iterator[bytes]] = lambda _: iter([http(ONE)])
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    reset: bool = False
    closes: bool = False
    """What becomes of the connection after the answer; otherwise it is kept."""
    done: threading.Event = field(default_factory=threading.Event)
    """Set at the end of the test, so that nobody hangs for longer."""

    def always(self, raw: bytes) -> None:
        self.answer = lambda _: iter([raw])

    def hangs(self) -> bytes:
        self.done.wait(30)
        return b""

    def asked(self) -> list[str]:
        return [request.form["query"][0] for request in self.received]


class ResetError(ConnectionError):
    """Raised by `Wire.answer`: the connection is reset at this point, and no other."""


class Connection(socketserver.StreamRequestHandler):
    wire: Wire

    def handle(self) -> None:
        self.wire.connections += 1
        with contextlib.suppress(ConnectionError):
            while line := self.rfile.readline().decode().strip():
                self.respond(line)

    def respond(self, line: str) -> None:
        headers = {}
        while header := self.rfile.readline().decode().strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        form = parse_qs(self.rfile.read(int(headers.get("content-length", "0"))).decode())
        self.wire.received.append(Received(line, headers, form))
        reset = False
        try:
            for part in self.wire.answer(form.get("query", [""])[0]):
                self.wfile.write(part)
        except ResetError:
            reset = True
        if reset or self.wire.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        if reset or self.wire.reset or self.wire.closes:
            raise ConnectionResetError  # ends the loop of `handle`


@contextlib.contextmanager
def serving() -> Iterator[Wire]:
    """A server that runs until the end of the block."""
    wire = Wire()
    handler = type("Bound", (Connection,), {"wire": wire})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        wire.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield wire
        wire.done.set()
        server.shutdown()


@contextlib.contextmanager
def source(wire: Wire, name: str = "test", url: str = "", **config: object) -> Iterator[PrometheusSource]:
    given = {"url": url or f"http://127.0.0.1:{wire.port}", "timeout": timedelta(seconds=5), **config}
    opened = PrometheusSource(name, settings.Source.model_validate(given))
    try:
        yield opened
    finally:
        opened.close()


def ask(
    opened: Source, expressions: Iterable[str], at: datetime = AT, *, offset: timedelta = timedelta()
) -> dict[str, Answer]:
    """The answers by expression."""
    answers = opened.ask([Question(expression, offset) for expression in expressions], at)
    return {question.expr: answer for question, answer in answers.items()}


def ask_once(wire: Wire, **config: Any) -> Answer:
    with source(wire, **config) as opened:
        return ask(opened, ["up"])["up"]


def assert_unknown(answer: Answer, reason: Reason, message: str) -> None:
    """*message* is what follows the address of the source."""
    assert isinstance(answer, Unknown)
    assert (answer.reason, re.sub(r"127\.0\.0\.1:\d+: ", "", answer.message)) == (reason, message)
