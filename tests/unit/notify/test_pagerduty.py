from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import pytest
from pydantic import SecretStr, ValidationError

from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.server import Answer, Request
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError
from incidentd.notify.pagerduty import event
from incidentd.notify.pagerduty.config import PagerDutyDestination
from incidentd.severity import Severity
from tests.unit.notify.notices import acknowledged, notice, resolved
from tests.unit.notify.rigs import ROUTING_KEY, PagerDutyRig, rig

TRIGGERED = {"dedup_key": "u42-g1", "event": "trigger", "state": "detected"}
ACKNOWLEDGED = {"dedup_key": "u42-g1", "event": "acknowledge", "state": "acknowledged"}
RESOLVED = {"dedup_key": "u42-g1", "event": "resolve", "state": "resolved"}
CLIMBED = {"dedup_key": "u42-g2", "event": "trigger", "state": "acknowledged"}


@pytest.fixture
def pagerduty() -> Iterator[PagerDutyRig]:
    with rig("pagerduty") as made:
        assert isinstance(made, PagerDutyRig)
        yield made


@pytest.mark.parametrize(
    ("notification", "remote", "sent"),
    [
        # The first contact.
        (notice(), {}, ["trigger u42-g1"]),
        (acknowledged(), {}, ["trigger u42-g1", "acknowledge u42-g1"]),
        (notice(state=State.MITIGATING), {}, ["trigger u42-g1", "acknowledge u42-g1"]),
        (notice(kind=Kind.UPDATED), {}, ["trigger u42-g1"]),
        (resolved(), {}, []),
        # Following it.
        (notice(kind=Kind.UPDATED), TRIGGERED, []),
        (notice(kind=Kind.REMINDED), TRIGGERED, []),
        (acknowledged(), TRIGGERED, ["acknowledge u42-g1"]),
        (acknowledged(kind=Kind.UPDATED), TRIGGERED, ["acknowledge u42-g1"]),
        (acknowledged(), ACKNOWLEDGED, []),
        (notice(state=State.MITIGATING, kind=Kind.ACKNOWLEDGED), ACKNOWLEDGED, []),
        (notice(kind=Kind.UPDATED), ACKNOWLEDGED, ["trigger u42-g1"]),
        (resolved(), TRIGGERED, ["resolve u42-g1"]),
        (resolved(), ACKNOWLEDGED, ["resolve u42-g1"]),
        (resolved(kind=Kind.UPDATED), ACKNOWLEDGED, ["resolve u42-g1"]),
        (resolved(), RESOLVED, []),
        # Reopened quietly: nobody is paged until a page with a new generation is due.
        (notice(kind=Kind.UPDATED), RESOLVED, []),
        (acknowledged(), RESOLVED, []),
        (notice(generation=2), RESOLVED, ["trigger u42-g2"]),
        # A climb pages, also those who had acknowledged, in place of the old alert.
        (acknowledged(kind=Kind.ESCALATED, generation=2), ACKNOWLEDGED, ["trigger u42-g2", "resolve u42-g1"]),
        (notice(kind=Kind.ESCALATED, generation=2), TRIGGERED, ["trigger u42-g2", "resolve u42-g1"]),
        (notice(kind=Kind.ESCALATED), TRIGGERED, ["trigger u42-g1"]),
        (notice(kind=Kind.UPDATED, generation=2), TRIGGERED, []),
        (acknowledged(kind=Kind.UPDATED, generation=2), CLIMBED, []),
        (acknowledged(generation=2), CLIMBED, ["acknowledge u42-g2"]),
        (acknowledged(generation=2), ACKNOWLEDGED, ["trigger u42-g2", "acknowledge u42-g2", "resolve u42-g1"]),
        (resolved(generation=2), CLIMBED, ["resolve u42-g2"]),
        (resolved(generation=2), ACKNOWLEDGED, ["resolve u42-g1"]),
    ],
)
def test_only_what_is_missing_is_sent(notification: Notification, remote: Mapping[str, str], sent: list[str]) -> None:
    steps = event.plan(notification, Attempt(remote, uncertain=False))
    assert [f"{step.step} {step.dedup_key}" for step in steps] == sent


@pytest.mark.parametrize(
    ("notification", "remote", "sent"),
    [
        (resolved(), {}, ["resolve u42-g1"]),
        (resolved(), TRIGGERED, ["resolve u42-g1"]),
        (resolved(generation=2), TRIGGERED, ["resolve u42-g1", "resolve u42-g2"]),
        (resolved(generation=3), {}, ["resolve u42-g3", "resolve u42-g1", "resolve u42-g2"]),
        (notice(), {}, ["trigger u42-g1"]),
        (notice(generation=2), {}, ["trigger u42-g2", "resolve u42-g1"]),
        (notice(generation=3), TRIGGERED, ["trigger u42-g3", "resolve u42-g1", "resolve u42-g2"]),
        (notice(generation=3), RESOLVED, ["trigger u42-g3", "resolve u42-g2"]),
    ],
)
def test_what_may_have_arrived_is_resolved_too(
    notification: Notification, remote: Mapping[str, str], sent: list[str]
) -> None:
    steps = event.plan(notification, Attempt(remote, uncertain=True))
    assert [f"{step.step} {step.dedup_key}" for step in steps] == sent


def test_a_trigger_carries_what_a_responder_needs(pagerduty: PagerDutyRig) -> None:
    assert pagerduty.send(notice()) == TRIGGERED
    sent = pagerduty.stand_in.expect("trigger", timeout=0).body
    assert sent == {
        "event_action": "trigger",
        "routing_key": ROUTING_KEY,
        "dedup_key": "u42-g1",
        "client": "incidentd",
        "client_url": "https://incidents.example.com/incidents/INC-42",
        "links": [
            {"href": "https://incidents.example.com/incidents/INC-42", "text": "INC-42 in incidentd"},
            {
                "href": "https://incidents.example.com/runbooks/llm-error-rate",
                "text": "Runbook: Elevated error rate",
            },
        ],
        "payload": {
            "summary": "SEV2 · chat: 21% of LLM calls fail · limit > 5% · INC-42",
            "source": "chat",
            "severity": "error",
            "timestamp": "2024-05-06T16:02:00+00:00",
            "component": "chat-api",
            "group": "ai-platform",
            "class": "LLMErrorRateHigh",
            "custom_details": {
                "incident": "INC-42",
                "severity": "sev2",
                "value": "21% · limit > 5% · peak 24%",
                "owner": "ai-platform",
                "service": "chat",
                "next step": "Check the provider's status page.",
                "runbook": "https://incidents.example.com/runbooks/llm-error-rate",
                "alerts": ["chat: 21% of LLM calls fail · limit > 5%"],
                "labels": {"service": "chat"},
            },
        },
    }


def test_severities_are_told_in_pagerdutys_words() -> None:
    told = [event.trigger(notice(severity=severity), "x")["payload"]["severity"] for severity in Severity]
    assert told == ["critical", "error", "warning", "info"]


def test_an_incident_goes_through_its_life(pagerduty: PagerDutyRig) -> None:
    remote = pagerduty.send(notice())
    remote = pagerduty.send(acknowledged(), remote)
    assert remote == ACKNOWLEDGED
    remote = pagerduty.send(acknowledged(kind=Kind.ESCALATED, generation=2, severity=Severity.SEV1), remote)
    assert remote == {"dedup_key": "u42-g2", "event": "trigger", "state": "acknowledged"}
    assert pagerduty.stand_in.pages == 2
    remote = pagerduty.send(acknowledged(generation=2), remote)
    remote = pagerduty.send(resolved(generation=2), remote)
    assert remote == {"dedup_key": "u42-g2", "event": "resolve", "state": "resolved"}
    assert [alert.state for alert in pagerduty.stand_in.alerts] == ["resolved", "resolved"]
    assert [one.effect for one in pagerduty.stand_in.events] == [
        "paged",
        "acknowledged",
        "paged",
        "resolved",
        "acknowledged",
        "resolved",
    ]


def test_nobody_is_told_of_the_end_of_what_nobody_was_told_of(pagerduty: PagerDutyRig) -> None:
    assert pagerduty.send(resolved()) == {}
    assert pagerduty.stand_in.events == []


class FailsTheSecondEvent(PagerDutyStandIn):
    def answer(self, request: Request) -> Answer:
        self.fail_next(status=429)
        return super().answer(request)


def test_a_climb_that_failed_half_way_is_uncertain() -> None:
    """The new alert was triggered, the old one's resolve failed: the next attempt must know that it may be there."""
    with FailsTheSecondEvent() as stand_in:
        half = PagerDutyRig(stand_in, PagerDutyDestination(routing_key=SecretStr(ROUTING_KEY)), "", stand_in.port)
        remote = half.send(notice())
        stand_in.reset()
        climbed = notice(kind=Kind.ESCALATED, generation=2)
        with pytest.raises(DeliveryError) as raised:
            half.send(climbed, remote)
        assert (raised.value.permanent, raised.value.uncertain) == (False, True)
        assert [alert.state for alert in stand_in.alerts] == ["triggered", "triggered"]


def test_repeating_a_climb_pages_once_and_ends_the_old_alert(pagerduty: PagerDutyRig) -> None:
    remote = pagerduty.send(notice())
    climbed = notice(kind=Kind.ESCALATED, generation=2)
    pagerduty.send(climbed, remote)
    pagerduty.send(climbed, remote, uncertain=True)
    assert pagerduty.stand_in.pages == 2
    assert [alert.state for alert in pagerduty.stand_in.alerts] == ["resolved", "triggered"]


def test_one_attempt_is_made_and_nothing_is_logged(pagerduty: PagerDutyRig, caplog: pytest.LogCaptureFixture) -> None:
    """Left alone, pdpyras retries 429 for ever."""
    for status in (429, 500, 503):
        pagerduty.stand_in.fail_next(5, status=status)
        with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError):
            pagerduty.send(notice())
        pagerduty.stand_in.reset()
    assert [status for _, status in pagerduty.stand_in.received] == [429, 500, 503]
    assert not [record for record in caplog.records if record.name in {"pdpyras", "silent"}]


def test_what_pagerduty_says_is_wrong_is_handed_on(pagerduty: PagerDutyRig) -> None:
    pagerduty.stand_in.routing_keys = ("another",)
    with pytest.raises(DeliveryError, match="PagerDuty answered 400: 'routing_key' is invalid; Event object is"):
        pagerduty.send(notice())


def test_an_answer_that_cannot_be_read_is_uncertain(pagerduty: PagerDutyRig) -> None:
    pagerduty.stand_in.fail_next(status=202, body="<html>")
    with pytest.raises(DeliveryError) as raised:
        pagerduty.send(notice())
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)


def test_a_routing_key_that_is_empty_is_refused_where_it_is_authored() -> None:
    with pytest.raises(ValidationError, match="this secret is empty"):
        PagerDutyDestination(routing_key=SecretStr(" "))
