"""The alerts' transitions -> their parts in incidents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from incidentd.alert import Alert, AlertKey, Change, Transition
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
from incidentd.store import incidents, parts
from incidentd.store.parts import Part
from incidentd.store.tables import Incident

News = tuple[Evaluated, Transition]
_SEPARATORS = re.compile(r"[\\,{}]")
_ESCAPED = r"\\\g<0>"


def incident_key(rule: Rule, labels: Labels) -> str:
    """What makes alerts one incident: its name and the values of ``group_by``. What is in a value cannot make it look
    like several."""
    values = ",".join(f"{name}={_SEPARATORS.sub(_ESCAPED, labels.get(name, ''))}" for name in rule.group_by)
    return f"{rule.incident or rule.name}{{{values}}}"


def place(tx: Transaction, news: Sequence[News]) -> list[Episode]:
    """Writes each alert's part in its incident. What each incident must be told of, in the order in which they were
    touched; the queries do not grow with the alerts."""
    keys = {incident_key(evaluated.rule, one.after.labels) for evaluated, one in news if _opens(evaluated, one)}
    held = parts.holding(tx.session, (one.after.key for _, one in news if _goes_on(one)))
    newest = incidents.newest_with_keys(tx.session, keys)
    numbers = {*newest.values(), *(part.incident_number for part in held.values())}
    episodes = {number: Episode(incident) for number, incident in incidents.lock_all(tx.session, numbers).items()}
    by_key = {key: episodes[number] for key, number in newest.items() if number in episodes}
    _open(tx, by_key, news)
    episodes |= {number_of(one.incident): one for one in by_key.values()}
    touched: dict[int, Episode] = {}
    written: dict[tuple[int, AlertKey], Part] = {}
    for evaluated, transition in news:
        alert = transition.after
        if _opens(evaluated, transition):
            episode = by_key[incident_key(evaluated.rule, alert.labels)]
            held[alert.key] = _fire(tx, episode, evaluated, alert)
        elif not _goes_on(transition) or alert.key not in held:
            continue
        else:
            episode = episodes[held[alert.key].incident_number]
            _go_on(tx, episode, held[alert.key], evaluated, transition)
        number = number_of(episode.incident)
        touched[number] = episode
        written[number, alert.key] = held[alert.key]
    parts.save(tx.session, written.values())
    return list(touched.values())


def _opens(evaluated: Evaluated, transition: Transition) -> bool:
    """Whether the alert began to fire, and its rule opens incidents."""
    return transition.change is Change.FIRED and evaluated.rule.opens


def _goes_on(transition: Transition) -> bool:
    """Whether the alert fired before."""
    return transition.change is not Change.FIRED and transition.before.severity is not None


def _open(tx: Transaction, by_key: dict[str, Episode], news: Sequence[News]) -> None:
    """Adds to *by_key* the incidents that are opened for the alerts that no incident takes in."""
    for evaluated, transition in news:
        if not _opens(evaluated, transition):
            continue
        key = incident_key(evaluated.rule, transition.after.labels)
        latest = by_key.get(key)
        if latest is None or not _takes_in(tx, latest.incident):
            incident = _new(tx, key, evaluated, transition.after, latest.incident if latest else None)
            by_key[key] = Episode(incident, is_new=True)
    tx.session.flush()


def _fire(tx: Transaction, episode: Episode, evaluated: Evaluated, alert: Alert) -> Part:
    episode.fired += 1
    _lead(tx, episode.incident, evaluated, alert)
    part = Part(
        incident_number=number_of(episode.incident),
        rule_id=alert.key.rule_id,
        fingerprint=alert.key.fingerprint,
        rule=evaluated.rule.name,
        severity=alert.severity or "",
        since=alert.firing_since or tx.now,
    )
    _describe(part, evaluated, alert)
    return part


def _go_on(tx: Transaction, episode: Episode, part: Part, evaluated: Evaluated, transition: Transition) -> None:
    """The alert fired before: what it says now, and whether it cleared."""
    if transition.change is Change.CLEARED:
        part.cleared_at = tx.now
        episode.cleared += 1
    else:
        _describe(part, evaluated, transition.after)
    _lead(tx, episode.incident, evaluated, transition.after)


def _lead(tx: Transaction, incident: Incident, evaluated: Evaluated, alert: Alert) -> None:
    """Where several rules share an incident, what to do about it is what the worst of them says."""
    rule = evaluated.rule
    if alert.severity is not None and alert.severity.is_worse_than(Severity(incident.severity)):
        found = _runbook(tx, evaluated, alert)
        if found.runbook or found.url:
            incident.runbook, incident.runbook_url = found.runbook, found.url
        incident.component = rule.component or incident.component
        incident.owner = rule.owner or incident.owner


def _describe(part: Part, evaluated: Evaluated, alert: Alert) -> None:
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
    return incident
