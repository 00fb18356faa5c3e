"""Silences and previews -> what a terminal, or a program, is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from incidentd.incidents.preview import IncidentSeen, Preview
    from incidentd.routing.silence import Silence

_MOST_SHOWN = 10


def listed(silences: Sequence[Silence], now: datetime, *, as_json: bool) -> str:
    """One line each, between tabs: id, state, end, matchers, author, reason."""
    from incidentd.web.silence_models import SilenceList, silence_out  # noqa: PLC0415 - pydantic takes half a second

    if as_json:
        return SilenceList(silences=[silence_out(one, now) for one in silences]).model_dump_json(indent=2) + "\n"
    lines = (
        "\t".join((one.id, one.state(now).value, _end(one), str(one.matchers), one.author, one.reason))
        for one in silences
    )
    return "".join(f"{line}\n" for line in lines)


def shown(silence: Silence, now: datetime, *, as_json: bool) -> str:
    """Everything about one silence."""
    from incidentd.web.silence_models import silence_out  # noqa: PLC0415 - pydantic takes half a second

    if as_json:
        return silence_out(silence, now).model_dump_json(indent=2) + "\n"
    lines = [
        f"{silence.id} is {silence.state(now)}",
        f"matches  {silence.matchers}",
        f"author   {silence.author}",
        f"reason   {silence.reason}",
        f"begins   {_time(silence.starts_at)}",
        f"ends     {_end(silence)}",
    ]
    if silence.maintenance is not None:
        lines.append(f"public   {silence.maintenance.title}: {', '.join(silence.maintenance.components)}")
    if silence.ended_at is not None:
        lines.append(f"ended    {_time(silence.ended_at)} by {silence.ended_by}")
    return "".join(f"{line}\n" for line in lines)


def previewed(preview: Preview, *, as_json: bool) -> str:
    """What it would mute now, and would have muted in the last seven days."""
    from incidentd.web.silence_models import preview_out  # noqa: PLC0415 - pydantic takes half a second

    if as_json:
        return preview_out(preview).model_dump_json(indent=2) + "\n"
    return "".join(f"{line}\n" for line in _preview_lines(preview))


def _preview_lines(preview: Preview) -> Iterator[str]:
    alerts, opened = _counted(preview.alert_count, "alert"), _counted(preview.open_count, "open incident")
    yield f"{preview.matchers} mutes now: {alerts} pending or firing, {opened}"
    for alert in preview.alerts[:_MOST_SHOWN]:
        labels = ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        yield f"  {alert.phase}  {labels}"
    yield from _incidents(preview.open_incidents)
    more = "" if preview.is_complete else "at least "
    yield (
        f"in the last 7 days: {more}{_counted(preview.past_count, 'incident')} with "
        f"{_counted(preview.past_alert_count, 'alert')}; {_counted(preview.pages, 'notice')} would not have been sent"
    )
    yield from _incidents(preview.past)


def _incidents(found: Sequence[IncidentSeen]) -> Iterator[str]:
    for one in found[:_MOST_SHOWN]:
        partly = "" if one.wholly else " (in part: it still pages)"
        yield f"  {one.name}  {one.severity}  {_time(one.opened_at)}  {one.title}{partly}"
    if len(found) > _MOST_SHOWN:
        yield f"  and {len(found) - _MOST_SHOWN} more; --json names up to 50"


def _end(silence: Silence) -> str:
    with_incident = f"with INC-{silence.until_incident}" if silence.until_incident is not None else ""
    recurs = "recurs" if silence.time_intervals else ""
    at = _time(silence.ends_at) if silence.ends_at is not None else ""
    return ", ".join(part for part in (at, with_incident, recurs) if part)


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at is not None else "-"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
