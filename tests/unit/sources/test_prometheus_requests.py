import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from incidentd import metrics
from incidentd.sources.base import Reason, Unknown
from tests.unit.sources.wire import ANSWERED, ONE, TOKEN, Wire, ask, ask_once, assert_unknown, http, source


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_the_query_travels_in_the_body_of_one_post_with_the_time_of_its_slot(wire: Wire) -> None:
    expression = 'sum by (a) (rate(x{s=~"5..", t!="ü&=+%"}[5m])) > 0.5'
    with source(wire) as opened:
        assert ask(opened, [expression]) == {expression: ANSWERED}
    [request] = wire.received
    assert request.line == "POST /api/v1/query HTTP/1.1"
    assert request.form == {"query": [expression], "time": ["1793606400.250"], "timeout": ["4.500"]}
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_path_in_the_url_is_kept(wire: Wire) -> None:
    assert ask_once(wire, url=f"http://127.0.0.1:{wire.port}/select/0/Prométheus/") == ANSWERED
    assert wire.received[0].line == "POST /select/0/Prom%C3%A9theus/api/v1/query HTTP/1.1"


def test_the_token_and_further_headers_are_sent_and_netrc_and_proxies_are_not_asked(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask_once(wire, token=SecretStr(TOKEN), headers={"X-Scope-OrgID": "ai"}) == ANSWERED
    headers = wire.received[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-scope-orgid"] == "ai"


def test_credentials_in_the_url_become_basic_authentication(wire: Wire) -> None:
    assert ask_once(wire, url=f"http://anna:p%40ss@127.0.0.1:{wire.port}") == ANSWERED
    assert wire.received[0].headers["authorization"] == "Basic YW5uYTpwQHNz"


def test_a_token_comes_before_credentials_in_the_url(wire: Wire) -> None:
    assert ask_once(wire, url=f"http://anna:p%40ss@127.0.0.1:{wire.port}", token=SecretStr(TOKEN)) == ANSWERED
    assert wire.received[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "identity"),
        ("[::1]", "identity"),
        ("10.1.2.3", "identity"),
        ("192.168.0.7", "identity"),
        ("localhost", "identity"),
        ("prometheus", "identity"),
        ("prometheus.monitoring.svc", "identity"),
        ("8.8.8.8", "gzip"),
        ("prometheus.example.com", "gzip"),
    ],
)
def test_nearby_answers_are_not_compressed(wire: Wire, host: str, expected: str) -> None:
    with source(wire, url=f"http://{host}:9090") as opened:
        value = opened._client._session.headers["accept-encoding"]
    assert (value.decode() if isinstance(value, bytes) else value) == expected


def test_a_header_for_compression_that_somebody_wrote_is_sent_and_the_answer_unpacked(wire: Wire) -> None:
    wire.always(http(gzip.compress(json.dumps(ONE).encode()), Content_Encoding="gzip"))
    assert ask_once(wire, headers={"accept-encoding": "gzip"}) == ANSWERED
    assert wire.received[0].headers["accept-encoding"] == "gzip"


def test_different_expressions_are_asked_once_each_over_kept_connections(wire: Wire) -> None:
    with source(wire, concurrency=1, pack=1) as opened:
        answers = ask(opened, ["a", "b", "a", "c", "b"])
        ask(opened, ["a"])
    assert answers == {"a": ANSWERED, "b": ANSWERED, "c": ANSWERED}
    assert wire.asked() == ["a", "b", "c", "a"]
    assert wire.connections == 1


def test_as_many_are_asked_at_a_time_as_the_settings_say(wire: Wire) -> None:
    """Every answer waits until three requests are there at the same time; with two it would wait for ever."""
    together = threading.Barrier(3, timeout=5)

    def answer(_: str) -> Iterator[bytes]:
        together.wait()
        yield http(ONE)

    wire.answer = answer
    with source(wire, concurrency=3, pack=1) as opened:
        assert list(ask(opened, [f"x{n}" for n in range(6)]).values()) == [ANSWERED] * 6


def hang_for(wire: Wire, *expressions: str) -> None:
    wire.answer = lambda asked: iter([wire.hangs() if asked in expressions else http(ONE)])


def test_one_expression_that_hangs_does_not_keep_the_others_from_their_answers(wire: Wire) -> None:
    hang_for(wire, "hang")
    with source(wire, concurrency=2, timeout=timedelta(seconds=1), pack=1) as opened:
        answers = ask(opened, ["hang", *"abcdef"])
    assert_unknown(answers["hang"], Reason.TIMEOUT, "no complete answer within 1 s")
    assert [answers[name] for name in "abcdef"] == [ANSWERED] * 6


def test_after_a_time_out_nothing_more_is_asked_in_the_same_slot(wire: Wire) -> None:
    hang_for(wire, "hang")
    with source(wire, concurrency=1, timeout=timedelta(seconds=0.3), pack=1) as opened:
        answers = ask(opened, ["a", "hang", "b", "c"])
    assert wire.asked() == ["a", "hang"]
    assert answers["a"] == ANSWERED
    assert answers["b"] == answers["c"]
    assert_unknown(
        answers["b"], Reason.TIMEOUT, "not asked, as another expression had no answer: no complete answer within 0.3 s"
    )


def test_expressions_that_time_out_take_turns_behind_those_that_do_not(wire: Wire) -> None:
    """Otherwise the first of them would keep its neighbours unknown for ever."""
    hang_for(wire, "p", "q")
    with source(wire, concurrency=1, timeout=timedelta(seconds=0.3), pack=1) as opened:
        for _ in range(3):
            answers = ask(opened, ["p", "q", "a"])
        assert answers["a"] == ANSWERED
        wire.always(http(ONE))
        wire.received.clear()
        assert list(ask(opened, ["p", "q", "a"]).values()) == [ANSWERED] * 3
        ask(opened, ["p", "q", "a"])
    assert wire.asked() == ["a", "q", "p", "p", "q", "a"]


def test_an_error_of_one_expression_says_nothing_of_the_others(wire: Wire) -> None:
    wire.answer = lambda asked: iter([http("busy", 503) if asked == "a" else http(ONE)])
    with source(wire, concurrency=1, pack=1) as opened:
        answers = ask(opened, ["a", "b"])
    assert_unknown(answers["a"], Reason.ERROR, "HTTP 503: busy")
    assert answers["b"] == ANSWERED


def test_a_source_that_is_closed_finishes_what_it_has_begun_and_asks_nothing_more(wire: Wire) -> None:
    release = threading.Event()

    def answer(_: str) -> Iterator[bytes]:
        release.wait(5)
        yield http(ONE)

    wire.answer = answer
    closed = Unknown(Reason.UNREACHABLE, "the source is closed")
    with source(wire, concurrency=1, pack=1) as opened, ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, opened, ["a", "b"])
        until(lambda: wire.received)
        closing = pool.submit(opened.close)
        until(lambda: opened._closed)
        release.set()
        assert asked.result(5) == {"a": ANSWERED, "b": closed}
        closing.result(5)
        assert ask(opened, ["c"]) == {"c": closed}
    assert wire.asked() == ["a"]


def test_requests_are_counted_by_outcome_and_timed(wire: Wire) -> None:
    wire.answer = lambda asked: iter([http("busy", 503) if asked == "a" else http(ONE)])
    with source(wire, name="counted", pack=1) as opened:
        ask(opened, ["a", "b", "c"])
    value = metrics.REGISTRY.get_sample_value
    assert value("incidentd_source_requests_total", {"source": "counted", "outcome": "answered"}) == 2.0
    assert value("incidentd_source_requests_total", {"source": "counted", "outcome": "error"}) == 1.0
    assert value("incidentd_source_request_seconds_count", {"source": "counted"}) == 3.0
