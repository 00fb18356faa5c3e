"""One alert's transition -> its part in an incident."""

from __future__ import annotations

import re

from incidentd.alert import Alert, Change, Transition
from incidentd.catalog import runbook_link
from incidentd.catalog.rule import Rule
from incidentd.catalog.runbook_link import Reference
from incidentd.incidents import wording
from incidentd.incidents.episode import Episode, cooldown_end
from incidentd.incidents.evaluated import Evaluated
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.labels import Labels
from incidentd.lifecycle import State
from incidentd.severity import Severity
from incidentd.store import incidents
from incidentd.store.tables import Incident, IncidentAlert

Episodes = dict[int, Episode]
_SEPARATORS = re.compile(r"[\\,{}]")
_ESCAPED = r"\\\g<0>"


def incident_key(rule: Rule, labels: Labels) -> str:
    """What makes alerts one incident: its name and the values of ``group_by``. What is in a value cannot make it look
    like several."""
    values = ",".join(f"{name}={_SEPARATORS.sub(_ESCAPED, labels.get(name, ''))}" for name in rule.group_by)
    return f"{rule.incident or rule.name}{{{values}}}"


def place(tx: Transaction, episodes: Episodes, evaluated: Evaluated, transition: Transition) -> None:
    """Writes the alert's part in its incident, and notes in *episodes* what the incident must be told."""
    if transition.change is Change.FIRED:
        _fire(tx, episodes, evaluated, transition.after)
    elif transition.before.severity is not None:
        _go_on(tx, episodes, evaluated, transition)


def _fire(tx: Transaction, episodes: Episodes, evaluated: Evaluated, alert: Alert) -> None:
    if not evaluated.rule.opens:
        return
    key = incident_key(evaluated.rule, alert.labels)
    incident = latest = incidents.latest_with_key(tx.session, key)
    if incident is None or not _takes_in(tx, incident):
        incident = _new(tx, key, evaluated, alert, latest)
        episodes[number_of(incident)] = Episode(incident, is_new=True)
    episode = episodes.setdefault(number_of(incident), Episode(incident))
    episode.fired += 1
    _lead(tx, incident, evaluated, alert)
    part = IncidentAlert(
        incident_number=number_of(incident),
        rule_id=alert.key.rule_id,
        fingerprint=alert.key.fingerprint,
        rule=evaluated.rule.name,
        severity=alert.severity or "",
        since=alert.firing_since or tx.now,
    )
    _describe(part, evaluated, alert)
    tx.session.merge(part)


def _go_on(tx: Transaction, episodes: Episodes, evaluated: Evaluated, transition: Transition) -> None:
    """The alert fired before: what it says now, and whether it cleared."""
    alert = transition.after
    part = incidents.holding(tx.session, alert.key.rule_id, alert.key.fingerprint)
    if part is None:
        return
    cleared = transition.change is Change.CLEARED
    if cleared:
        part.cleared_at = tx.now
    else:
        _describe(part, evaluated, alert)
    incident = incidents.get(tx.session, part.incident_number, lock=True)
    if incident is not None:
        _lead(tx, incident, evaluated, alert)
        episodes.setdefault(number_of(incident), Episode(incident)).cleared += cleared


def _lead(tx: Transaction, incident: Incident, evaluated: Evaluated, alert: Alert) -> None:
    """Where several rules share an incident, what to do about it is what the worst of them says."""
    rule = evaluated.rule
    if alert.severity is not None and alert.severity.is_worse_than(Severity(incident.severity)):
        found = _runbook(tx, evaluated, alert)
        if found.runbook or found.url:
            incident.runbook, incident.runbook_url = found.runbook, found.url
        incident.component = rule.component or incident.component
        incident.owner = rule.owner or incident.owner


def _describe(part: IncidentAlert, evaluated: Evaluated, alert: Alert) -> None:
    rule = evaluated.rule
    severity = alert.severity or Severity(part.severity)
    level = next((one for one in rule.levels if one.severity is severity), None)
    part.labels = dict(alert.labels)
    part.severity = severity.value
    part.condition = level.when.text if level is not None and level.when is not None else ""
    part.value, part.peak = alert.value, alert.peak
    part.clearing = alert.is_clearing
    if part.clearing:
        return  # the words stay those of what was wrong
    annotations = evaluated.annotations.get(alert.key.fingerprint, {})
    part.summary = wording.summary(rule, alert, annotations)
    part.description = wording.description(rule, alert, evaluated.evidence, annotations)
    part.annotations = dict(annotations)


def _runbook(tx: Transaction, evaluated: Evaluated, alert: Alert) -> Reference:
    texts = evaluated.annotations.get(alert.key.fingerprint, evaluated.rule.annotations)
    return runbook_link.find(tx.catalog, evaluated.rule, texts, alert.labels)


def _takes_in(tx: Transaction, incident: Incident) -> bool:
    """Whether a further alert of its key joins it: it is open, held, or reopens within its cooldown."""
    if incident.state != State.RESOLVED or incident.page_again_at is not None:
        return True
    return tx.now < cooldown_end(incident, tx.now)


def _new(tx: Transaction, key: str, evaluated: Evaluated, alert: Alert, previous: Incident | None) -> Incident:
    rule, found = evaluated.rule, _runbook(tx, evaluated, alert)
    severity = alert.severity or rule.levels[-1].severity
    incident = Incident(
        key=key,
        title=rule.name,
        state=State.DETECTED.value,
        severity=severity.value,
        peak_severity=severity.value,
        component=rule.component or "",
        runbook=found.runbook,
        runbook_url=found.url,
        owner=rule.owner,
        rule_commit=tx.catalog.commit,
        cooldown_seconds=rule.cooldown.total_seconds(),
        previous_number=previous.number if previous else None,
        opened_at=tx.now,
        updated_at=tx.now,
        paged_at=tx.now,
    )
    tx.session.add(incident)
    tx.session.flush()
    return incident
