"""Many rows -> few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

_Item = TypeVar("_Item")

_BATCH = 500
"""Values in one IN: far below what either database takes, and past where more of them save anything."""


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """*items* in lists that one IN can hold."""
    waiting = iter(items)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def upsert(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes *rows*, all of the same columns; one whose primary key is taken replaces these columns of what is there.
    What they refer to must have been flushed."""
    if not rows:
        return
    connection = session.connection()
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    key = [column.name for column in inspect(table).primary_key]
    replaced = {name: insert.excluded[name] for name in rows[0] if name not in key}
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=replaced), rows)
