"""``incidentd schema``: what an editor completes and underlines."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer


class Subject(StrEnum):
    RULES = "rules"
    CONFIG = "config"
    SILENCES = "silences"


def schema(of: Annotated[Subject, typer.Argument(help="A rule file, incidentd.yaml, or a file of silences.")]) -> None:
    """Print the JSON Schema of a rule file, of incidentd.yaml, or of a file of silences."""
    from incidentd.catalog import schema as schemas  # noqa: PLC0415 - pydantic takes its time to import
    from incidentd.catalog.config import Config  # noqa: PLC0415 - the same
    from incidentd.catalog.rule_file import RuleFile  # noqa: PLC0415 - the same
    from incidentd.catalog.silence import SilenceFile  # noqa: PLC0415 - the same

    models = {Subject.RULES: RuleFile, Subject.CONFIG: Config, Subject.SILENCES: SilenceFile}
    typer.echo(json.dumps(schemas.of(models[of]), indent=2))
