"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from incidentd.catalog.load import Loaded
    from incidentd.store.database import Database

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration.")]
DEFAULT_CONFIG = Path("incidentd.yaml")


def loaded(config: Path) -> Loaded:
    """The configuration, for a command that needs it whole. Prints what is wrong and ends the command otherwise."""
    from incidentd.catalog import report  # noqa: PLC0415 - pydantic and PromQL take half a second to import
    from incidentd.catalog.load import load  # noqa: PLC0415 - the same
    from incidentd.catalog.problem import CatalogError  # noqa: PLC0415 - the same

    try:
        return load(config)
    except CatalogError as exc:
        typer.echo(report.as_text(exc.problems) + report.summary(exc.problems), err=True)
        raise typer.Exit(1) from exc


def database(configured: Loaded) -> Database:
    """The database at this version's schema; the service may be running on it. Says why not and ends the command
    otherwise."""
    from incidentd.store.database import Database, StoreError  # noqa: PLC0415 - SQLModel takes a second to import

    try:
        opened = Database(configured.settings.database)
        opened.migrate()
    except StoreError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(1) from exc
    return opened
