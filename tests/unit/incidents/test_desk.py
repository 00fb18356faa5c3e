"""What a responder would see: incidents open, climb, are taken, resolve and come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.outcome import Result
from incidentd.store import deliveries

if TYPE_CHECKING:
    from tests.unit.incidents.conftest import Room

PAGED = ["PagerDuty (page): opened", "Slack #incidents: opened"]


def test_a_breach_opens_one_incident_with_everything_a_responder_needs(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    incident = room.incident()
    assert (incident.number, incident.state, incident.severity) == (1, "detected", "sev2")
    assert incident.key == "ErrorRate{service=chat}"
    assert incident.title == "chat: 0.6 fail"
    assert incident.labels == {"service": "chat", "alertname": "ErrorRate"}
    assert (incident.runbook, incident.component, incident.rule_commit) == ("errors", "chat-api", "abc1234")
    assert room.outbox() == PAGED
    assert room.timeline() == ["Opened as sev2: chat: 0.6 fail"]
    assert room.changes == 1


def test_it_stays_one_incident_while_it_fires_and_its_value_is_kept_current(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.8})
    assert room.count() == 1
    assert room.incident().title == "chat: 0.8 fail"
    assert [(part.value, part.peak, part.condition) for part in room.parts()] == [(0.8, 0.8, "> 0.5")]
    assert room.outbox() == PAGED, "a new value tells nobody"


def test_groups_make_incidents_and_instances_join_them(room: Room) -> None:
    room.at(0).values({"chat/a": 0.2, "search/a": 0.3})
    assert room.count() == 2
    room.at(1).values({"chat/a": 0.2, "chat/b": 0.2, "search/a": 0.3})
    assert room.count() == 2
    assert room.timeline()[-1] == "1 alert began to fire"
    assert room.incident().labels == {"service": "chat", "alertname": "ErrorRate"}, "what the alerts share"
    room.at(2).values({"chat/b": 0.2, "search/a": 0.3})
    assert room.incident().state == "detected"
    assert room.outbox() == ["Slack #alerts: opened", "Slack #alerts: updated", "Slack #alerts: updated"]


def test_a_climb_pages_and_a_descent_does_not(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    assert room.outbox() == ["Slack #alerts: opened"]
    room.at(1).values({"chat": 0.6})
    assert room.outbox()[1:] == ["Slack #alerts: escalated", *PAGED]
    assert (room.incident().severity, room.incident().generation) == ("sev2", 2)
    room.at(2).values({"chat": 0.2})
    assert room.outbox()[4:] == [
        "Slack #alerts: updated", "PagerDuty (page): updated", "Slack #incidents: updated",
    ]  # fmt: skip
    assert (room.incident().severity, room.incident().peak_severity) == ("sev3", "sev2")
    assert room.timeline()[1:] == ["Severity climbed from sev3 to sev2", "Severity descended from sev2 to sev3"]


def test_it_resolves_when_every_alert_is_gone_and_tells_all_who_heard_of_it(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.route = {"receiver": "team"}
    room.at(5).values({"chat": 0.0})
    incident = room.incident()
    assert (incident.state, incident.resolved_by, incident.version) == ("resolved", "the rule", 2)
    assert incident.resolved_at == incident.opened_at + timedelta(minutes=5)
    assert room.outbox()[2:] == ["PagerDuty (page): resolved", "Slack #incidents: resolved"]


def test_a_refire_within_the_cooldown_reopens_quietly_and_pages_when_it_ends(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    assert room.count() == 1
    assert (room.incident().state, room.incident().flaps) == ("detected", 1)
    assert room.outbox()[4:] == ["PagerDuty (page): updated", "Slack #incidents: updated"]
    room.at(9.9).desk.end_cooldowns()
    assert len(room.outbox()) == 6
    room.at(10).desk.end_cooldowns()
    assert room.outbox()[6:] == PAGED
    assert room.incident().generation == 2
    room.at(30).desk.end_cooldowns()
    assert len(room.outbox()) == 8, "once"


def test_somebody_who_takes_it_within_the_cooldown_is_not_paged_at_its_end(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    room.at(5).desk.acknowledge(1, room.anna)
    room.at(10).desk.end_cooldowns()
    assert room.outbox()[6:] == ["PagerDuty (page): acknowledged", "Slack #incidents: acknowledged"]


def test_a_climb_pages_within_the_cooldown_too(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    assert room.outbox()[2:] == ["Slack #alerts: updated", "Slack #alerts: escalated", *PAGED]


def test_a_refire_after_the_cooldown_is_a_new_incident_that_links_the_old_one(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(10).values({"chat": 0.6})
    assert room.count() == 2
    assert room.incident(2).previous_number == 1
    assert room.outbox(2) == PAGED


def test_what_a_person_resolved_is_held_until_the_cooldown_ends(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.resolve(1, room.anna, note="false alarm")
    room.at(2).values({"chat": 0.7})
    room.at(10).desk.end_cooldowns()
    assert room.incident().state == "resolved"
    room.at(11).desk.end_cooldowns()
    assert (room.incident().state, room.incident().resolved_by) == ("detected", "")
    assert room.outbox()[4:] == PAGED
    assert "Still fires at the end of the cooldown" in room.timeline()


def test_what_a_person_resolved_stays_resolved_once_its_alerts_clear(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).values({"chat": 0.0})
    room.at(60).desk.end_cooldowns()
    assert room.incident().state == "resolved"
    assert room.incident().resolved_by == "anna"
    assert len(room.outbox()) == 4


def test_a_repeated_press_is_no_error_and_tells_nobody(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    first = room.at(1).desk.acknowledge(1, room.anna, version=1)
    again = room.at(2).desk.acknowledge(1, Actor("ben", Origin.SLACK), version=1)
    assert (first.result, first.text) == (Result.DONE, "Acknowledged by anna")
    assert (again.result, again.text) == (Result.REPEATED, "INC-1 is already acknowledged.")
    assert room.incident().acknowledged_by == "anna"
    assert len(room.outbox()) == 4


def test_a_stale_press_loses_and_its_author_alone_is_told(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    with room.database.transaction() as session:
        slack = deliveries.of_incident(session, 1)[1]
        slack.remote = {"channel": "C1", "ts": "1.2"}
    room.at(1).values({"chat": 0.0})
    press = Actor("ben", Origin.SLACK, user="U7", channel="C1")
    outcome = room.at(1.05).desk.acknowledge(1, press, version=1)
    assert outcome.result is Result.STALE
    expected = "INC-1 was resolved 3s earlier by the rule; nothing was done."
    assert outcome.text == expected
    assert room.outbox()[-1] == "Slack #incidents: updated"
    with room.database.reading() as session:
        row = deliveries.rows_of(session, 1)[-1]
    assert (row.private_user, row.text) == ("U7", expected)


def test_an_acknowledgement_of_something_resolved_is_refused(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.0})
    outcome = room.desk.acknowledge(1, room.anna)
    assert outcome.result is Result.REFUSED
    assert outcome.text == "INC-1 is resolved; it cannot be changed by `acknowledge`."


def test_an_unknown_incident_is_said_to_be_unknown(room: Room) -> None:
    assert room.desk.acknowledge(7, room.anna).text == "There is no INC-7."


def test_a_person_reopens_and_everybody_is_told_anew(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.0})
    room.at(2).desk.reopen(1, room.anna, note="still slow")
    assert room.incident().state == "detected"
    assert room.outbox()[4:] == PAGED
    room.at(3).desk.resolve(1, room.anna)
    room.at(20).values({"chat": 0.6})
    outcome = room.desk.reopen(1, room.anna)
    assert (outcome.result, outcome.text) == (Result.REFUSED, "INC-1 was followed by INC-2; go on there.")


def test_a_note_reaches_the_timeline_and_the_threads(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.desk.note(1, room.anna, "rolled back 1.4")
    assert room.timeline()[-1] == "rolled back 1.4"
    assert room.outbox()[-1] == "Slack #alerts: updated"


def test_matchers_lead_elsewhere_and_nobody_is_said_to_be_nobody(room: Room) -> None:
    room.at(0).values({"chat": 0.2}, labels={"ticket": "true"})
    assert room.outbox() == ["Jira OPS: opened"]
    room.route = {"routes": [{"severity": ["sev1"], "receiver": "page"}]}
    room.at(1).values({"chat": 0.2, "search": 0.2}, labels={"ticket": "true"})
    assert room.timeline(2)[-1] == "Nobody is told: no route leads sev3 with these labels to a destination"


def test_a_template_that_fails_never_loses_the_incident(room: Room) -> None:
    room.at(0).values({"chat": 0.6}, summary="{{ labels.nope.deeper }}")
    assert room.incident().title == "ErrorRate (service=chat)"


def test_rules_that_share_an_incident_lead_it_by_the_worst_of_them(room: Room) -> None:
    room.at(0).values({"chat": 0.2}, incident="LLMErrors")
    outage = {"name": "Outage", "levels": [{"when": "> 0.5", "severity": "sev1"}], "runbook": "outage"}
    room.at(1).values({"chat": 0.9}, incident="LLMErrors", **outage, summary="{{ labels.service }} is out")
    assert room.count() == 1
    assert (room.incident().title, room.incident().severity) == ("chat is out (+1 more)", "sev1")
    assert room.incident().runbook == "outage"


def test_a_page_that_is_owed_goes_out_when_the_acknowledgement_is_taken_back(room: Room) -> None:
    """PagerDuty had resolved it, so nobody else would ever be told that it still fires."""
    room.at(0).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    room.at(5).desk.acknowledge(1, room.anna)
    room.at(11).desk.end_cooldowns()
    room.at(12).desk.unacknowledge(1, room.anna)
    room.desk.end_cooldowns()
    assert room.outbox()[-2:] == PAGED
    assert room.incident().generation == 2
    told = len(room.outbox())
    room.at(60).desk.end_cooldowns()
    assert len(room.outbox()) == told, "once"


def test_a_page_that_is_owed_is_forgotten_when_it_resolves(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    room.at(5).desk.acknowledge(1, room.anna)
    room.at(11).values({"chat": 0.0})
    room.at(12).desk.end_cooldowns()
    assert room.incident().state == "resolved"
    assert room.outbox()[-1] == "Slack #incidents: resolved"


def test_a_clock_that_is_moved_back_holds_no_page_for_longer_than_the_cooldown(room: Room) -> None:
    room.at(600).values({"chat": 0.6})
    room.at(602).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    room.at(13.9).desk.end_cooldowns()
    assert room.incident().generation == 1
    room.at(14).desk.end_cooldowns()
    assert room.incident().generation == 2
    room.at(600).desk.resolve(1, room.anna)
    room.at(0).desk.end_cooldowns()
    assert (room.incident().state, room.incident().generation) == ("detected", 3)


def test_a_label_value_cannot_make_two_groups_look_like_one(room: Room) -> None:
    room.at(0).values({"a,instance=b/": 0.2, "a/b,instance=": 0.2}, group_by=["service", "instance"])
    assert room.count() == 2
    assert room.incident(1).key != room.incident(2).key


def test_what_no_database_can_keep_is_replaced_and_nothing_fails_for_it(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.desk.acknowledge(1, Actor("an\0na", Origin.API), note="lo\0oking")
    room.desk.note(1, room.anna, "\0")
    assert room.timeline()[-2:] == ["Acknowledged by an\ufffdna: lo\ufffdoking", "\ufffd"]
    assert room.incident().acknowledged_by == "an\ufffdna"


def test_a_climb_is_an_opening_notice_from_which_the_cooldown_counts_anew(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(5).values({"chat": 0.6})
    room.at(6).values({"chat": 0.0})
    room.at(12).values({"chat": 0.6})
    assert room.count() == 1
    told = len(room.outbox())
    room.at(14.9).desk.end_cooldowns()
    assert len(room.outbox()) == told
    room.at(15).desk.end_cooldowns()
    assert room.outbox()[-2:] == PAGED


def test_what_a_person_resolved_comes_back_at_once_when_it_gets_worse(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).values({"chat": 0.6})
    assert (room.incident().state, room.incident().severity) == ("detected", "sev2")
    assert room.outbox()[-2:] == PAGED


def test_what_a_person_resolved_is_one_incident_with_what_fires_beside_it(room: Room) -> None:
    """It is held beyond the cooldown of its opening; a second incident would tell the same thing twice."""
    room.at(0).values({"chat/a": 0.6})
    room.at(8).desk.resolve(1, room.anna)
    room.at(12).values({"chat/a": 0.6, "chat/b": 0.6})
    assert room.count() == 1
    assert (room.incident().state, room.incident().flaps) == ("detected", 1)
    room.desk.end_cooldowns()
    assert room.outbox()[-2:] == PAGED, "the cooldown of the opening is over"


def test_what_a_person_resolved_and_what_cleared_then_is_over(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(8).desk.resolve(1, room.anna)
    room.at(9).values({"chat": 0.0})
    room.at(12).values({"chat": 0.6})
    assert room.count() == 2, "nothing is held any more, and the cooldown is over"


def test_the_clocks_of_the_response_follow_the_state(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.acknowledge(1, room.anna)
    room.at(2).desk.mitigate(1, Actor("ben", Origin.API))
    incident = room.incident()
    assert (incident.acknowledged_by, incident.acknowledged_at, incident.mitigating_at) == (
        "anna", incident.opened_at + timedelta(minutes=1), incident.opened_at + timedelta(minutes=2),
    )  # fmt: skip
    room.at(3).desk.acknowledge(1, Actor("ben", Origin.API))
    incident = room.incident()
    assert (incident.state, incident.mitigating_at, incident.acknowledged_by) == ("acknowledged", None, "ben")
    assert incident.acknowledged_at == incident.opened_at + timedelta(minutes=1), "the first one counts"
    room.at(4).desk.resolve(1, room.anna)
    room.at(5).desk.reopen(1, room.anna)
    incident = room.incident()
    assert (incident.acknowledged_at, incident.acknowledged_by, incident.mitigating_at) == (None, "", None)
    assert (incident.resolved_at, incident.resolved_by, incident.state) == (None, "", "detected")


def test_what_only_waits_out_its_resolve_time_is_not_paged_at_the_end_of_the_cooldown(room: Room) -> None:
    """A person resolves what was mended: the alert still fires for its resolve.for, but nothing is wrong any more."""
    slow: dict[str, Any] = {"resolve": {"for": "20m"}}
    room.at(0).values({"chat": 0.6}, **slow)
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).values({"chat": 0.0}, **slow)
    assert room.incident().title == "chat: 0.6 fail", "what was wrong, not what it fell to"
    room.at(12).desk.end_cooldowns()
    assert (room.incident().state, len(room.outbox())) == ("resolved", 4)
    room.at(13).values({"chat": 0.7}, **slow)
    room.at(13).desk.end_cooldowns()
    assert room.incident().state == "detected", "it is back, and the cooldown is over"
    assert room.outbox()[4:] == PAGED
