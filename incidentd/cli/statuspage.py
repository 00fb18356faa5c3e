"""``incidentd statuspage``: the public page, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from incidentd.cli import options

if TYPE_CHECKING:
    from incidentd.settings import Settings
    from incidentd.store.database import Database


def statuspage(
    config: options.Config = options.DEFAULT_CONFIG,
    out: Annotated[Path | None, typer.Option("--out", help="Another folder than that of the configuration.")] = None,
) -> None:
    """Write the status page once, from what the database says; the running service does so by itself."""
    from incidentd.clock import SystemClock  # noqa: PLC0415 - beside the store
    from incidentd.statuspage.publish import Publisher, PublishError  # noqa: PLC0415 - SQLModel takes a second to import
    from incidentd.store.database import StoreError  # noqa: PLC0415 - the same

    loaded = options.loaded(config)
    folder = out or loaded.catalog.statuspage.out
    try:
        publisher = Publisher(_database(loaded.settings), lambda: loaded.catalog, loaded.settings, SystemClock())
        changed = publisher.publish(folder)
    except (PublishError, StoreError) as exc:
        typer.echo(f"the status page was not written: {exc}", err=True)
        raise typer.Exit(1) from exc
    typer.echo(f"wrote {len(changed)} files; open {folder / 'index.html'}")


def _database(settings: Settings) -> Database:
    """The database at this version's schema, never made: a page without history would say that all is well."""
    from incidentd.store.database import Database, StoreError  # noqa: PLC0415 - SQLModel takes a second to import

    database = Database(settings.database)
    path = database.url.database
    if database.is_sqlite and path and not Path(path).is_file():
        raise StoreError(f"there is no database at {path} yet; start the service once")
    database.migrate()
    return database
