"""/api/v1/rules and /api/v1/alerts: the catalog and where its alerts stand, for tools that know Prometheus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter

from incidentd.alert import Alert, Phase
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.problem import Position
from incidentd.catalog.rule import Rule
from incidentd.evaluation import annotate
from incidentd.incidents import wording
from incidentd.store import alerts as stored_alerts
from incidentd.store import incidents
from incidentd.store.database import Session
from incidentd.store.tables import IncidentAlert
from incidentd.web.context import Context, RuleState
from incidentd.web.prometheus_models import AlertOut, Alerts, GroupOut, LevelOut, RuleOut, Rules, Success

ROUTER = APIRouter(prefix="/api/v1", tags=["rules"])

_PHASES = (Phase.FIRING, Phase.PENDING, Phase.INACTIVE)


@ROUTER.get("/rules", summary="List the rules, in Prometheus' shape", operation_id="listRules")
def list_rules(context: Context) -> Success[Rules]:
    catalog = context.current()
    with context.database.reading() as session:
        active = _active(session, catalog)
    states = context.rule_states()
    rules = [
        (rule, _rule(rule, active.get(rule.id, []), states.get(rule.id, RuleState()), _position(catalog, rule)))
        for rule in catalog.rules
    ]
    return Success(data=Rules(groups=_groups(catalog, rules)))


@ROUTER.get("/alerts", summary="List the alerts that are pending or firing", operation_id="listAlerts")
def list_alerts(context: Context) -> Success[Alerts]:
    catalog = context.current()
    with context.database.reading() as session:
        active = _active(session, catalog)
    return Success(data=Alerts(alerts=[alert for alerts in active.values() for alert in alerts]))


def go_number(value: float | None) -> str:
    """*value* as Go writes it in alerts: ``4.2e+01``, ``NaN``, ``+Inf``."""
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{mantissa}e{int(exponent):+03d}"


def _active(session: Session, catalog: Catalog) -> Mapping[str, list[AlertOut]]:
    """The alerts that are pending or firing, by the id of their rule; those of built-in rules too."""
    found: defaultdict[str, list[AlertOut]] = defaultdict(list)
    parts = incidents.all_holding(session)
    for alert in stored_alerts.load_all(session):
        rule = catalog.rule(alert.key.rule_id)
        part = parts.get((alert.key.rule_id, alert.key.fingerprint)) if alert.phase is Phase.FIRING else None
        if alert.phase is not Phase.INACTIVE and (rule is not None or part is not None):
            found[alert.key.rule_id].append(_alert(alert, rule, part))
    return found


def _alert(alert: Alert, rule: Rule | None, part: IncidentAlert | None) -> AlertOut:
    """A firing alert reads as in its incident, a pending one as it would."""
    labels = dict(alert.labels)
    if alert.severity is not None and (rule is None or rule.is_native):
        labels["severity"] = alert.severity.value
    if part is not None:
        labels["alertname"] = part.rule
    elif rule is not None:
        labels["alertname"] = rule.name
    return AlertOut(
        labels=labels,
        annotations=_annotations(alert, rule, part),
        state=alert.phase,
        active_at=_active_at(alert),
        value=go_number(alert.value),
        severity=alert.severity if rule is None or rule.opens else None,
        rule_id=alert.key.rule_id,
        fingerprint=alert.key.fingerprint,
        incident=f"INC-{part.incident_number}" if part is not None else None,
    )


def _annotations(alert: Alert, rule: Rule | None, part: IncidentAlert | None) -> dict[str, str]:
    if rule is not None and not rule.is_native:
        return part.annotations if part is not None else annotate.texts(rule, alert, alert.evaluated_at)
    if part is not None:
        return {"summary": part.summary, "description": part.description}
    if rule is None:
        return {}
    return {"summary": wording.summary(rule, alert, {}), "description": wording.description(rule, alert, "", {})}


def _active_at(alert: Alert) -> datetime | None:
    """When the first of its levels was breached."""
    breached = [clock.breached_since for clock in alert.levels.values() if clock.breached_since is not None]
    return min(breached, default=alert.firing_since or alert.evaluated_at)


def _rule(rule: Rule, alerts: list[AlertOut], state: RuleState, position: Position) -> RuleOut:
    mildest = rule.levels[-1]
    phases = {alert.state for alert in alerts}
    return RuleOut(
        state=next((phase for phase in _PHASES if phase in phases), Phase.INACTIVE),
        name=rule.name,
        query=rule.expr,
        duration=mildest.holds_for.total_seconds(),
        keep_firing_for=rule.resolve.holds_for.total_seconds(),
        labels={**rule.labels, "severity": mildest.severity.value} if rule.is_native else dict(rule.labels),
        annotations=(
            {"summary": rule.summary, "description": rule.description} if rule.is_native else dict(rule.annotations)
        ),
        alerts=alerts,
        health=state.health,
        last_error=state.last_error,
        evaluation_time=state.seconds,
        **({"last_evaluation": state.last_evaluation} if state.last_evaluation is not None else {}),
        id=rule.id,
        enabled=rule.enabled,
        source=rule.source,
        levels=[
            LevelOut(
                severity=level.severity,
                when=level.when.text if level.when is not None else None,
                duration=level.holds_for.total_seconds(),
            )
            for level in rule.levels
        ],
        cooldown=rule.cooldown.total_seconds(),
        heartbeat=rule.heartbeat,
        query_offset=rule.query_offset.total_seconds(),
        runbook=rule.runbook,
        runbook_url=rule.runbook_url,
        component=rule.component,
        owner=rule.owner,
        line=position.line,
        next_evaluation=state.next_at,
        last_value=go_number(state.value) if state.value is not None else None,
        last_samples=state.samples,
    )


def _groups(catalog: Catalog, rules: Sequence[tuple[Rule, RuleOut]]) -> list[GroupOut]:
    members: defaultdict[tuple[str, str, float], list[RuleOut]] = defaultdict(list)
    for rule, shown in rules:
        interval = rule.every.total_seconds()
        name = rule.group or f"{rule.source}/{interval:g}s"
        members[_position(catalog, rule).file, name, interval].append(shown)
    return [
        GroupOut(
            name=name,
            file=file,
            interval=interval,
            rules=group,
            evaluation_time=max(rule.evaluation_time for rule in group),
            last_evaluation=max(rule.last_evaluation for rule in group),
        )
        for (file, name, interval), group in members.items()
    ]


def _position(catalog: Catalog, rule: Rule) -> Position:
    return catalog.positions.get(rule.id, Position(""))
