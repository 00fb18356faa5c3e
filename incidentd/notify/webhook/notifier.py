"""A notification -> one POST of JSON."""

from __future__ import annotations

from incidentd.notify.notification import Notification
from incidentd.notify.notifier import Attempt, Remote
from incidentd.notify.transport import Door
from incidentd.notify.webhook import payload
from incidentd.notify.webhook.config import WebhookDestination
from incidentd.settings import Webhook


class WebhookNotifier:
    """Tells every kind. The remote key is the ``id`` of the last notification that was taken."""

    def __init__(self, config: Webhook) -> None:
        self._config = config

    def send(self, notification: Notification, destination: WebhookDestination, attempt: Attempt) -> Remote:
        headers = {**destination.headers, "Idempotency-Key": notification.id}
        if destination.token:
            headers["Authorization"] = f"Bearer {destination.token.get_secret_value()}"
        secrets = (destination.token.get_secret_value(),) if destination.token else ()
        door = Door("The webhook", self._config.timeout, (*secrets, *destination.headers.values()))
        door.call("POST", destination.url, body=payload.build(notification), headers=headers, now=notification.now)
        return {"id": notification.id}
