"""Targets, rules and history -> a real Prometheus of our own on a free port."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from incidentd.demo.server import HOST, DemoError

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
RELOAD_TIMEOUT_S = 60.0
PORT_ATTEMPTS = 5
RETENTION = "100y"  # samples at fixed times in the past must stay
ADVICE = (
    "Install the system's package `prometheus` (`apt-get install prometheus`, `dnf install prometheus2`, "
    "`brew install prometheus`), or put `prometheus` and `promtool` of a release from prometheus.io/download "
    "on the PATH."
)


class PrometheusMissing(DemoError):  # noqa: N818 - named after what is wrong; its text says how to get it
    """A program of Prometheus is not on the PATH."""


def openmetrics(series: Mapping[str, Iterable[tuple[float, float]]]) -> str:
    """History for `Prometheus(backfill=...)`: series as PromQL writes them -> (Unix time in seconds, value)."""
    lines = [f"{name} {value!r} {at:.3f}" for name, samples in series.items() for at, value in samples]
    return "\n".join([*lines, "# EOF\n"])


class Prometheus:
    """A Prometheus server that scrapes *scrape* (job -> host:port); a context manager.

    *rules* is the text of a rule file, *backfill* OpenMetrics text with timestamps that becomes blocks before the first
    start, *flags* are further ones of its command line. Without *data_dir* everything is in a temporary directory that
    `close` removes. Raises PrometheusMissing, and DemoError when the server does not become ready. The server dies with
    the thread that started it (Linux with util-linux: the kernel sees to it).
    """

    def __init__(
        self,
        scrape: Mapping[str, str] | None = None,
        *,
        rules: str | None = None,
        scrape_interval: str = "1s",
        data_dir: Path | None = None,
        backfill: str | None = None,
        port: int = 0,
        flags: Sequence[str] = (),
    ) -> None:
        self.port = port
        self._flags = tuple(flags)
        self._wanted_port = port
        self._scrape = dict(scrape or {})
        self._rules = rules
        self._scrape_interval = scrape_interval
        self._given_dir = data_dir
        self._backfill = backfill
        self._quick_start = ["--scrape.discovery-reload-interval=10ms"]  # else the first scrape can be 5 s later still
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start and wait until it is ready. A second start after `stop` has the same port and data."""
        program = _find("prometheus")
        directory = self._prepare()
        for _ in range(PORT_ATTEMPTS):
            self.port = self._wanted_port or _free_port()
            if self._launch(program, directory):
                self._wanted_port = self.port
                return
            if "unknown long flag" in _tail(directory / "prometheus.log"):
                self._quick_start = []
            elif self._wanted_port:
                break
        raise DemoError(f"Prometheus did not start: {_tail(directory / 'prometheus.log')}")

    def stop(self) -> None:
        """End the process and reap it; the data stay. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def reload(self, rules: str | None) -> None:
        """Put this rule file in force while it runs; None takes it away. Raises DemoError when it is refused."""
        self._rules = rules
        self._prepare()
        request = urllib.request.Request(f"{self.url}/-/reload", method="POST")  # noqa: S310 - our own server
        try:
            urllib.request.urlopen(request, timeout=RELOAD_TIMEOUT_S).close()  # noqa: S310 - our own server
        except OSError as exc:
            said = _tail(self._prepare() / "prometheus.log")
            raise DemoError(f"Prometheus did not take the rules: {exc}; {said}") from exc

    def pause(self) -> None:
        """Stop the process in its tracks: connections are accepted by the kernel, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop, and remove what was temporary."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise DemoError("Prometheus does not run")
        self._process.send_signal(number)

    def _prepare(self) -> Path:
        """The directory with configuration and data, written anew at each start, except for the history."""
        directory = self._given_dir
        if directory is None:
            if self._temporary is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="incidentd-prometheus-")
            directory = Path(self._temporary.name)
        data = directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        config: dict[str, object] = {
            "global": {
                "scrape_interval": self._scrape_interval,
                "scrape_timeout": self._scrape_interval,
                "evaluation_interval": self._scrape_interval,
            },
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in self._scrape.items()
            ],
        }
        if self._rules is not None:
            (directory / "rules.yml").write_text(self._rules)
            config["rule_files"] = ["rules.yml"]
        (directory / "prometheus.yml").write_text(json.dumps(config, indent=2))
        if self._backfill is not None:
            _create_blocks(self._backfill, data)
            self._backfill = None
        return directory

    def _launch(self, program: str, directory: Path) -> bool:
        """Whether the server became ready; False if it ended before that, such as on a port that was taken."""
        command = [
            *_dies_with_us(),
            program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={HOST}:{self.port}",
            "--web.enable-lifecycle",
            "--log.level=warn",
            *self._quick_start,
            *self._flags,
        ]
        with (directory / "prometheus.log").open("wb") as log:
            # In a group of its own: a Ctrl-C on the terminal is for whoever runs us, who then ends us in order.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)
        self._process = process
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if _is_ready(self.port):
                return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                self._process = None
                return False
        self.stop()
        return False


def _find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise PrometheusMissing(f"`{program}` is not on the PATH. {ADVICE}")
    return path


def _free_port() -> int:
    """A port that was free a moment ago; Prometheus does not take port 0."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _dies_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _create_blocks(text: str, data: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "history.txt"
        source.write_text(text)
        done = subprocess.run(
            [_find("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "TMPDIR": directory},
        )
    if done.returncode:
        raise DemoError(f"promtool refused the history: {done.stderr.strip()}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])
