"""``incidentd run``: the service."""

from __future__ import annotations

import signal
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from incidentd.cli import options

if TYPE_CHECKING:
    from incidentd.app import App


class Log(StrEnum):
    JSON = "json"
    TEXT = "text"


def run(
    config: options.Config = options.DEFAULT_CONFIG,
    log: Annotated[Log, typer.Option("--log", help="For programs, or for a person who watches.")] = Log.JSON,
) -> None:
    """Run the service until SIGTERM or Ctrl-C; SIGHUP reloads the rules, runbooks, receivers and routes."""
    from incidentd.app import STARTING_FAILS, App  # noqa: PLC0415 - what the service needs takes a second to import
    from incidentd.cli import logs  # noqa: PLC0415 - the same
    from incidentd.clock import SystemClock  # noqa: PLC0415 - the same

    logs.configure(json=log is Log.JSON)
    signals = _Signals()
    try:
        app = App(config, options.loaded(config), SystemClock())
        app.start()
    except STARTING_FAILS as exc:
        typer.echo(f"incidentd cannot start: {exc}", err=True)
        raise typer.Exit(1) from exc
    try:
        signals.serve(app)
    finally:
        app.stop()


class _Signals:
    """What was asked for. Handlers only set flags: the work is done outside of them."""

    def __init__(self) -> None:
        """SIGHUP counts from now on: a reload that comes while the service starts must not end it."""
        self._news, self._hangup, self._ending = threading.Event(), threading.Event(), threading.Event()
        signal.signal(signal.SIGHUP, lambda *_: self._note(self._hangup))

    def serve(self, app: App) -> None:
        """Reloads at SIGHUP, returns at SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, lambda *_: self._note(self._ending))
        signal.signal(signal.SIGINT, lambda *_: self._note(self._ending))
        while not self._ending.is_set():
            self._news.wait()
            self._news.clear()
            if self._hangup.is_set():
                self._hangup.clear()
                app.reload()

    def _note(self, flag: threading.Event) -> None:
        flag.set()
        self._news.set()
