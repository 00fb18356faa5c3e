import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from incidentd.demo.prometheus import Prometheus, PrometheusMissing, openmetrics
from incidentd.demo.server import Answer, DemoError, Request, StandIn

pytestmark = pytest.mark.integration


class Exporter(StandIn):
    def answer(self, request: Request) -> Answer:
        return Answer(200, b"llm_up 1\n", {"Content-Type": "text/plain; version=0.0.4"})


def ask(prometheus: Prometheus, query: str, time: float | None = None) -> list[list[object]]:
    answer = requests.get(f"{prometheus.url}/api/v1/query", params={"query": query, "time": time}, timeout=5).json()
    return [series["value"] for series in answer["data"]["result"]]


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as running:
        yield running


def test_it_scrapes_what_it_is_told_to(exporter: Exporter) -> None:
    with Prometheus({"llm": f"127.0.0.1:{exporter.port}"}) as prometheus:
        exporter.wait_for(lambda: len(exporter.received) >= 2 or None, "two scrapes")
        assert ask(prometheus, 'count_over_time(llm_up{job="llm"}[1m])')[0][1] in {"1", "2", "3"}


def test_history_can_be_asked_at_fixed_times_in_the_past_and_outlives_a_restart() -> None:
    text = openmetrics({'llm_errors{service="a"}': [(1_700_000_000 + 15 * i, float(i)) for i in range(1000)]})
    with Prometheus(backfill=text) as prometheus:
        assert ask(prometheus, "llm_errors", time=1_700_001_500) == [[1700001500, "100"]]
        port = prometheus.port
        prometheus.stop()
        with pytest.raises(requests.ConnectionError):
            ask(prometheus, "llm_errors")
        prometheus.start()
        assert prometheus.port == port
        assert ask(prometheus, "llm_errors", time=1_700_001_500) == [[1700001500, "100"]]


def test_rules_are_put_in_force_and_taken_away_while_it_runs(exporter: Exporter) -> None:
    with Prometheus() as prometheus:
        rules = f"{prometheus.url}/api/v1/rules"
        prometheus.reload('{"groups": [{"name": "g", "rules": [{"alert": "Up", "expr": "vector(1)"}]}]}')
        assert [group["name"] for group in requests.get(rules, timeout=5).json()["data"]["groups"]] == ["g"]
        prometheus.reload(None)
        assert requests.get(rules, timeout=5).json()["data"]["groups"] == []
        with pytest.raises(DemoError, match="did not take the rules"):
            prometheus.reload("nonsense: [")


def test_a_paused_server_accepts_but_does_not_answer_until_it_is_resumed() -> None:
    with Prometheus() as prometheus:
        prometheus.pause()
        with pytest.raises(requests.ReadTimeout):
            requests.get(prometheus.url, timeout=0.3)
        prometheus.resume()
        assert ask(prometheus, "vector(7)")[0][1] == "7"


def test_nothing_is_left_when_it_is_closed_even_if_it_was_paused() -> None:
    with Prometheus() as prometheus:
        pid = prometheus.pid
        assert pid
        directory = Path(f"/proc/{pid}/cmdline").read_text().split("--config.file=")[1].split("\0")[0]
        prometheus.pause()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not Path(directory).parent.exists()


def test_it_dies_with_the_process_that_started_it() -> None:
    """Also when that one is killed and can clean up nothing, even while it is paused."""
    script = (
        "import os, signal; from incidentd.demo.prometheus import Prometheus; "
        "p = Prometheus(); p.start(); p.pause(); print(p.pid, p._temporary.name, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    pid, directory = done.stdout.split()
    shutil.rmtree(directory)
    deadline = time.monotonic() + 10
    while alive(int(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """A zombie that nobody has reaped yet is dead."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_given_directory_keeps_its_data(tmp_path: Path) -> None:
    prometheus = Prometheus(data_dir=tmp_path, backfill=openmetrics({"old": [(1_700_000_000, 7.0)]}))
    with prometheus:
        pass
    with pytest.raises(DemoError, match="does not run"):
        prometheus.pause()
    with Prometheus(data_dir=tmp_path) as again:
        assert ask(again, "old", time=1_700_000_000) == [[1700000000, "7"]]


def test_a_broken_rule_file_says_so() -> None:
    with pytest.raises(DemoError, match=r"rules\.yml"), Prometheus(rules="groups: [{name: g, rules: [{expr: '('}]}]"):
        pass


def test_a_port_that_is_taken_is_an_error_when_it_was_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DemoError, match="address already in use"), Prometheus(port=taken.getsockname()[1]):
            pass


def test_an_older_version_starts_without_the_flag_that_it_does_not_know() -> None:
    prometheus = Prometheus()
    prometheus._quick_start = ["--no-such-flag=1"]
    with prometheus:
        assert ask(prometheus, "vector(7)")[0][1] == "7"


def test_without_the_program_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PrometheusMissing, match="apt-get install prometheus"), Prometheus():
        pass


def test_history_that_promtool_cannot_read_is_refused() -> None:
    with pytest.raises(DemoError, match="promtool refused"), Prometheus(backfill="not openmetrics"):
        pass
