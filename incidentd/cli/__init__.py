"""The command line: one module a command."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

import incidentd
from incidentd.cli import check, demo, init, run, schema, silences, statuspage, token

app = typer.Typer(
    help="Alerting and incident response: rules in git, incidents with runbooks, pages that are never lost.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("init")(init.init)
app.command("schema")(schema.schema)
app.command("statuspage")(statuspage.statuspage)
app.add_typer(silences.app, name="silences")
app.add_typer(token.app, name="token")
app.command("demo")(demo.demo)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer passes the flag
    if wanted:
        typer.echo(f"incidentd {incidentd.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,  # noqa: FBT002 - a flag
) -> None:
    pass


def main() -> None:
    """Run the command that the arguments name. Exits 0 when all is fine, 1 when something is wrong, 2 on wrong use."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without UTF-8 shows `?`, and nothing fails for it
    app()
