"""``incidentd demo``: the main job, on this machine, in a minute."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _EndedError(BaseException):
    """A signal asked for the end. No Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def demo(
    unattended: Annotated[
        bool | None,
        typer.Option(
            help="Press the buttons itself, and end when the incident is resolved. "
            "That is what it does where no terminal is.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the main job on this machine: a simulated LLM service breaks, somebody is told, and takes it.

    Prometheus is a real one. Slack, PagerDuty, Jira and mail are stand-ins with pages for a browser: nothing leaves
    this machine, and nothing of it stays.
    """
    attended = _has_terminal() if unattended is None else not unattended
    typer.secho("incidentd demo: an LLM provider goes down; somebody is told, and takes it.", bold=True)
    typer.echo("Everything runs on this machine: nothing leaves it, and nothing of it stays.")
    try:
        with _signals_end_it():
            _run(attended=attended)
    except _EndedError as ended:
        typer.echo("\nThe demo has ended; nothing of it is left.")
        if not attended:
            raise typer.Exit(128 + ended.number) from None


def _run(*, attended: bool) -> None:
    import logging  # noqa: PLC0415 - beside what uses it

    from incidentd.app import STARTING_FAILS  # noqa: PLC0415 - what the service needs takes a second to import
    from incidentd.cli import logs  # noqa: PLC0415 - the same
    from incidentd.demo.server import DemoError  # noqa: PLC0415 - the same
    from incidentd.demo.story import Story  # noqa: PLC0415 - the same

    logs.configure(json=False)
    logging.getLogger().setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory(prefix="incidentd-demo-") as folder:
            story = Story(Path(folder))
            with story.running():
                story.tell(attended=attended)
                if attended:
                    story.stay()
    except (DemoError, OSError, *STARTING_FAILS) as exc:
        typer.echo(f"The demo cannot go on: {exc}", err=True)
        raise typer.Exit(1) from exc


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """The first signal raises _EndedError; those that follow are ignored, until the process has ended everything."""

    def end(number: int, frame: FrameType | None) -> None:
        for one in _ENDINGS:
            signal.signal(one, signal.SIG_IGN)
        raise _EndedError(number)

    before = {one: signal.signal(one, end) for one in _ENDINGS}
    try:
        yield
    finally:
        for one, handler in before.items():
            if signal.getsignal(one) is end:
                signal.signal(one, handler)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
