import threading
from collections.abc import Iterator

import pytest
import requests

from incidentd.demo.server import NotSeenError
from incidentd.demo.webhook import WebhookStandIn


@pytest.fixture
def webhook() -> Iterator[WebhookStandIn]:
    with WebhookStandIn() as running:
        yield running


def post(webhook: WebhookStandIn, text: str, key: str | None = None) -> requests.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return requests.post(webhook.hook_url, json={"text": text}, headers=headers, timeout=5)


def test_a_repeated_key_is_kept_and_counted_once(webhook: WebhookStandIn) -> None:
    webhook.cut_after_accept()
    with pytest.raises(requests.ConnectionError):
        post(webhook, "a", "k1")
    assert post(webhook, "a", "k1").json() == {"ok": True, "repeated": True}
    post(webhook, "b", "k2")
    post(webhook, "c")
    post(webhook, "c")
    assert [d.body["text"] for d in webhook.deliveries] == ["a", "a", "b", "c", "c"]
    assert [d.body["text"] for d in webhook.once] == ["a", "b", "c", "c"]
    assert webhook.deliveries[0].headers["idempotency-key"] == "k1"
    assert webhook.deliveries[0].raw == b'{"text": "a"}'


def test_waiting(webhook: WebhookStandIn) -> None:
    threading.Timer(0.05, post, [webhook, "Größe"]).start()
    assert webhook.expect("größe").path == "/hook"
    with pytest.raises(NotSeenError, match="Größe"):
        webhook.expect("other", timeout=0.01)


def test_what_it_does_not_take(webhook: WebhookStandIn) -> None:
    assert requests.post(webhook.hook_url, data="{", timeout=5).status_code == 400
    assert requests.get(webhook.hook_url, timeout=5).status_code == 404
    assert requests.post(f"{webhook.url}/other", json={}, timeout=5).status_code == 404


def test_the_page(webhook: WebhookStandIn) -> None:
    assert "Nothing was delivered" in requests.get(webhook.url, timeout=5).text
    post(webhook, "<b>", "k")
    post(webhook, "<b>", "k")
    page = requests.get(webhook.url, timeout=5).text
    assert "&lt;b&gt;" in page
    assert page.count("repeated") == 1
