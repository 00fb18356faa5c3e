"""Rules and a Prometheus -> incidentd as its own process, as an operator starts it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from bench import rules
from bench.rules import BenchRule
from bench.scrape import Scraped
from incidentd import app
from incidentd.evaluation import rhythm
from incidentd.settings import Source

_ROOT = Path(__file__).parents[1]
_READY_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 30.0


class BenchError(Exception):
    """Something that the benchmark needs does not run; the text says what it said."""


@functools.cache
def reads_prometheus_files() -> bool:
    """Whether this version loads Prometheus' rule files as they are; else it is given equal rules in its own form."""
    with tempfile.TemporaryDirectory(prefix="incidentd-bench-") as directory:
        folder = Path(directory)
        text = rules.prometheus_file(rules.one_over_all(), 15)
        _configure(
            folder, text, prometheus="http://127.0.0.1:9", hook="http://127.0.0.1:9", every=15, pack=True, port=1
        )
        done = subprocess.run(_command("check"), cwd=folder, env=_environment(), capture_output=True, check=False)
        return done.returncode == 0


def can_switch_packing_off() -> bool:
    """Whether this version packs at all."""
    return "pack" in Source.model_fields


def learning_seconds(rules: int) -> float:
    """How long after its start the service has looked at the rhythm of so many rules. Looking costs, and is not what is
    compared: it is done again every ten minutes."""
    return -(-rules // rhythm.AT_ONCE) * app.RHYTHMS.total_seconds()


class Incidentd:
    """A context manager: the process runs and is ready inside of it, and its folder is gone after it."""

    def __init__(
        self,
        bench_rules: Sequence[BenchRule],
        *,
        prometheus: str,
        hook: str,
        every: int,
        pack: bool = True,
        follow: bool = True,
        group_by: Sequence[str] | None = None,
    ) -> None:
        """*hook* takes the notifications, *follow* says whether the slots follow the scrapes. With *group_by* the rules
        are always in our own form."""
        same_file = group_by is None and reads_prometheus_files()
        self.form = "the same rule file" if same_file else "equal rules in incidentd's own form"
        self._rules = (
            rules.prometheus_file(bench_rules, every)
            if same_file
            else rules.native_file(bench_rules, every, group_by=group_by or ())
        )
        self._options: dict[str, Any] = {
            "prometheus": prometheus,
            "hook": hook,
            "every": every,
            "pack": pack,
            "follow": follow,
        }
        self._directory = tempfile.TemporaryDirectory(prefix="incidentd-bench-")
        self._folder = Path(self._directory.name)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.start_seconds = 0.0

    @property
    def pid(self) -> int:
        assert self._process is not None  # noqa: S101 - it is used inside of the context only
        return self._process.pid

    @property
    def database(self) -> str:
        """The URL of its database."""
        return f"sqlite:///{self._folder / 'incidentd.db'}"

    def metrics(self) -> Scraped:
        return Scraped(self.url)

    def __enter__(self) -> Self:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        _configure(self._folder, self._rules, port=port, **self._options)
        begun = time.monotonic()
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*dies_with_us(), *_command("run")], cwd=self._folder, env=_environment(), stdout=log, stderr=log
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        self.start_seconds = time.monotonic() - begun
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _wait(self) -> None:
        assert self._process is not None  # noqa: S101 - it was started
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/-/healthy", timeout=1).ok:
                    return
            time.sleep(0.1)
        said = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise BenchError(f"incidentd did not start: {said}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._directory.cleanup()


def _configure(
    folder: Path,
    rule_file: str,
    *,
    prometheus: str,
    hook: str,
    every: int,
    port: int,
    pack: bool = True,
    follow: bool = True,
) -> None:
    source: dict[str, Any] = {"url": prometheus, "every": f"{every}s"}
    if can_switch_packing_off():
        source["pack"] = pack
    source["follow_scrapes"] = follow
    config = {
        "listen": f"127.0.0.1:{port}",
        "base_url": f"http://127.0.0.1:{port}",
        "rules": ["rules/"],
        "runbooks": ["runbooks/"],
        "sources": {"prometheus": source},
        "receivers": [{"name": "hook", "webhook": [{"url": hook}]}],
        "route": {"receiver": "hook"},
    }
    for name in ("rules", "runbooks"):
        (folder / name).mkdir()
    (folder / "rules" / "bench.yaml").write_text(rule_file)
    (folder / "incidentd.yaml").write_text(json.dumps(config))


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "incidentd", name, "--config", "incidentd.yaml"]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_ROOT)}


def dies_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
