"""The metrics of 200 made-up services, as a process of its own: `python -m bench.exporter`.

Counters grow with time, so nothing has to be kept up to date between scrapes. `POST /set?NAME=VALUE` sets a gauge.
The first line on standard output is the port.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

SERVICES = 200
INSTANCES = 10
"""Of each service in `pool_usage`: 2,000 series for one rule."""
_BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "+Inf")
_PER_SECOND = 20.0


class _Service:
    def __init__(self, burst: int) -> None:
        self._burst = burst
        self._begun = time.time()
        self.gauges = {"crossing": 0.0, "burst": 0.0}

    def exposition(self) -> bytes:
        elapsed = time.time() - self._begun
        lines = [f"crossing {self.gauges['crossing']:g}"]
        if self._burst:
            value = self.gauges["burst"]
            lines += [
                f'burst{{service="s{number % SERVICES:03}",instance_id="i{number}"}} {value and value + number:g}'
                for number in range(self._burst)
            ]
        else:
            for number in range(SERVICES):
                lines += _lines(number, elapsed)
        return "\n".join([*lines, ""]).encode()


def _lines(number: int, elapsed: float) -> Iterator[str]:
    """One service: requests by status, a latency histogram, and how full its pools are."""
    name = f's{number:03}"'
    served = elapsed * _PER_SECOND * (1 + number % 7)
    yield f'requests_total{{service="{name},status="200"}} {served:.3f}'
    yield f'requests_total{{service="{name},status="500"}} {served * 0.002:.3f}'
    for place, bound in enumerate(_BOUNDS, 1):
        yield f'latency_seconds_bucket{{service="{name},le="{bound}"}} {served * place / len(_BOUNDS):.3f}'
    yield f'latency_seconds_sum{{service="{name}}} {served * 0.4:.3f}'
    yield f'latency_seconds_count{{service="{name}}} {served:.3f}'
    for instance in range(INSTANCES):
        yield f'pool_usage{{service="{name},pool="p{instance}"}} {0.3 + (elapsed + instance) % 60 / 200:.4f}'


def _handler(service: _Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(service.exposition())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service.gauges |= {name: float(value) for name, value in parse_qsl(urlsplit(self.path).query)}
            self._answer(b"{}")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Quiet."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--burst", type=int, default=0, help="so many series of `burst`, and nothing else")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(_Service(parser.parse_args().burst)))
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
