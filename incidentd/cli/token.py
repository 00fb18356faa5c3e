"""``incidentd token``: who may change something over HTTP."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from incidentd.cli import options

app = typer.Typer(help="API tokens: who may change something over HTTP.", no_args_is_help=True)
_MAX_NAME = 80


def _name(name: str) -> str:
    """It stands in timelines and in `token list`, one line each."""
    if not name.strip() or not name.isprintable() or len(name) > _MAX_NAME:
        raise typer.BadParameter(f"write 1 to {_MAX_NAME} characters on one line, such as anna or ci")
    return name.strip()


Name = Annotated[str, typer.Argument(help="Whose token it is: a person, a script.")]
NewName = Annotated[str, typer.Argument(help="Whose token it will be: a person, a script.", callback=_name)]


@app.command()
def create(name: NewName, config: options.Config = options.DEFAULT_CONFIG) -> None:
    """Make a token and print it, this once: only its digest is stored."""
    from incidentd.clock import SystemClock  # noqa: PLC0415 - beside the store
    from incidentd.store import tokens  # noqa: PLC0415 - SQLModel takes a second to import

    with options.database(options.loaded(config)).transaction() as session:
        token = tokens.create(session, name, SystemClock().now())
    if token is None:
        typer.echo(
            f"there is a token of {name!r} already; revoke it first: incidentd token revoke {shlex.quote(name)}",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(token)
    typer.echo("Keep it: it is not shown again. Sign in with it, or send it as `Authorization: Bearer`.", err=True)


@app.command("list")
def list_(config: options.Config = options.DEFAULT_CONFIG) -> None:
    """Name the tokens, with the time when each was made."""
    from incidentd.store import tokens  # noqa: PLC0415 - SQLModel takes a second to import

    with options.database(options.loaded(config)).reading() as session:
        found = tokens.list_all(session)
        if not found:
            typer.echo("there are no tokens; make one: incidentd token create NAME", err=True)
        for one in found:
            typer.echo(f"{one.name}\t{one.created_at:%Y-%m-%dT%H:%M:%SZ}")


@app.command()
def revoke(name: Name, config: options.Config = options.DEFAULT_CONFIG) -> None:
    """Make a token worthless, and sign out the browsers that used it."""
    from incidentd.store import tokens  # noqa: PLC0415 - SQLModel takes a second to import

    with options.database(options.loaded(config)).transaction() as session:
        found = tokens.revoke(session, name)
    if not found:
        typer.echo(f"there is no token of {name!r}; see: incidentd token list", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked {name}")
