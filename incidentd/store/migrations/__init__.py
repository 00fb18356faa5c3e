"""Schema versions: a connection -> the schema of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection) -> Config:
    """Alembic's configuration for *connection*, without any file outside this package."""
    configured = Config()
    configured.set_main_option("script_location", str(Path(__file__).parent))
    configured.attributes["connection"] = connection
    return configured


def upgrade(connection: Connection) -> None:
    """Applies what is missing, in the transaction of *connection*."""
    command.upgrade(config(connection), "head")
