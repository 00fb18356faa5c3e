"""Alembic's entry point; it always runs on the connection that it is handed."""

from __future__ import annotations

from alembic import context

from incidentd.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
