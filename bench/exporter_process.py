"""The exporter as its own process, so that its CPU is nobody else's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.service import BenchError, dies_with_us

_ROOT = Path(__file__).parents[1]


class ExporterProcess:
    """A context manager; *burst* as in :mod:`bench.exporter`."""

    def __init__(self, *, burst: int = 0) -> None:
        self._burst = burst
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @property
    def address(self) -> str:
        """``host:port``, as Prometheus scrapes it."""
        return self.url.removeprefix("http://")

    def __enter__(self) -> Self:
        command = [*dies_with_us(), sys.executable, "-m", "bench.exporter", "--burst", str(self._burst)]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        port = self._process.stdout.readline().strip()
        if not port:
            self._stop()
            raise BenchError("the exporter did not start")
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
