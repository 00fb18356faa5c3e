"""Requests to a webhook -> a list of deliveries, each counted once by its idempotency key."""

import html
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from incidentd.demo.page import local_time, page
from incidentd.demo.server import DEFAULT_TIMEOUT_S, NOT_FOUND, Answer, Request, StandIn, html_answer, json_answer


@dataclass(frozen=True, slots=True)
class Delivery:
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    raw: bytes
    body: Any
    """The JSON of *raw*."""
    repeated: bool
    """Whether its Idempotency-Key had been seen before, so that a good receiver does nothing."""
    at: float


class WebhookStandIn(StandIn):
    """Takes POST and PUT with JSON below `/hook`, and remembers every one of them."""

    api = ("/hook",)

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.deliveries: list[Delivery] = []

    @property
    def hook_url(self) -> str:
        return f"{self.url}/hook"

    @property
    def once(self) -> list[Delivery]:
        """The deliveries without repetitions: what a good receiver acted on."""
        return [delivery for delivery in self.deliveries if not delivery.repeated]

    def expect(self, containing: str = "", timeout: float = DEFAULT_TIMEOUT_S) -> Delivery:
        """The first delivery whose JSON contains *containing*, whatever the case; waits for it. Raises NotSeenError."""
        return self.wait_for(
            lambda: next((d for d in self.deliveries if containing.lower() in _text(d).lower()), None),
            f"webhook containing {containing!r}",
            timeout,
        )

    def seen(self) -> str:
        return "; ".join(map(_text, self.deliveries)) or super().seen()

    def answer(self, request: Request) -> Answer:
        if request.path == "/":
            cards = "".join(map(_delivery_html, reversed(self.deliveries)))
            body = cards or "<p class=dim>Nothing was delivered.</p>"
            return html_answer(page("Webhook", "stand-in", body, colour="#5b3a8c"))
        if request.method not in {"POST", "PUT"} or not request.path.startswith(self.api):
            return NOT_FOUND
        try:
            body = request.json()
        except ValueError:
            return json_answer({"error": "the body is not JSON"}, 400)
        key = request.headers.get("idempotency-key")
        repeated = key is not None and any(d.headers.get("idempotency-key") == key for d in self.deliveries)
        self.deliveries.append(Delivery(request.path, request.headers, request.body, body, repeated, time.time()))
        return json_answer({"ok": True, "repeated": repeated})


def _text(delivery: Delivery) -> str:
    return json.dumps(delivery.body, ensure_ascii=False)


def _delivery_html(delivery: Delivery) -> str:
    key = delivery.headers.get("idempotency-key", "none")
    repeated = '<span class="pill warn">repeated</span>' if delivery.repeated else ""
    return (
        f"<section class=card><h2>{local_time(delivery.at)} {html.escape(delivery.path)}</h2>{repeated}"
        f"<span class=dim>idempotency key <code>{html.escape(key)}</code></span>"
        f"<pre>{html.escape(json.dumps(delivery.body, indent=2, ensure_ascii=False))}</pre></section>"
    )
