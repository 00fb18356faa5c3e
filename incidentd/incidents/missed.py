"""What fired and cleared while nobody looked -> incidents that are over, and of which nobody is told."""

from __future__ import annotations

from collections.abc import Sequence

from incidentd.catalog import runbook_link
from incidentd.incidents import wording
from incidentd.incidents.actor import SYSTEM
from incidentd.incidents.episode import cooldown_end
from incidentd.incidents.evaluated import Evaluated, Missed
from incidentd.incidents.grouping import incident_key
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.lifecycle import State
from incidentd.store import incidents
from incidentd.store.tables import Incident, IncidentAlert
from incidentd.store.timeline import EntryKind

Members = list[tuple[Evaluated, Missed]]
_TOLD_NOBODY = "Began and ended while incidentd did not evaluate; nobody was told"


def record(tx: Transaction, evaluations: Sequence[Evaluated]) -> None:
    """One resolved incident for all that was missed of one key; an entry in its timeline where one takes it in."""
    by_key: dict[str, Members] = {}
    for evaluated in evaluations:
        for missed in evaluated.missed if evaluated.rule.opens else ():
            by_key.setdefault(incident_key(evaluated.rule, missed.alert.labels), []).append((evaluated, missed))
    for key, members in by_key.items():
        latest = incidents.latest_with_key(tx.session, key)
        if latest is not None and _takes_in(tx, latest, members):
            text = f"{wording.alerts(len(members))} fired and cleared while incidentd did not evaluate"
            tx.record(latest, EntryKind.ALERT, SYSTEM, text)
        else:
            _write(tx, key, members, latest)


def _takes_in(tx: Transaction, incident: Incident, members: Members) -> bool:
    """Whether what was missed belongs to *incident*: it is open or held, or was over for less than its cooldown."""
    if incident.state != State.RESOLVED or incident.page_again_at is not None:
        return True
    return min(missed.began_at for _, missed in members) < cooldown_end(incident, tx.now)


def _write(tx: Transaction, key: str, members: Members, previous: Incident | None) -> None:
    members.sort(key=lambda member: member[1].began_at)
    rule, (_, first) = members[0][0].rule, members[0]
    worst = min((missed.alert.severity or rule.levels[-1].severity for _, missed in members), key=lambda one: one.rank)
    found = runbook_link.find(tx.catalog, rule, first.annotations, first.alert.labels)
    incident = Incident(
        key=key,
        title=wording.summary(rule, first.alert, first.annotations),
        state=State.RESOLVED.value,
        severity=worst.value,
        peak_severity=worst.value,
        labels=dict(first.alert.labels),
        component=rule.component or "",
        runbook=found.runbook,
        runbook_url=found.url,
        owner=rule.owner,
        rule_commit=tx.catalog.commit,
        previous_number=previous.number if previous else None,
        opened_at=first.began_at,
        updated_at=tx.now,
        paged_at=first.began_at,
        resolved_at=max(missed.ended_at for _, missed in members),
        resolved_by=SYSTEM.name,
    )
    tx.session.add(incident)
    tx.session.flush()
    for evaluated, missed in members:
        tx.session.merge(_part(number_of(incident), evaluated, missed))
    tx.record(incident, EntryKind.MISSED, SYSTEM, _TOLD_NOBODY)


def _part(number: int, evaluated: Evaluated, missed: Missed) -> IncidentAlert:
    alert = missed.alert
    return IncidentAlert(
        incident_number=number,
        rule_id=alert.key.rule_id,
        fingerprint=alert.key.fingerprint,
        rule=evaluated.rule.name,
        labels=dict(alert.labels),
        severity=alert.severity.value if alert.severity else "",
        summary=wording.summary(evaluated.rule, alert, missed.annotations),
        annotations=dict(missed.annotations),
        value=alert.value,
        peak=alert.peak,
        since=missed.began_at,
        cleared_at=missed.ended_at,
    )
