"""``incidentd check``: the reviewer of what people author."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from incidentd.cli import options


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    config: options.Config = options.DEFAULT_CONFIG,
    form: Annotated[
        Format, typer.Option("--format", help="For people, programs, or a CI run on GitHub.")
    ] = Format.TEXT,
) -> None:
    """Check the configuration, the rules and the runbooks; warnings alone are fine."""
    from incidentd.catalog import report  # noqa: PLC0415 - pydantic and PromQL take half a second to import
    from incidentd.catalog.load import load  # noqa: PLC0415 - the same
    from incidentd.catalog.problem import CatalogError  # noqa: PLC0415 - the same

    try:
        catalog = load(config).catalog
    except CatalogError as exc:
        problems, counts, failed = exc.problems, "", True
    else:
        problems, failed = catalog.warnings, False
        numbers = {"rule": catalog.rules, "runbook": catalog.runbooks, "receiver": catalog.receivers}
        counted = [report.counted(len(found), noun) for noun, found in numbers.items()]
        counted += [f"{report.counted(catalog.recording, 'recording rule')} left out"] if catalog.recording else []
        counts = ", ".join(counted) + ": "
    writers = {Format.TEXT: report.as_text, Format.JSON: report.as_json, Format.GITHUB: report.as_annotations}
    typer.echo(writers[form](problems), nl=False)
    if form is Format.TEXT:
        typer.echo(counts + report.summary(problems))
    raise typer.Exit(1 if failed else 0)
