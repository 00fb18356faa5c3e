import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from incidentd.demo.server import Answer, NotSeenError, Request, StandIn, json_answer


class Counter(StandIn):
    api = ("/api/",)
    work = 0

    def answer(self, request: Request) -> Answer:
        if not request.path.startswith("/api/"):
            return json_answer({"page": True})
        self.work += 1
        return json_answer({"work": self.work, "said": request.form(), "asked": dict(request.query)})


@pytest.fixture
def server() -> Iterator[Counter]:
    with Counter() as running:
        yield running


def post(server: StandIn, path: str = "/api/x", timeout: float = 5) -> requests.Response:
    return requests.post(server.url + path, data={"a": "é"}, timeout=timeout)


def test_it_hands_on_query_and_form(server: Counter) -> None:
    assert post(server, "/api/x?q=1").json() == {"work": 1, "said": {"a": "é"}, "asked": {"q": "1"}}


def test_failures_on_demand_do_no_work_and_spare_the_page(server: Counter) -> None:
    server.fail_next(2, status=429, headers={"Retry-After": "3"}, body="slow down")
    assert requests.get(server.url, timeout=5).json() == {"page": True}
    first = post(server)
    assert (first.status_code, first.headers["Retry-After"], first.text) == (429, "3", "slow down")
    assert post(server).status_code == 429
    assert post(server).json()["work"] == 1
    assert [status for _, status in server.received] == [429, 429, 200]


def test_a_failure_can_be_meant_for_one_path(server: Counter) -> None:
    server.fail_next(path="update")
    assert post(server, "/api/post").status_code == 200
    assert post(server, "/api/update").status_code == 503
    assert post(server, "/api/update").status_code == 200


def test_a_cut_connection_has_done_the_work(server: Counter) -> None:
    server.cut_after_accept()
    with pytest.raises(requests.ConnectionError):
        post(server)
    assert server.work == 1
    assert post(server).json()["work"] == 2


def test_whoever_hangs_is_let_go_by_reset_and_by_stop(server: Counter) -> None:
    server.hang(60)
    with pytest.raises(requests.ReadTimeout):
        post(server, timeout=0.1)
    for let_go in (server.reset, server.stop):
        server.hang(60)
        answers: list[int] = []
        waiting = threading.Thread(target=lambda into: into.append(status_of(server)), args=(answers,))
        waiting.start()
        while server._failures:
            time.sleep(0.001)
        let_go()
        waiting.join(5)
        assert not waiting.is_alive()
    assert server.work == 0


def status_of(server: StandIn) -> int:
    try:
        return post(server).status_code
    except requests.ConnectionError:
        return 0


def test_reset_forgets_failures_and_keeps_the_memory(server: Counter) -> None:
    post(server)
    server.fail_next(5)
    server.reset()
    assert post(server).json()["work"] == 2


def test_a_stopped_server_closes_kept_connections_and_starts_again_on_its_port(server: Counter) -> None:
    with requests.Session() as session:
        assert session.get(server.url, timeout=5).ok
        port = server.port
        server.stop()
        with pytest.raises(requests.ConnectionError):
            session.get(server.url, timeout=5)
        server.start()
        assert server.port == port
        assert session.get(server.url, timeout=5).ok


def test_waiting_ends_when_it_happens_and_says_what_was_seen_when_it_does_not(server: Counter) -> None:
    threading.Timer(0.05, post, [server]).start()
    assert server.wait_for(lambda: server.work or None, "work", timeout=5) == 1
    with pytest.raises(NotSeenError, match=r"more work not seen within 0\.01 s; seen: POST /api/x -> 200"):
        server.wait_for(lambda: None, "more work", timeout=0.01)


def test_a_peer_that_goes_away_makes_no_noise(server: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
        peer.sendall(b"POST /api/x HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
    assert requests.get(server.url, timeout=5).ok
    assert capsys.readouterr().err == ""
