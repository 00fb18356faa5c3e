"""Events of the PagerDuty Events API v2 -> alerts, pages and a log, by PagerDuty's rules."""

import html
import json
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from incidentd.demo.page import local_time, page
from incidentd.demo.server import DEFAULT_TIMEOUT_S, NOT_FOUND, Answer, Request, StandIn, html_answer, json_answer

# https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
ROUTING_KEY_LENGTH = 32
MAX_SUMMARY = 1024
MAX_DEDUP_KEY = 255
MAX_EVENT_BYTES = 512 * 1024
SEVERITIES = ("critical", "error", "warning", "info")


class AlertState(StrEnum):
    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Effect(StrEnum):
    """What an accepted event did. Only `PAGED` notifies a person."""

    PAGED = "paged"
    LOGGED = "logged"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Event:
    """An accepted event with what it did; *body* is as it was sent."""

    action: str
    routing_key: str
    dedup_key: str
    body: Mapping[str, Any]
    effect: Effect
    at: float


@dataclass(slots=True)
class Alert:
    """What one trigger opened. Summary and severity are those of the first trigger, as PagerDuty keeps them."""

    routing_key: str
    dedup_key: str
    summary: str
    severity: str
    state: AlertState = AlertState.TRIGGERED
    events: list[Event] = field(default_factory=list)


class PagerDutyStandIn(StandIn):
    """`POST /v2/enqueue` and `/v2/change/enqueue`. With *routing_keys*, others are refused."""

    api = ("/v2/",)

    def __init__(self, *, routing_keys: Collection[str] | None = None, port: int = 0) -> None:
        super().__init__(port=port)
        self.routing_keys = routing_keys
        self.alerts: list[Alert] = []
        self.events: list[Event] = []
        self.changes: list[Mapping[str, Any]] = []

    @property
    def pages(self) -> int:
        """How often somebody's telephone rang: once for each alert that was opened."""
        return len(self.alerts)

    def alert(self, dedup_key: str) -> Alert | None:
        """The newest alert with that key."""
        return next((alert for alert in reversed(self.alerts) if alert.dedup_key == dedup_key), None)

    def expect(self, action: str, *, containing: str = "", timeout: float = DEFAULT_TIMEOUT_S) -> Event:
        """The first event with that action that was not dropped and whose JSON contains *containing*; waits for it.

        Raises NotSeenError.
        """

        def find() -> Event | None:
            return next(
                (
                    event
                    for event in self.events
                    if event.action == action
                    and event.effect != Effect.DROPPED
                    and containing.lower() in json.dumps(event.body, ensure_ascii=False).lower()
                ),
                None,
            )

        return self.wait_for(find, f"PagerDuty event {action!r} containing {containing!r}", timeout)

    def seen(self) -> str:
        return (
            "; ".join(f"{e.action} {e.dedup_key} ({e.effect}) {_summary(e.body)}" for e in self.events)
            or super().seen()
        )

    def answer(self, request: Request) -> Answer:
        if request.path == "/":
            return html_answer(page("PagerDuty", "stand-in", self._alerts_html(), colour="#048a24"))
        if request.method != "POST" or request.path not in {"/v2/enqueue", "/v2/change/enqueue"}:
            return NOT_FOUND
        return self._receive(request)

    def _receive(self, request: Request) -> Answer:
        if len(request.body) > MAX_EVENT_BYTES:
            return _refused("Event is too large", status=413)
        try:
            body = request.json()
        except ValueError:
            return _refused("Event body is not JSON")
        change = request.path == "/v2/change/enqueue"
        errors = self._errors(body, change=change)
        if errors:
            return _refused(*errors)
        if change:
            self.changes.append(body)
            return json_answer({"status": "success", "message": "Change event processed"}, 202)
        event = self._take(body)
        return json_answer({"status": "success", "message": "Event processed", "dedup_key": event.dedup_key}, 202)

    def _take(self, body: dict[str, Any]) -> Event:
        routing_key, action = body["routing_key"], body["event_action"]
        dedup_key = body.get("dedup_key") or uuid.uuid4().hex
        alert = next(
            (
                alert
                for alert in self.alerts
                if (alert.routing_key, alert.dedup_key) == (routing_key, dedup_key)
                and alert.state != AlertState.RESOLVED
            ),
            None,
        )
        if alert is None and action == "trigger":
            payload = body["payload"]
            alert = Alert(routing_key, dedup_key, payload["summary"], payload["severity"])
            self.alerts.append(alert)
            effect = Effect.PAGED
        elif alert is None:
            effect = Effect.DROPPED
        else:
            effect = _step(alert, action)
        event = Event(action, routing_key, dedup_key, body, effect, time.time())
        self.events.append(event)
        if alert is not None:
            alert.events.append(event)
        return event

    def _errors(self, body: Any, *, change: bool) -> list[str]:
        """What PagerDuty would say about the event; empty if it is accepted."""
        if not isinstance(body, dict):
            return ["Event object is not an object"]
        key = body.get("routing_key")
        if not isinstance(key, str) or len(key) != ROUTING_KEY_LENGTH:
            return [f"Length of 'routing_key' is incorrect (should be {ROUTING_KEY_LENGTH} characters)"]
        if self.routing_keys is not None and key not in self.routing_keys:
            return ["'routing_key' is invalid"]
        if change:
            return _payload_errors(body, required=("summary",))
        return _event_errors(body)

    def _alerts_html(self) -> str:
        return "".join(map(_alert_html, reversed(self.alerts))) or "<p class=dim>No alerts. Nobody was paged.</p>"


def _step(alert: Alert, action: str) -> Effect:
    if action == "resolve":
        alert.state = AlertState.RESOLVED
        return Effect.RESOLVED
    if action == "acknowledge" and alert.state == AlertState.TRIGGERED:
        alert.state = AlertState.ACKNOWLEDGED
        return Effect.ACKNOWLEDGED
    return Effect.LOGGED


def _event_errors(body: dict[str, Any]) -> list[str]:
    action, dedup_key = body.get("event_action"), body.get("dedup_key")
    errors = []
    if action not in {"trigger", "acknowledge", "resolve"}:
        errors.append("'event_action' is missing or is not one of trigger, acknowledge, resolve")
    if dedup_key is None and action in {"acknowledge", "resolve"}:
        errors.append("'dedup_key' is missing or blank")
    if dedup_key is not None and (not isinstance(dedup_key, str) or not 0 < len(dedup_key) <= MAX_DEDUP_KEY):
        errors.append(f"'dedup_key' must be a string of at most {MAX_DEDUP_KEY} characters")
    if action == "trigger":
        errors += _payload_errors(body, required=("summary", "source", "severity"))
        errors += [f"'links[{n}].href' is missing" for n, e in enumerate(_objects(body, "links")) if not e.get("href")]
        errors += [
            f"'images[{n}].src' must be an https URL"
            for n, e in enumerate(_objects(body, "images"))
            if not str(e.get("src")).startswith("https://")
        ]
    return errors


def _payload_errors(body: dict[str, Any], *, required: tuple[str, ...]) -> list[str]:
    payload = body.get("payload")
    if not isinstance(payload, dict):
        return ["'payload' is missing or is not an object"]
    errors = [
        f"'payload.{name}' is missing or blank"
        for name in required
        if not isinstance(payload.get(name), str) or not payload[name]
    ]
    if len(str(payload.get("summary", ""))) > MAX_SUMMARY:
        errors.append(f"'payload.summary' is too long (maximum {MAX_SUMMARY} characters)")
    if payload.get("severity") not in (*SEVERITIES, None):
        errors.append("'payload.severity' is invalid (must be one of the following: critical, warning, error or info)")
    if not isinstance(payload.get("custom_details", {}), dict):
        errors.append("'payload.custom_details' must be an object")
    return errors


def _objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = body.get(name) or []
    return [value if isinstance(value, dict) else {} for value in values]


def _refused(*errors: str, status: int = 400) -> Answer:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}
    return json_answer(body, status)


def _summary(body: Mapping[str, Any]) -> str:
    return str(body.get("payload", {}).get("summary", ""))


def _alert_html(alert: Alert) -> str:
    look = {AlertState.TRIGGERED: "bad", AlertState.ACKNOWLEDGED: "warn", AlertState.RESOLVED: "ok"}[alert.state]
    log = "".join(
        f"<tr><td>{local_time(event.at)}<td>{html.escape(event.action)}<td>{event.effect}"
        f"<td>{html.escape(_summary(event.body))}"
        for event in alert.events
    )
    return (
        f'<section class=card><h2>{html.escape(alert.summary)}</h2><span class="pill {look}">{alert.state}</span>'
        f"<span class=pill>{html.escape(alert.severity)}</span>"
        f"<span class=dim>dedup key <code>{html.escape(alert.dedup_key)}</code></span>{_details_html(alert)}"
        f"<table><tr><th>time<th>event<th>effect<th>summary{log}</table></section>"
    )


def _details_html(alert: Alert) -> str:
    """What the responder's telephone shows below the summary: the newest links and details."""
    body = next((event.body for event in reversed(alert.events) if event.action == "trigger"), {})
    links = " · ".join(
        f'<a href="{html.escape(str(link["href"]))}">{html.escape(str(link.get("text") or link["href"]))}</a>'
        for link in _objects(dict(body), "links")
        if str(link.get("href")).startswith(("http://", "https://"))
    )
    details = body.get("payload", {}).get("custom_details") or {}
    rows = "".join(f"<tr><th>{html.escape(str(name))}<td>{_value_html(value)}" for name, value in details.items())
    return f"<p>{links}</p><table>{rows}</table>"


def _value_html(value: object) -> str:
    if isinstance(value, list):
        return "<br>".join(html.escape(str(one)) for one in value)
    if isinstance(value, dict):
        return html.escape(", ".join(f"{name}={one}" for name, one in value.items()))
    return html.escape(str(value))
