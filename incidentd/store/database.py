"""A database URL -> transactions."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlmodel import Session, create_engine

from incidentd.store import migrations

__all__ = ["Database", "Session", "StoreError"]

_BUSY_TIMEOUT_MS = 10_000
_ADVISORY_LOCK = int.from_bytes(b"incident")
"""The key of the lock on PostgreSQL: any number that is ours."""
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
        self._held = ExitStack()
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
        """Refuses, with StoreError, a second service on one database: both would evaluate, and page. Held until
        :meth:`close`, or the end of the process."""
        taken = self._lock_file() if self.is_sqlite else self._lock_session()
        if taken:
            where = self.url.database if self.is_sqlite else self.url.render_as_string()
            raise StoreError(f"another incidentd uses {where}; stop it, or give this one another database")

    def _lock_file(self) -> bool:
        """Whether somebody else holds the lock beside the SQLite file; it is ours otherwise."""
        path = self.url.database
        if not path or path == ":memory:":
            return False
        try:
            lock = Path(f"{path}.lock").open("a", encoding="utf-8")  # noqa: SIM115 - held until close()
        except OSError as exc:
            raise StoreError(f"{path}.lock cannot be written: {exc.strerror}; {_ADVICE}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return True
        self._held.callback(lock.close)
        return False

    def _lock_session(self) -> bool:
        """The same on PostgreSQL, by an advisory lock that a connection of its own holds."""
        try:
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.execute(select(func.pg_try_advisory_lock(_ADVISORY_LOCK))).scalar_one():
                self._held.callback(connection.close)
                return False
            connection.close()
        except SQLAlchemyError as exc:
            raise StoreError(f"{self.url.render_as_string()} cannot be used: {self._why(exc)}") from exc
        return True

    def _why(self, error: SQLAlchemyError) -> str:
        """What the driver says, without SQLAlchemy's wrapping; on SQLite with what to do."""
        said = str(getattr(error, "orig", None) or error).strip()
        hint = self.is_sqlite and said.startswith(("unable to open", "attempt to write a readonly"))
        return f"{said}; {_ADVICE}" if hint else said

    def close(self) -> None:
        self._held.close()
        self.engine.dispose()


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
