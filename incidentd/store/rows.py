"""Many rows -> one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

_PARAMETERS_AT_ONCE = 20_000
"""SQLite takes 32,766 in one statement, PostgreSQL 65,535."""


def upsert(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts *rows* of *table*; where the primary key is there already, the other columns become those of the row.
    All rows name the same columns."""
    if not rows:
        return
    session.flush()
    connection = session.connection()
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    keys = [column.name for column in inspect(table).primary_key]
    at_once = max(1, _PARAMETERS_AT_ONCE // len(rows[0]))
    for start in range(0, len(rows), at_once):
        statement = insert(table).values(list(rows[start : start + at_once]))
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
