"""What one evaluation does to one incident: it opens, alerts join and clear, it climbs, descends, reopens, resolves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidentd.incidents import announce, held, wording
from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.transaction import Transaction
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind
from incidentd.severity import Severity
from incidentd.store import incidents
from incidentd.store.parts import Firing
from incidentd.store.tables import Incident
from incidentd.store.timeline import EntryKind

RULE = Actor("the rule", Origin.RULE)


@dataclass(slots=True)
class Episode:
    """One incident while one evaluation is written: what happened to its alerts, to be told once at the end."""

    incident: Incident
    is_new: bool = False
    fired: int = 0
    cleared: int = 0


def finish(tx: Transaction, episode: Episode, firing: Sequence[Firing]) -> None:
    """Brings the incident in line with its alerts that fire, worst first, and tells who must hear of it."""
    incident = episode.incident
    if not firing:
        _over(tx, episode)
        return
    before, severity = Severity(incident.severity), Severity(firing[0].severity)
    climbed = severity.is_worse_than(before)
    if incident.state == State.RESOLVED and not (episode.fired or climbed):
        return  # a person resolved it: what still fires is held until it clears, climbs, or the cooldown ends
    describe(tx, incident, firing)
    if episode.is_new:
        _opened(tx, incident)
        return
    refired = incident.state == State.RESOLVED
    if refired:
        _reopen_quietly(tx, incident)
    if climbed:
        _climbed(tx, incident, before)
    elif before.is_worse_than(severity):
        _descended(tx, incident, before)
    elif not refired:
        _alerts_changed(tx, episode)


def describe(tx: Transaction, incident: Incident, firing: Sequence[Firing]) -> None:
    """The incident's title, labels and severity as those of what fires, worst first."""
    severity = Severity(firing[0].severity)
    incident.title = wording.title(firing)
    incident.labels = _common_labels(firing)
    incident.severity = severity.value
    incident.updated_at = tx.now
    if severity.is_worse_than(Severity(incident.peak_severity)):
        incident.peak_severity = severity.value


def reopen(tx: Transaction, incident: Incident, text: str, actor: Actor) -> None:
    """From resolved to detected, with the clocks of the response started anew."""
    incidents.move(tx.session, incident, to=State.DETECTED)
    begin_response_anew(incident)
    tx.record(incident, EntryKind.REOPENED, actor, text)


def begin_response_anew(incident: Incident) -> None:
    """Nobody has taken it, mitigated it or resolved it since it was reopened."""
    incident.acknowledged_at = incident.mitigating_at = incident.resolved_at = None
    incident.acknowledged_by = incident.resolved_by = ""


def page_again(tx: Transaction, incident: Incident, text: str, *, known: Kind) -> None:
    """A further page for an incident that some already know."""
    incident.page_again_at = None
    announce.page(tx, incident, text, known=known)


def cooldown(incident: Incident) -> timedelta:
    """How long no second opening notice goes out."""
    return timedelta(seconds=incident.cooldown_seconds)


def cooldown_end(incident: Incident, now: datetime) -> datetime:
    """Until when no second opening notice goes out; a clock that was moved back does not put it off for longer."""
    return min(incident.paged_at, now) + cooldown(incident)


def _opened(tx: Transaction, incident: Incident) -> None:
    tx.record(incident, EntryKind.OPENED, RULE, f"Opened as {incident.severity}: {incident.title}")
    announce.page(tx, incident, "Opened")


def _reopen_quietly(tx: Transaction, incident: Incident) -> None:
    incident.flaps += 1
    incident.page_again_at = cooldown_end(incident, tx.now)
    reopen(tx, incident, f"Fires again within the cooldown; reopened without a page (flap {incident.flaps})", RULE)
    announce.tell(tx, incident, Kind.UPDATED, "Fires again")


def _climbed(tx: Transaction, incident: Incident, before: Severity) -> None:
    text = f"Severity climbed from {before} to {incident.severity}"
    tx.record(incident, EntryKind.SEVERITY, RULE, text)
    page_again(tx, incident, text, known=Kind.ESCALATED)


def _descended(tx: Transaction, incident: Incident, before: Severity) -> None:
    text = f"Severity descended from {before} to {incident.severity}"
    tx.record(incident, EntryKind.SEVERITY, RULE, text)
    announce.tell(tx, incident, Kind.UPDATED, text)


def _alerts_changed(tx: Transaction, episode: Episode) -> None:
    parts = []
    if episode.fired:
        parts.append(f"{wording.alerts(episode.fired)} began to fire")
    if episode.cleared:
        parts.append(f"{wording.alerts(episode.cleared)} cleared")
    if parts:
        text = ", ".join(parts)
        tx.record(episode.incident, EntryKind.ALERT, RULE, text)
        announce.tell(tx, episode.incident, Kind.UPDATED, text)


def _over(tx: Transaction, episode: Episode) -> None:
    """Every alert is gone: it resolves; one that a person had resolved is held no longer."""
    incident = episode.incident
    incident.page_again_at = None
    if incident.state == State.RESOLVED:
        return
    incidents.move(tx.session, incident, to=State.RESOLVED)
    incident.resolved_at = incident.updated_at = tx.now
    incident.resolved_by = RULE.name
    tx.record(incident, EntryKind.RESOLVED, RULE, "Resolved by the rule: every alert has cleared")
    announce.tell(tx, incident, Kind.RESOLVED, "Resolved by the rule")
    held.over(tx, incident)


def _common_labels(firing: Sequence[Firing]) -> dict[str, str]:
    """The labels that all of these alerts share: what routes may match on."""
    common = dict(firing[0].labels)
    for one in firing:
        common = {name: value for name, value in common.items() if one.labels.get(name) == value}
    return common
