"""A context -> the application, and a thread that serves it."""

from __future__ import annotations

import errno
import socket
import threading

import uvicorn
from fastapi import FastAPI

from incidentd import __version__
from incidentd.web import api, health, pagerduty, pages, problems, prometheus_api, sign_in, silences, slack, status
from incidentd.web.auth import Attempts
from incidentd.web.context import WebContext
from incidentd.web.middleware import BoundedBody, SecurityHeaders
from incidentd.web.templates import Pages

_GRACE_SECONDS = 10
_BACKLOG = 512
_POLL_SECONDS = 0.01
_HINTS = {
    errno.EADDRINUSE: "; is another incidentd running? Stop it, or set `listen` to another port",
    errno.EADDRNOTAVAIL: "; set `listen` to an address of this machine",
    errno.EACCES: "; set `listen` to a port above 1023",
}


class ListenError(Exception):
    """The service cannot listen where it is told to."""


def build(context: WebContext) -> FastAPI:
    """Every endpoint, over *context*."""
    app = FastAPI(
        title="incidentd",
        version=__version__,
        description="Incidents, and what people do about them. Reading is open; every change needs an API token.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    app.state.attempts = Attempts(context.clock)
    app.state.pages = Pages(context.settings.templates)
    problems.install(app)
    app.add_middleware(BoundedBody)
    app.add_middleware(SecurityHeaders)
    for module in (api, silences, prometheus_api, health, slack, pagerduty, status, sign_in, pages):
        app.include_router(module.ROUTER)
    return app


class Server:
    """One listening socket, served by a thread of its own."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """Does nothing yet. With *port* 0 the system chooses one."""
        self._host = host
        self.port = port
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Returns once requests are answered; :attr:`port` is then the real one. Raises ListenError."""
        listening = _listen(self._host, self.port)
        self.port = listening.getsockname()[1]
        thread = threading.Thread(target=self._uvicorn.run, args=([listening],), name="web", daemon=True)
        thread.start()
        while not self._uvicorn.started:
            thread.join(_POLL_SECONDS)
            if not thread.is_alive():
                raise ListenError("the web server ended while it started; see the log")
        self._thread = thread

    def stop(self) -> None:
        """Accepts nothing more, finishes what runs within some seconds, and returns. Harmless when not started."""
        if self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join(2 * _GRACE_SECONDS)
            self._thread = None


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=_BACKLOG)
    except OSError as exc:
        # Python adds the address to the system's words, in brackets.
        reason = str(exc.strerror or exc).partition(" (")[0]
        raise ListenError(f"cannot listen on {host}:{port}: {reason}{_HINTS.get(exc.errno or 0, '')}") from exc
