"""``incidentd silences``: what notifies nobody, by whom, why, and until when."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from incidentd.cli import options, silence_text

if TYPE_CHECKING:
    from incidentd.catalog.catalog import Catalog
    from incidentd.catalog.silence import Maintenance
    from incidentd.clock import Clock
    from incidentd.incidents.desk import IncidentDesk
    from incidentd.incidents.preview import Preview
    from incidentd.incidents.silencing import Draft
    from incidentd.store.database import Database

app = typer.Typer(help="Silences: what notifies nobody, by whom, why, and until when.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="In the shape of the API, for programs.")]
SilenceId = Annotated[str, typer.Argument(metavar="ID", help="Such as S-12, or the id in its file.")]
MatcherTexts = Annotated[list[str] | None, typer.Argument(metavar="MATCHERS", help="Such as 'service=\"chat\"'.")]
UntilResolved = Annotated[
    str | None, typer.Option("--until-resolved", metavar="INC", help="End with this incident; its labels by default.")
]
Everything = Annotated[bool, typer.Option("--everything", help="It is meant to match alerts without labels too.")]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a command works on: the same database as the service, which may be running."""

    database: Database
    catalog: Catalog
    desk: IncidentDesk
    clock: Clock

    @property
    def now(self) -> datetime:
        return self.clock.now()


@app.command("list")
def list_(
    *,
    expired: Annotated[bool, typer.Option("--expired", help="Those that are over as well.")] = False,
    as_json: AsJson = False,
    config: options.Config = options.DEFAULT_CONFIG,
) -> None:
    """Name the silences that mute now or later: those of files, then those that people made."""
    from incidentd.incidents import silencing  # noqa: PLC0415 - SQLModel takes a second to import
    from incidentd.routing.silence import SilenceState  # noqa: PLC0415 - the same

    with _open(config) as opened, opened.database.reading() as session:
        found = silencing.every(session, opened.catalog, opened.now)
        shown = [one for one in found if expired or one.state(opened.now) is not SilenceState.EXPIRED]
        typer.echo(silence_text.listed(shown, opened.now, as_json=as_json), nl=False)
        if not shown:
            typer.echo("there are no silences", err=True)


@app.command()
def show(silence_id: SilenceId, *, as_json: AsJson = False, config: options.Config = options.DEFAULT_CONFIG) -> None:
    """Show one silence."""
    from incidentd.incidents import silencing  # noqa: PLC0415 - SQLModel takes a second to import

    with _open(config) as opened, opened.database.reading() as session:
        found = silencing.one(session, opened.catalog, silence_id)
        if found is None:
            _fail(f"there is no silence {silence_id}; see: incidentd silences list")
        typer.echo(silence_text.shown(found, opened.now, as_json=as_json), nl=False)


@app.command()
def preview(
    matchers: MatcherTexts = None,
    *,
    until_resolved: UntilResolved = None,
    everything: Everything = False,
    as_json: AsJson = False,
    config: options.Config = options.DEFAULT_CONFIG,
) -> None:
    """Say what a silence would mute now, and what it would have muted in the last seven days. Makes none."""
    with _open(config) as opened:
        draft = _draft(matchers, until_resolved, everything=everything)
        typer.echo(silence_text.previewed(_previewed(opened, draft), as_json=as_json), nl=False)


@app.command()
def add(
    matchers: MatcherTexts = None,
    *,
    reason: Annotated[str, typer.Option("--reason", "--comment", help="Why. Required.")] = "",
    author: Annotated[str, typer.Option("--author", help="Who. The user of this machine by default.")] = "",
    lasts: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="How long, as in 2h.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="As 2026-11-20T22:00:00Z.")] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="TIME", help="Now by default.")] = None,
    until_resolved: UntilResolved = None,
    maintenance: Annotated[
        str, typer.Option("--maintenance", metavar="TITLE", help="Announce it on the status page under this title.")
    ] = "",
    component: Annotated[
        list[str] | None, typer.Option("--component", metavar="ID", help="What is maintained; may be repeated.")
    ] = None,
    message: Annotated[str, typer.Option("--message", help="What the public reads of it.")] = "",
    everything: Everything = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask after the preview.")] = False,
    as_json: AsJson = False,
    config: options.Config = options.DEFAULT_CONFIG,
) -> None:
    """Show what a silence would mute, ask, and make it. The running service honours it at once."""
    from incidentd.incidents.actor import Actor, Origin  # noqa: PLC0415 - beside the store
    from incidentd.incidents.silencing import SilenceError  # noqa: PLC0415 - SQLModel takes a second to import

    if bool(maintenance.strip()) != bool(component):
        raise typer.BadParameter("--maintenance and --component need each other")
    with _open(config) as opened:
        draft = _draft(
            matchers,
            until_resolved,
            everything=everything,
            author=author or _user(),
            reason=reason,
            starts_at=_time("--start", start),
            ends_at=_end(lasts, until, _time("--start", start) or opened.now),
            maintenance=_maintenance(maintenance, component or [], message),
        )
        typer.echo(silence_text.previewed(_previewed(opened, draft), as_json=False), nl=False, err=True)
        if not yes:
            typer.confirm("Make this silence?", abort=True, err=True)
        try:
            made = opened.desk.silence(draft, Actor(draft.author, Origin.CLI))
        except SilenceError as exc:
            _fail(str(exc))
        typer.echo(silence_text.shown(made, opened.now, as_json=as_json), nl=False)


@app.command()
def end(silence_id: SilenceId, *, as_json: AsJson = False, config: options.Config = options.DEFAULT_CONFIG) -> None:
    """End a silence now. What still fires is told to everybody within seconds."""
    from incidentd.incidents.actor import Actor, Origin  # noqa: PLC0415 - beside the store
    from incidentd.incidents.silencing import SilenceError  # noqa: PLC0415 - SQLModel takes a second to import

    with _open(config) as opened:
        try:
            ended = opened.desk.end_silence(silence_id, Actor(_user() or "somebody", Origin.CLI))
        except SilenceError as exc:
            _fail(str(exc))
        if ended is None:
            _fail(f"there is no silence {silence_id}; see: incidentd silences list")
        typer.echo(silence_text.shown(ended, opened.now, as_json=as_json), nl=False)


@contextmanager
def _open(config: options.Config) -> Iterator[_Opened]:
    from incidentd.cli import logs  # noqa: PLC0415 - structlog takes its time to import
    from incidentd.clock import SystemClock  # noqa: PLC0415 - beside the store
    from incidentd.incidents.desk import IncidentDesk  # noqa: PLC0415 - SQLModel takes a second to import

    loaded = options.loaded(config)
    database, clock = options.database(loaded), SystemClock()
    try:
        desk = IncidentDesk(database, lambda: loaded.catalog, clock, lambda: None)
        with logs.only_warnings():
            yield _Opened(database, loaded.catalog, desk, clock)
    finally:
        database.close()


def _previewed(opened: _Opened, draft: Draft) -> Preview:
    from incidentd.incidents import preview, silencing  # noqa: PLC0415 - SQLModel takes a second to import

    try:
        with opened.database.reading() as session:
            return preview.of(session, silencing.matchers_of(session, draft), opened.now)
    except silencing.SilenceError as exc:
        _fail(str(exc))


def _draft(
    matchers: list[str] | None,
    until_resolved: str | None,
    *,
    everything: bool,
    author: str = "",
    reason: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    maintenance: Maintenance | None = None,
) -> Draft:
    from incidentd.incidents.silencing import Draft  # noqa: PLC0415 - SQLModel takes a second to import
    from incidentd.labels import parse_matchers  # noqa: PLC0415 - beside it
    from incidentd.web import numbers  # noqa: PLC0415 - FastAPI takes half a second to import

    number = numbers.parse(until_resolved) if until_resolved is not None else None
    if until_resolved is not None and number is None:
        raise typer.BadParameter(f"--until-resolved: {until_resolved!r} is no incident; write 42 or INC-42")
    try:
        parsed = parse_matchers(matchers or [])
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    return Draft(
        parsed,
        author=author,
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
        until_incident=number,
        maintenance=maintenance,
        everything=everything,
    )


def _end(lasts: str | None, until: str | None, starts_at: datetime) -> datetime | None:
    from incidentd import duration  # noqa: PLC0415 - PromQL takes its time to import

    if lasts is None:
        return _time("--until", until)
    if until is not None:
        raise typer.BadParameter("--for and --until exclude each other")
    try:
        return starts_at + duration.parse(lasts)
    except ValueError as exc:
        raise typer.BadParameter(f"--for: {exc}") from exc


def _time(option: str, text: str | None) -> datetime | None:
    from incidentd.catalog.silence import moment  # noqa: PLC0415 - pydantic takes half a second to import

    if text is None:
        return None
    try:
        return moment(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{option}: {exc}") from exc


def _maintenance(title: str, components: list[str], message: str) -> Maintenance | None:
    from incidentd.catalog.silence import Maintenance  # noqa: PLC0415 - pydantic takes half a second to import

    return Maintenance(title=title, components=tuple(components), message=message) if title.strip() else None


def _user() -> str:
    """Empty where the system knows no name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)
