"""PagerDuty's webhooks: what somebody does there happens here, once, and nothing that is forged does."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from incidentd.notify.pagerduty import interaction
from incidentd.settings import PagerDuty
from tests.unit.web.site import Site, counted, open_incident

SECRET = "pagerduty-webhook-secret"
VENDORS_OWN = Path(__file__).parents[4] / "shared" / "contracts" / "pagerduty-webhook-signature.json"


@pytest.fixture
def joined(site: Site) -> Site:
    """A site with the webhook set up and INC-42 open."""
    site.restart(pagerduty=PagerDuty(webhook_secret=SecretStr(SECRET)))
    site.write(*open_incident())
    return site


def event(site: Site, kind: str = "incident.acknowledged", *, generation: int = 1, **changes: Any) -> bytes:
    """The body that PagerDuty sends about INC-42."""
    told = {
        "id": "01EVENT",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": "2026-11-20T18:09:59Z",
        "agent": {"id": "PU1", "type": "user_reference", "summary": "Anna Meier"},
        "client": None,
        "data": {"id": "PI1", "type": "incident", "incident_key": f"{site.incident(42).uid}-g{generation}"},
    }
    return json.dumps({"event": told | changes}).encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def tell(site: Site, body: bytes, header: str | None = None) -> int:
    headers = {"X-PagerDuty-Signature": header if header is not None else signature(body)}
    return site.post("/pagerduty/webhook", data=body, headers=headers).status_code


def test_an_acknowledgement_there_is_one_here_in_the_name_of_who_did_it(joined: Site) -> None:
    before = counted("incidentd_callbacks_total", vendor="pagerduty", outcome="accepted")
    assert tell(joined, event(joined)) == 200
    entry = joined.get("/api/v1/incidents/42").json()["timeline"][-1]
    assert (entry["who"], entry["origin"], entry["state"]) == ("Anna Meier", "pagerduty", "acknowledged")
    assert counted("incidentd_callbacks_total", vendor="pagerduty", outcome="accepted") == before + 1


def test_their_time_out_takes_the_acknowledgement_back_and_a_resolve_resolves(joined: Site) -> None:
    tell(joined, event(joined))
    tell(joined, event(joined, "incident.unacknowledged", id="02", agent=None))
    assert joined.incident(42).state == "detected"
    tell(joined, event(joined, "incident.resolved", id="03"))
    assert (joined.incident(42).state, joined.incident(42).resolved_by) == ("resolved", "Anna Meier")


def test_an_event_that_is_told_again_does_nothing_although_the_state_has_moved(joined: Site) -> None:
    first = event(joined)
    tell(joined, first)
    tell(joined, event(joined, "incident.unacknowledged", id="02"))
    assert tell(joined, first) == 200
    assert joined.incident(42).state == "detected"


def test_an_event_about_an_earlier_page_does_nothing(joined: Site) -> None:
    assert tell(joined, event(joined, "incident.resolved", generation=7)) == 200
    assert joined.incident(42).state == "detected"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "incident.priority_updated"},
        {"kind": "pagey.ping"},
        {"data": {"incident_key": "somebody-elses"}},
        {"data": {"incident_key": None}},
        {"data": {"incident_key": "0" * 32 + "-g1"}},
    ],
)
def test_what_does_not_concern_us_is_accepted_and_changes_nothing(joined: Site, changes: dict[str, Any]) -> None:
    assert tell(joined, event(joined, **changes)) == 200
    assert joined.incident(42).version == 1


def test_a_forged_event_is_refused_and_changes_nothing(joined: Site) -> None:
    body = event(joined)
    for header in ("", "v1=", signature(body, "guessed"), signature(body + b" "), "v0=00", "v1=ü"):
        assert tell(joined, body, header.encode().decode("latin-1")) == 401
    assert joined.incident(42).state == "detected"


def test_one_good_signature_among_several_is_enough_while_secrets_rotate(joined: Site) -> None:
    body = event(joined)
    assert tell(joined, body, f"{signature(body, 'old')}, {signature(body)}") == 200
    assert joined.incident(42).state == "acknowledged"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event": 1}', b'{"event": {"event_type": 1}}', b"\xff"])
def test_what_is_no_event_is_refused(joined: Site, body: bytes) -> None:
    assert tell(joined, body) == 400


def test_without_a_secret_there_is_no_webhook(site: Site) -> None:
    answer = site.post("/pagerduty/webhook", data=b"{}")
    assert answer.status_code == 404
    assert "pagerduty.webhook_secret" in answer.json()["detail"]


@pytest.mark.skipif(not VENDORS_OWN.exists(), reason="the vendors' contracts are not beside the repository")
def test_the_vendors_own_example_is_verified() -> None:
    example = json.loads(VENDORS_OWN.read_text(encoding="utf-8"))
    body = example["body"].encode()
    interaction.verify(example["secret"], body, example["signature"])
    assert interaction.parse(body) is None, "a change of priority concerns us not"
