"""The main job, end to end: a metric crosses, people are told and act, it recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import World

pytestmark = pytest.mark.acceptance


def test_from_the_metric_that_crosses_to_the_status_page_that_is_green_again(world: World) -> None:
    world.service.start()

    world.gauges.set("llm_error_ratio", 0.2)
    incident = world.service.expect("chat: 20% of calls fail", "detected")
    assert incident["severity"] == "sev2"
    assert incident["labels"] == {"alertname": "ErrorRate", "service": "chat", "team": "ai"} | incident["labels"]
    assert [runbook["name"] for runbook in incident["runbooks"]] == ["errors"]

    message = world.slack.expect_message("#incidents", "chat: 20% of calls fail")
    assert message.buttons == ["Acknowledge", "Mitigating", "Resolve"]
    assert "Switch to the fallback provider." in message.content.visible
    trigger = world.pagerduty.expect("trigger", containing="chat: 20% of calls fail")
    assert trigger.body["payload"]["severity"] == "error"
    assert world.webhook.expect("opened").body["incident"]["name"] == "INC-1"
    world.wait_for_status("partial_outage")

    assert message.press("Acknowledge", user="U7").status_code == 200
    message.expect_update("anna")
    assert "Acknowledge" not in message.buttons
    assert world.pagerduty.expect("acknowledge").dedup_key == trigger.dedup_key
    assert world.service.expect("chat", "acknowledged")["acknowledged_at"] is not None
    assert message.press_stale("Acknowledge", user="U8").status_code == 200, "a double press is harmless"

    world.gauges.set("llm_error_ratio", 0.0)
    resolved = world.service.expect("chat", "resolved")
    assert resolved["resolved_at"] is not None
    assert world.pagerduty.expect("resolve").dedup_key == trigger.dedup_key
    message.expect_update("esolved")
    assert message.buttons == []
    world.wait_for_status("operational")

    assert [one for one in world.slack.messages if one.thread_ts is None] == [message], "edited, never posted again"
    assert world.pagerduty.pages == 1
    assert [event.action for event in world.pagerduty.events] == ["trigger", "acknowledge", "resolve"]
    said = [entry["text"] for entry in world.service.get("/api/v1/incidents/INC-1")["timeline"]]
    assert said[0] == "Opened as sev2: chat: 20% of calls fail"
    assert said[-1] == "Resolved by the rule: every alert has cleared"
    assert world.service.stop() == 0


def test_severity_and_matchers_decide_who_is_told_and_a_climb_pages(world: World) -> None:
    world.service.start()

    world.gauges.set("llm_error_ratio", 0.03)
    quiet = world.slack.expect_message("#alerts", "chat: 3% of calls fail")
    assert world.pagerduty.pages == 0
    world.gauges.set("llm_cosmetic", 1.0)
    mail = world.mail.expect("chat looks odd")
    assert mail.recipients == ("oncall@example.com",)
    assert "INC-" in mail.text
    assert "chat looks odd" in mail.html
    world.gauges.set("llm_debt", 1.0)
    issue = world.jira.expect_issue("chat has debt")
    assert issue.status == "To Do"

    world.gauges.set("llm_error_ratio", 0.4)
    world.pagerduty.expect("trigger", containing="chat: 40% of calls fail")
    world.slack.expect_message("#incidents", "chat: 40% of calls fail")
    quiet.expect_reply("climbed from sev3 to sev2")
    assert len(world.service.incidents("?state=open")) == 3, "one incident climbed, none was added"

    for name in ("llm_error_ratio", "llm_cosmetic", "llm_debt"):
        world.gauges.set(name, 0.0)
    issue.expect_status("Done")
    world.mail.expect("Re: ")
    world.service.expect("40%", "resolved")
    assert world.service.incidents("?state=open") == []


def test_a_press_that_comes_too_late_changes_nothing_and_its_author_is_told(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.03)
    message = world.slack.expect_message("#alerts", "chat")
    world.gauges.set("llm_error_ratio", 0.0)
    message.expect_update("esolved")

    assert message.press_stale("Acknowledge", user="U8").status_code == 200
    told = world.slack.expect_ephemeral("U8", "by the rule")
    assert "INC-1 was resolved" in told.content.text
    assert world.service.incidents()[0]["state"] == "resolved"


def test_killed_between_opening_and_delivery_it_loses_nothing_and_doubles_nothing(world: World) -> None:
    world.service.start()
    world.slack.hang(60, n=100, path="chat.postMessage")
    world.pagerduty.fail_next(100, status=503)
    world.gauges.set("llm_error_ratio", 0.2)
    world.service.expect("chat", "detected")
    world.slack.wait_for(lambda: True if world.slack.holding else None, "a post that hangs")
    assert world.pagerduty.pages == 0
    world.service.kill()

    world.slack.reset()
    world.pagerduty.reset()
    world.service.start()
    message = world.slack.expect_message("#incidents", "chat: 20% of calls fail")
    world.pagerduty.expect("trigger")
    world.webhook.expect("opened")
    message.press("Acknowledge")
    world.pagerduty.expect("acknowledge")
    assert world.service.expect("chat", "acknowledged")["number"] == 1
    assert len(world.service.incidents()) == 1
    assert world.pagerduty.pages == 1
    assert len([one for one in world.slack.messages if one.thread_ts is None]) == 1


def test_killed_after_slack_took_the_post_it_finds_the_message_instead_of_posting_again(world: World) -> None:
    world.service.start()
    world.slack.cut_after_accept(1, path="chat.postMessage")
    world.gauges.set("llm_error_ratio", 0.2)
    message = world.slack.expect_message("#incidents", "chat")
    world.service.kill()

    world.service.start()
    message.press("Acknowledge")
    message.expect_update("anna")
    assert len([one for one in world.slack.messages if one.thread_ts is None]) == 1


def test_a_for_clock_goes_on_through_a_kill(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_slow", 1.0)
    pending = world.service.expect_alert("Slow", "pending")
    world.service.kill()
    world.service.start()
    world.service.expect("chat is slow", "detected")
    assert world.service.expect_alert("Slow", "firing")["activeAt"] == pending["activeAt"]
