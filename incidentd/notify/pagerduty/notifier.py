"""A notification -> PagerDuty's Events API v2."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import requests

from incidentd.notify import transport, wording
from incidentd.notify.notification import Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Remote
from incidentd.notify.pagerduty import event
from incidentd.notify.pagerduty.config import PagerDutyDestination
from incidentd.notify.render import Templates
from incidentd.settings import PagerDuty

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # it announces its successor, which refuses a base URL without TLS
    import pdpyras


class PagerDutyNotifier:
    """The remote keys are the alert's ``dedup_key``, the last ``event`` sent for it, and the incident's ``state``
    then."""

    def __init__(self, config: PagerDuty, templates: Templates) -> None:
        self._config = config
        self._templates = templates

    def send(self, notification: Notification, destination: PagerDutyDestination, attempt: Attempt) -> Remote:
        steps = event.plan(notification, attempt)
        key = destination.routing_key.get_secret_value()
        for number, step in enumerate(steps):
            try:
                self._send(key, step, self._properties(notification, step))
            except DeliveryError as exc:
                exc.uncertain = exc.uncertain or number > 0
                raise
        return _remote(notification, attempt, steps)

    def _properties(self, notification: Notification, step: event.Event) -> Mapping[str, Any]:
        if step.step is not event.Step.TRIGGER:
            return {}
        summary = self._templates.text(
            "pagerduty.txt.j2", fallback=wording.lock_screen(notification), **wording.values(notification)
        )
        return event.trigger(notification, summary)

    def _send(self, routing_key: str, step: event.Event, properties: Mapping[str, Any]) -> None:
        try:
            with self._session(routing_key) as session:
                # It writes into what it is given.
                session.send_event(step.step.value, step.dedup_key, **copy.deepcopy(dict(properties)))
        except pdpyras.PDClientError as exc:
            raise _translated(exc, routing_key) from exc
        except (requests.RequestException, ValueError) as exc:
            raise DeliveryError(f"PagerDuty: the event cannot be sent ({type(exc).__name__})", permanent=True) from exc

    def _session(self, routing_key: str) -> Any:
        """One attempt per call: left alone, pdpyras retries 429 for ever in the calling thread."""
        session = pdpyras.EventsAPISession(routing_key)
        session.trust_env = False
        session.proxies.update(requests.utils.get_environ_proxies(self._config.api_url))
        session.url = self._config.api_url
        session.timeout = self._config.timeout.total_seconds()
        session.max_http_attempts = -1
        session.max_network_attempts = 0
        session.retry = dict.fromkeys((429, 500, 502, 503, 504), 1)
        session.sleep_timer = 0
        session.log = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - it repeats what we raise
        return session


def _remote(notification: Notification, attempt: Attempt, steps: tuple[event.Event, ...]) -> Remote:
    """The keys after *steps*; what is known stays when there are none."""
    if not steps:
        return dict(attempt.remote)
    key = steps[0].dedup_key  # a new alert comes before the end of the old one
    last = next(step.step for step in reversed(steps) if step.dedup_key == key)
    return {"dedup_key": key, "event": last.value, "state": notification.state.value}


def _translated(exc: Any, routing_key: str) -> DeliveryError:
    response = getattr(exc, "response", None)
    if response is None:
        cause = exc.__cause__ if isinstance(exc.__cause__, BaseException) else exc
        return transport.unreached("PagerDuty", cause)
    if response.ok:
        return DeliveryError("PagerDuty gave an answer that cannot be read", permanent=False, uncertain=True)
    answer = transport.Answer(response.status_code, response.text)
    return transport.refused(
        "PagerDuty", answer.status, response.headers, transport.reason(answer), secrets=(routing_key,)
    )
