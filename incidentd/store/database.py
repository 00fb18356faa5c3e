"""A database URL -> transactions."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from alembic.util import CommandError
from sqlalchemy import Engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlmodel import Session, create_engine

from incidentd.store import migrations

__all__ = ["Database", "Session", "StoreError"]

_BUSY_TIMEOUT_MS = 10_000
_ADVICE = "its folder must exist, and this user must be able to write there"


class StoreError(Exception):
    """The database cannot be used; the text says why and what to do."""


class Database:
    """One database, SQLite or PostgreSQL. Thread-safe; a session belongs to one thread."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Raises StoreError when *url* is none."""
        try:
            self.url = make_url(url)
        except ArgumentError as exc:
            raise StoreError(
                f"{url.rsplit('@', 1)[-1]!r} is not a database URL; "
                "write sqlite:///incidentd.db or postgresql+psycopg://user@host/name"
            ) from exc
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._lock: IO[str] | None = None
        self.engine = _engine(self.url.render_as_string(hide_password=False), sqlite=self.is_sqlite)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end and rolls back on any exception. On SQLite writers take turns."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries that never waits for writers; what is changed in it is lost."""
        with Session(self.engine.execution_options(read_only=True), expire_on_commit=False) as session:
            yield session

    def migrate(self) -> None:
        """Brings the schema to this version's; creates it in an empty database. Raises StoreError."""
        try:
            with self.engine.begin() as connection:
                migrations.upgrade(connection)
        except CommandError as exc:
            raise StoreError(
                f"{self.url.render_as_string()} was written by a newer incidentd ({exc}); start that version, "
                "or restore the copy from before the upgrade"
            ) from exc
        except SQLAlchemyError as exc:
            raise StoreError(f"{self.url.render_as_string()} cannot be opened or migrated: {self._why(exc)}") from exc

    def claim_for_this_process(self) -> None:
        """Refuses, with StoreError, a second service on one SQLite file; PostgreSQL is shared by leases instead."""
        path = self.url.database
        if not self.is_sqlite or not path or path == ":memory:":
            return
        try:
            lock = Path(f"{path}.lock").open("a", encoding="utf-8")  # noqa: SIM115 - held until close()
        except OSError as exc:
            raise StoreError(f"{path}.lock cannot be written: {exc.strerror}; {_ADVICE}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.close()
            raise StoreError(
                f"another incidentd uses {path}; stop it, give this one another database, or move to PostgreSQL"
            ) from exc
        self._lock = lock

    def _why(self, error: SQLAlchemyError) -> str:
        """What the driver says, without SQLAlchemy's wrapping; on SQLite with what to do."""
        said = str(getattr(error, "orig", None) or error).strip()
        hint = self.is_sqlite and said.startswith(("unable to open", "attempt to write a readonly"))
        return f"{said}; {_ADVICE}" if hint else said

    def close(self) -> None:
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _engine(url: str, *, sqlite: bool) -> Engine:
    if not sqlite:
        try:
            return create_engine(url, pool_pre_ping=True)
        except (ModuleNotFoundError, SQLAlchemyError) as exc:
            raise StoreError(
                f"no driver for this database: {exc}; install incidentd[postgresql] and write postgresql+psycopg://"
            ) from exc
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """FULL, because what was promised to somebody must survive the loss of power."""
    connection.isolation_level = None  # the driver's own transactions lose updates; see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
