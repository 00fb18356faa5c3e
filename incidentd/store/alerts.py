"""Where alerts stand on their ladders: Alert <-> rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, tuple_
from sqlmodel import Session, col, select

from incidentd.alert import Alert, AlertKey, LevelClock, Phase
from incidentd.labels import Labels
from incidentd.severity import Severity
from incidentd.store import bulk
from incidentd.store.tables import AlertRow


def load_all(session: Session) -> list[Alert]:
    """Every alert that is not at rest."""
    return [_alert(row) for row in session.exec(select(AlertRow))]


def save(session: Session, alerts: Iterable[Alert]) -> None:
    """Writes what evaluation must know after a restart; an inactive alert with no running clock is forgotten."""
    newest = {alert.key: alert for alert in alerts}
    is_at_rest = {key: alert.phase is Phase.INACTIVE and not alert.levels for key, alert in newest.items()}
    bulk.upsert(session, AlertRow, [_row(alert) for key, alert in newest.items() if not is_at_rest[key]])
    key = tuple_(col(AlertRow.rule_id), col(AlertRow.fingerprint))
    for batch in bulk.batches((one.rule_id, one.fingerprint) for one in newest if is_at_rest[one]):
        session.connection().execute(delete(AlertRow).where(key.in_(batch)))


def labels_by_phase(session: Session, phases: Iterable[Phase]) -> list[tuple[Labels, str, str]]:
    """Labels, severity (empty while pending) and phase of every alert in one of *phases*: only what matchers see."""
    query = select(AlertRow.labels, AlertRow.severity, AlertRow.phase).where(
        col(AlertRow.phase).in_([phase.value for phase in phases])
    )
    return [(labels, severity or "", phase) for labels, severity, phase in session.exec(query)]


def count_by_phase(session: Session) -> dict[str, int]:
    """Alerts by phase."""
    query = select(AlertRow.phase, func.count()).group_by(col(AlertRow.phase))
    return dict(session.exec(query).all())


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "rule_id": alert.key.rule_id,
        "fingerprint": alert.key.fingerprint,
        "labels": dict(alert.labels),
        "phase": alert.phase.value,
        "severity": alert.severity.value if alert.severity else None,
        "levels": {severity.value: _dump(clock) for severity, clock in alert.levels.items()},
        "value": alert.value,
        "peak": alert.peak,
        "evaluated_at": alert.evaluated_at,
        "firing_since": alert.firing_since,
    }


def _alert(row: AlertRow) -> Alert:
    return Alert(
        key=AlertKey(row.rule_id, row.fingerprint),
        labels=row.labels,
        phase=Phase(row.phase),
        severity=Severity(row.severity) if row.severity else None,
        levels={Severity(severity): _parse(clock) for severity, clock in row.levels.items()},
        value=row.value,
        peak=row.peak,
        evaluated_at=row.evaluated_at,
        firing_since=row.firing_since,
    )


def _dump(clock: LevelClock) -> dict[str, Any]:
    return {
        "breached_since": clock.breached_since.isoformat() if clock.breached_since else None,
        "clear_since": clock.clear_since.isoformat() if clock.clear_since else None,
        "active": clock.active,
    }


def _parse(stored: dict[str, Any]) -> LevelClock:
    breached, clear = stored["breached_since"], stored["clear_since"]
    return LevelClock(
        breached_since=datetime.fromisoformat(breached) if breached else None,
        clear_since=datetime.fromisoformat(clear) if clear else None,
        active=stored["active"],
    )
