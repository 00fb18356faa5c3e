"""``incidentd schema``: what an editor completes and underlines."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer


class Subject(StrEnum):
    RULES = "rules"
    CONFIG = "config"


def schema(of: Annotated[Subject, typer.Argument(help="A rule file, or incidentd.yaml.")]) -> None:
    """Print the JSON Schema of a rule file or of incidentd.yaml."""
    from incidentd.catalog import schema as schemas  # noqa: PLC0415 - pydantic takes its time to import
    from incidentd.catalog.config import Config  # noqa: PLC0415 - the same
    from incidentd.catalog.rule_file import RuleFile  # noqa: PLC0415 - the same

    models = {Subject.RULES: RuleFile, Subject.CONFIG: Config}
    typer.echo(json.dumps(schemas.of(models[of]), indent=2))
