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
    try:
        app = App(config, options.loaded(config), SystemClock())
        app.start()
    except STARTING_FAILS as exc:
        typer.echo(f"incidentd cannot start: {exc}", err=True)
        raise typer.Exit(1) from exc
    try:
        _wait_for_signals(app)
    finally:
        app.stop()


def _wait_for_signals(app: App) -> None:
    """Returns at SIGTERM or SIGINT. Signals only set flags: the work is done here, outside the handlers."""
    news, hangup, ending = threading.Event(), threading.Event(), threading.Event()

    def note(flag: threading.Event) -> None:
        flag.set()
        news.set()

    signal.signal(signal.SIGTERM, lambda *_: note(ending))
    signal.signal(signal.SIGINT, lambda *_: note(ending))
    signal.signal(signal.SIGHUP, lambda *_: note(hangup))
    while not ending.is_set():
        news.wait()
        news.clear()
        if hangup.is_set():
            hangup.clear()
            app.reload()
