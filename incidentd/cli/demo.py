"""``incidentd demo``: the main job, on this machine, in a minute."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer


def demo(
    unattended: Annotated[
        bool,
        typer.Option(help="Press the buttons, and end when the incident is resolved. So without a terminal."),
    ] = not sys.stdin.isatty(),
) -> None:
    """Show the main job: a simulated LLM service, a real Prometheus, stand-ins for Slack, PagerDuty, Jira and mail."""
    import logging  # noqa: PLC0415 - beside what uses it

    from incidentd.app import STARTING_FAILS  # noqa: PLC0415 - what the service needs takes a second to import
    from incidentd.cli import logs  # noqa: PLC0415 - the same
    from incidentd.demo.server import DemoError  # noqa: PLC0415 - the same
    from incidentd.demo.story import Story  # noqa: PLC0415 - the same

    logs.configure(json=False)
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="incidentd-demo-") as folder:
        story = Story(Path(folder))
        try:
            with story.running():
                story.tell(attended=not unattended)
                if not unattended:
                    story.stay()
        except KeyboardInterrupt:
            typer.echo("\nThe demo has ended; nothing of it is left.")
        except (DemoError, *STARTING_FAILS) as exc:
            typer.echo(f"The demo cannot go on: {exc}", err=True)
            raise typer.Exit(1) from exc
