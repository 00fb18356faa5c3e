import gzip
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from incidentd.sources import transport
from incidentd.sources.base import Reason, Unknown
from tests.unit.sources.wire import ONE, TOKEN, Wire, ask_once, assert_unknown, http

PROMETHEUS_ERROR = {"status": "error", "errorType": "execution", "error": "multiple matches for labels"}


@pytest.mark.parametrize(
    ("raw", "reason", "message"),
    [
        (http(PROMETHEUS_ERROR, 422), "error", "HTTP 422: execution: multiple matches for labels"),
        (http(PROMETHEUS_ERROR), "error", "HTTP 200: execution: multiple matches for labels"),
        (http({"status": "error"}, 400), "error", 'HTTP 400: {"status": "error"}'),
        (http("[1]", 400), "error", "HTTP 400: [1]"),
        (http("Unauthorized\n", 401), "error", "HTTP 401: Unauthorized"),
        (http("slow down", 429, Retry_After="60"), "error", "HTTP 429: slow down"),
        (http("", 500), "error", "HTTP 500: no text"),
        (http("<html><h1>502 Bad\r\nGateway</h1></html>", 502), "error", "HTTP 502: 502 Bad Gateway"),
        (http("busy", 503), "error", "HTTP 503: busy"),
        (
            http({"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"}, 503),
            "timeout",
            "HTTP 503: timeout: query timed out in expression evaluation",
        ),
        (http("x" * 5000, 500), "error", "HTTP 500: " + "x" * 270 + "..."),
        (http(b"\xff\x00", 500), "error", "HTTP 500: \ufffd\x00"),
        (http({**ONE, "warnings": ["store a is down"]}), "partial", "the answer came with warnings: store a is down"),
        (
            http(" <!doctype html><title>Sign in</title>", kind="text/html"),
            "malformed",
            "answered a page of HTML (a login page or a proxy's?)",
        ),
        (
            http("", 302, Location="https://u:p@sso.example.com/login?next=x"),
            "malformed",
            "redirects to sso.example.com/login",
        ),
        (http("", 307, Location="http://[oops"), "malformed", "redirects to an invalid address"),
        (http('{"status": "succ'), "malformed", "answered no valid JSON"),
        (http(""), "malformed", "answered no valid JSON"),
        (
            http(b"not gzip", Content_Encoding="gzip"),
            "malformed",
            "the answer is compressed and cannot be decompressed",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed", "does not answer in HTTP"),
    ],
)
def test_whatever_the_server_answers_is_named_after_one_attempt(
    wire: Wire, raw: bytes, reason: str, message: str
) -> None:
    wire.always(raw)
    assert ask_once(wire) == Unknown(Reason(reason), f"127.0.0.1:{wire.port}: {message}"[:300])
    assert len(wire.received) == 1


@pytest.mark.parametrize("sent", [b"", http(ONE)[:-20]])
def test_a_connection_that_is_reset_is_an_unreachable_source(wire: Wire, sent: bytes) -> None:
    wire.always(sent)
    wire.reset = True
    assert_unknown(ask_once(wire), Reason.UNREACHABLE, "cannot be reached: Connection reset by peer")
    assert len(wire.received) == 1


@pytest.mark.parametrize(
    "sent",
    [http(ONE)[:-20], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"],
    ids=["length", "chunked"],
)
def test_a_body_that_ends_too_early_is_malformed(wire: Wire, sent: bytes) -> None:
    wire.always(sent)
    wire.closes = True
    assert_unknown(ask_once(wire), Reason.MALFORMED, "the answer ended in the middle of its body")


def test_a_connection_that_closes_without_an_answer_is_an_unreachable_source(wire: Wire) -> None:
    wire.always(b"")
    wire.closes = True
    assert_unknown(ask_once(wire), Reason.UNREACHABLE, "cannot be reached: the connection was closed before the answer")


def test_nobody_at_the_port_is_an_unreachable_source(wire: Wire) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = ask_once(wire, url=f"http://127.0.0.1:{free.getsockname()[1]}")
    assert_unknown(answer, Reason.UNREACHABLE, "cannot be reached: Connection refused")


def test_a_name_that_nobody_knows_is_an_unreachable_source(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def unknown(*address: object) -> None:
        tried.append(address[:2])
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = ask_once(wire, url="http://prometheus.invalid:9090")
    assert answer == Unknown(
        Reason.UNREACHABLE, "prometheus.invalid:9090: cannot be reached: Name or service not known"
    )
    assert tried == [("prometheus.invalid", 9090)]


def test_a_server_without_tls_is_an_unreachable_source_under_https(wire: Wire) -> None:
    answer = ask_once(wire, url=f"https://127.0.0.1:{wire.port}", timeout=timedelta(seconds=1))
    assert isinstance(answer, Unknown)
    assert answer.reason in {Reason.UNREACHABLE, Reason.TIMEOUT}


def test_an_answer_beyond_the_size_limit_is_not_kept(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 2**20)
    wire.always(http(gzip.compress(b" " * 2**24), Content_Encoding="gzip"))
    assert_unknown(ask_once(wire), Reason.ERROR, "the answer exceeds 1 MiB; aggregate or select less")


@pytest.mark.parametrize("first", [b"", http(ONE)[:-20]], ids=["before the answer", "in its body"])
def test_a_server_that_hangs_is_a_time_out(wire: Wire, first: bytes) -> None:
    def answer(_: str) -> Iterator[bytes]:
        yield first
        yield wire.hangs()

    wire.answer = answer
    assert_unknown(ask_once(wire, timeout=timedelta(seconds=0.3)), Reason.TIMEOUT, "no complete answer within 0.3 s")
    assert len(wire.received) == 1


def test_a_body_that_trickles_is_a_time_out_though_every_byte_is_in_time(wire: Wire) -> None:
    def answer(_: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        while not wire.done.wait(0.05):
            yield b" "

    wire.answer = answer
    assert_unknown(ask_once(wire, timeout=timedelta(seconds=0.3)), Reason.TIMEOUT, "no complete answer within 0.3 s")


@pytest.mark.parametrize("raw", [http(f"no {TOKEN} p@ss YW5uYTpwQHNz key-12345", 401), b""], ids=["echo", "nothing"])
@pytest.mark.parametrize(
    "token", [None, SecretStr(TOKEN), SecretStr(f" \r\n{TOKEN}")], ids=["basic", "bearer", "unsendable"]
)
def test_no_secret_gets_into_a_message(wire: Wire, raw: bytes, token: SecretStr | None) -> None:
    wire.always(raw)
    wire.closes = True
    url = f"http://anna:p%40ss@127.0.0.1:{wire.port}"
    answer = ask_once(wire, url=url, token=token, headers={"X-Api-Key": "key-12345"})
    assert isinstance(answer, Unknown)
    given = ["s3cr3t"] if token else ["p@ss", "p%40ss", "YW5uYTpwQHNz"]
    assert [secret for secret in [*given, "key-12345"] if secret in answer.message] == []


def test_a_token_that_cannot_be_sent_says_where_to_look(wire: Wire) -> None:
    answer = ask_once(wire, token=SecretStr(f"{TOKEN}\nx"))
    assert_unknown(answer, Reason.ERROR, "the request cannot be made; check the source's url, headers and token")
    assert wire.received == []
