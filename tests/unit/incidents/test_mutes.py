"""Walks past silences, inhibitions and mute times: who is not paged, why, and when they are after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from incidentd.catalog.component import Component, StatusPage
from incidentd.catalog.inhibit_rule import InhibitRule
from incidentd.catalog.silence import AuthoredSilence, Maintenance
from incidentd.catalog.time_interval import TimeInterval
from incidentd.incidents.silencing import SilenceError
from incidentd.routing.silence import SilenceState
from incidentd.store import incidents, timeline

if TYPE_CHECKING:
    from incidentd.store.database import Session
    from incidentd.store.tables import Incident
    from tests.unit.incidents.conftest import Room

PAGED = ["PagerDuty (page): opened", "Slack #incidents: opened"]


def test_a_silenced_incident_opens_says_why_nobody_is_paged_and_pages_when_the_silence_ends(room: Room) -> None:
    room.at(0).silence('service="chat"', minutes=30)
    room.at(1).values({"chat": 0.6})
    assert (room.incident().state, room.outbox()) == ("detected", [])
    assert room.timeline() == [
        "Opened as sev2: chat: 0.6 fail",
        "Nobody is paged: silenced by anna (deploy), S-1, until 2026-11-20 03:30 UTC",
    ]
    assert (room.incident().muted_reason, room.incident().muted_by) == ("silence", "S-1")
    room.at(29.9).desk.end_mutes()
    assert room.outbox() == []
    room.at(30).desk.end_mutes()
    assert room.outbox() == PAGED
    assert room.timeline()[2:] == ["Still fires, and S-1 mutes it no longer; the notice goes out to page"]
    assert (room.incident().muted_reason, room.incident().held_at, room.incident().generation) == ("", None, 1)
    room.at(31).desk.end_mutes()
    assert room.outbox() == PAGED, "once"


def test_the_entry_says_muted_for_machines(room: Room) -> None:
    room.at(0).silence('service="chat"')
    room.at(1).values({"chat": 0.6})
    with room.database.reading() as session:
        assert [entry.kind for entry in timeline.of(session, 1)] == ["opened", "muted"]


def test_other_incidents_are_paged(room: Room) -> None:
    room.at(0).silence('service="chat"')
    room.at(1).values({"search": 0.6})
    assert room.outbox() == PAGED


def test_what_resolves_while_it_is_muted_tells_nobody(room: Room) -> None:
    room.at(0).silence('service="chat"', minutes=30)
    room.at(1).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(30).desk.end_mutes()
    assert room.incident().state == "resolved"
    assert room.outbox() == []


def test_whoever_was_told_before_gets_the_edits_and_the_resolve(room: Room) -> None:
    room.at(0).values({"chat/a": 0.2})
    room.at(1).silence('service="chat"')
    room.at(2).values({"chat/a": 0.2, "chat/b": 0.2})
    room.at(3).values({"chat/a": 0.0})
    assert room.outbox() == ["Slack #alerts: opened", "Slack #alerts: updated", "Slack #alerts: resolved"]


def test_a_climb_while_it_is_muted_pages_when_that_ends(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(1).silence('service="chat"', minutes=9)
    room.at(2).values({"chat": 0.6})
    assert room.outbox()[1:] == ["Slack #alerts: updated"], "the message is edited, nobody is paged"
    assert (room.incident().severity, room.incident().generation) == ("sev2", 1)
    assert room.timeline()[1:] == [
        "Severity climbed from sev3 to sev2",
        "Nobody is paged: silenced by anna (deploy), S-1, until 2026-11-20 03:10 UTC",
    ]
    room.at(10).desk.end_mutes()
    assert room.outbox()[2:] == ["Slack #alerts: escalated", *PAGED]
    assert room.incident().generation == 2


def test_a_climb_that_was_taken_back_while_it_was_muted_pages_nobody(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(1).silence('service="chat"', minutes=9)
    room.at(2).values({"chat": 0.6})
    room.at(3).values({"chat": 0.2})
    room.at(10).desk.end_mutes()
    assert room.outbox() == ["Slack #alerts: opened", "Slack #alerts: updated", "Slack #alerts: updated"]
    assert room.incident().held_at is None
    room.at(11).values({"chat": 0.6})
    assert room.outbox()[3:] == ["Slack #alerts: escalated", *PAGED]


def test_a_climb_that_was_held_is_not_owed_after_it_resolved(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(1).silence('service="chat"', minutes=3)
    room.at(2).values({"chat": 0.6})
    room.at(3).values({"chat": 0.0})
    assert room.incident().held_at is None
    room.at(5).values({"chat": 0.6})
    room.desk.end_mutes()
    assert room.outbox()[3:] == ["Slack #alerts: updated"], "quiet until the cooldown ends"
    room.at(10).desk.end_cooldowns()
    assert room.outbox()[4:] == ["Slack #alerts: opened", *PAGED]


def test_who_took_it_meanwhile_is_not_paged_until_it_is_given_back(room: Room) -> None:
    room.at(0).silence('service="chat"', minutes=10)
    room.at(1).values({"chat": 0.6})
    room.at(2).desk.acknowledge(1, room.anna)
    room.at(10).desk.end_mutes()
    assert room.outbox() == []
    room.at(11).desk.unacknowledge(1, room.anna)
    room.desk.end_mutes()
    assert room.outbox() == PAGED


def test_a_silence_that_is_ended_by_hand_mutes_no_longer(room: Room) -> None:
    made = room.at(0).silence('service="chat"')
    room.at(1).values({"chat": 0.6})
    changes = room.changes
    ended = room.at(2).desk.end_silence(made.id, room.anna)
    assert ended is not None
    assert (ended.state(room.clock.now()), ended.ended_by) == (SilenceState.EXPIRED, "anna")
    assert room.changes == changes + 1
    room.desk.end_mutes()
    assert room.outbox() == PAGED
    again = room.at(3).desk.end_silence("s-1", room.anna)
    assert again == ended, "a repetition changes nothing"
    assert room.desk.end_silence("S-9", room.anna) is None


def test_one_alert_that_is_not_silenced_pages(room: Room) -> None:
    room.at(0).silence('instance="a"')
    room.at(1).values({"chat/a": 0.6})
    assert room.outbox() == []
    room.at(2).values({"chat/a": 0.6, "chat/b": 0.6})
    room.desk.end_mutes()
    assert room.outbox() == PAGED


def test_what_only_waits_out_its_resolve_time_is_not_paged_for(room: Room) -> None:
    hold: dict[str, Any] = {"resolve": {"for": "10m"}}
    room.at(0).silence('service="chat"', minutes=5)
    room.at(1).values({"chat": 0.6}, **hold)
    room.at(4).values({"chat": 0.0}, **hold)
    room.at(5).desk.end_mutes()
    assert room.outbox() == []
    room.at(6).values({"chat": 0.6}, **hold)
    room.desk.end_mutes()
    assert room.outbox() == PAGED


def test_what_nobody_heard_of_pages_at_once_when_it_fires_again_within_its_cooldown(room: Room) -> None:
    room.at(0).silence('service="chat"', minutes=3)
    room.at(1).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    room.desk.end_mutes()
    assert room.count() == 1
    assert room.outbox() == PAGED
    room.at(11).desk.end_cooldowns()
    assert room.outbox() == PAGED, "once"


def test_a_cooldown_that_ends_during_a_silence_pages_when_the_silence_ends(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(2).values({"chat": 0.0})
    room.at(4).values({"chat": 0.6})
    room.at(5).silence('service="chat"', minutes=15)
    room.at(10).desk.end_cooldowns()
    assert room.outbox()[6:] == ["PagerDuty (page): updated", "Slack #incidents: updated"]
    assert room.timeline()[-1] == "Nobody is paged: silenced by anna (deploy), S-1, until 2026-11-20 03:20 UTC"
    room.at(20).desk.end_mutes()
    assert room.outbox()[8:] == PAGED
    assert room.incident().generation == 2


def test_reopening_by_hand_is_muted_too(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).silence('service="chat"')
    room.at(3).desk.reopen(1, room.anna)
    assert room.outbox()[4:] == ["PagerDuty (page): updated", "Slack #incidents: updated"]


def test_a_silence_ends_with_its_incident(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    made = room.at(1).silence(minutes=None, until_incident=1)
    assert str(made.matchers) == '{alertname="ErrorRate", service="chat"}', "the incident's labels"
    room.at(2).values({"chat": 0.0})
    room.at(20).values({"chat": 0.6})
    assert room.outbox(2) == PAGED


def test_a_silence_ends_when_a_person_resolves_its_incident(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).silence('service="search"', minutes=None, until_incident=1)
    room.at(2).desk.resolve(1, room.anna)
    room.at(3).values({"chat": 0.6, "search": 0.6})
    assert room.outbox(2) == PAGED


def test_an_inhibition_mutes_until_its_source_has_cleared(room: Room) -> None:
    room.more = {
        "inhibit_rules": [
            InhibitRule.model_validate(
                {"name": "db-down", "source_matchers": ['alertname="DB"'], "target_matchers": ['alertname="ErrorRate"']}
            )
        ]
    }
    room.at(0).values({"db": 0.6}, name="DB", group_by=[])
    room.at(1).values({"chat": 0.6})
    assert room.outbox(2) == []
    assert room.timeline(2)[1] == "Nobody is paged: inhibited by DB (service=db, severity=sev2)"
    assert (room.incident(2).muted_reason, room.incident(2).muted_by) == ("inhibition", "db-down")
    room.desk.end_mutes()
    assert room.outbox(2) == []
    room.at(2).values({"db": 0.0}, name="DB", group_by=[])
    room.desk.end_mutes()
    assert room.outbox(2) == PAGED


NIGHT = {"night": (TimeInterval.model_validate({"times": [{"start_time": "00:00", "end_time": "03:30"}]}),)}
BY_TIME: dict[str, Any] = {
    "receiver": "team",
    "routes": [
        {"severity": ["sev2"], "receiver": "page", "mute_time_intervals": ["night"], "continue": True},
        {"severity": ["sev2", "sev3"], "receiver": "team"},
    ],
}


def test_a_mute_time_mutes_its_receiver_alone_until_it_ends(room: Room) -> None:
    room.route, room.more = BY_TIME, {"time_intervals": NIGHT}
    room.at(0).values({"chat": 0.6})
    assert room.outbox() == ["Slack #alerts: opened"]
    assert room.timeline()[1:] == ["page is not paged: muted during night, until 2026-11-20 03:30 UTC"]
    assert (room.incident().muted_reason, room.incident().muted_by) == ("mute_time_interval", "night")
    room.at(29).desk.end_mutes()
    assert len(room.outbox()) == 1
    room.at(30).desk.end_mutes()
    assert room.outbox()[1:] == PAGED
    assert room.timeline()[2:] == ["Still fires, and night mutes it no longer; the notice goes out to page"]
    assert room.incident().generation == 1, "who was told is not told anew"


def test_who_was_told_by_day_is_not_paged_for_a_climb_by_night(room: Room) -> None:
    """PagerDuty was told at sev3; its climb waits, and then it is a page of its own."""
    route: dict[str, Any] = {
        "receiver": "team",
        "routes": [
            {"severity": ["sev3"], "receiver": "page", "continue": True},
            {"severity": ["sev2"], "receiver": "page", "mute_time_intervals": ["night"], "continue": True},
            {"receiver": "team"},
        ],
    }
    room.route, room.more = route, {"time_intervals": NIGHT}
    room.at(0).values({"chat": 0.2})
    room.at(1).values({"chat": 0.6})
    assert room.outbox()[3:] == [
        "PagerDuty (page): updated", "Slack #incidents: updated", "Slack #alerts: escalated",
    ]  # fmt: skip
    assert room.incident().generation == 2
    room.at(30).desk.end_mutes()
    assert room.outbox()[6:] == ["PagerDuty (page): escalated", "Slack #incidents: escalated"]
    assert room.incident().generation == 2, "it is a new one to PagerDuty already"


def test_a_destination_of_two_receivers_is_told_when_one_of_them_is_not_muted(room: Room) -> None:
    room.receivers = [
        {"name": "page", "slack": [{"channel": "#incidents"}]},
        {"name": "team", "slack": [{"channel": "#incidents"}]},
    ]
    room.route, room.more = BY_TIME, {"time_intervals": NIGHT}
    room.at(0).values({"chat": 0.6})
    assert room.outbox() == ["Slack #incidents: opened"]
    assert room.incident().held_at is None


def test_a_route_that_leads_elsewhere_by_then_owes_nobody_anything(room: Room) -> None:
    room.route, room.more = BY_TIME, {"time_intervals": NIGHT}
    room.at(0).values({"chat": 0.6})
    room.route = {"receiver": "team"}
    room.at(30).desk.end_mutes()
    assert room.outbox() == ["Slack #alerts: opened"]
    assert room.incident().held_at is None


FRIDAYS = AuthoredSilence.model_validate(
    {
        "id": "fridays",
        "matchers": ['service="chat"'],
        "author": "anna",
        "reason": "weekly deploy",
        "time_intervals": [{"weekdays": ["friday"], "times": [{"start_time": "03:00", "end_time": "03:15"}]}],
    }
)


def test_a_silence_of_a_file_mutes_in_its_windows(room: Room) -> None:
    room.more = {"silences": (FRIDAYS,)}
    room.at(1).values({"chat": 0.6})
    assert room.timeline()[1] == (
        "Nobody is paged: silenced by anna (weekly deploy), fridays, until 2026-11-20 03:15 UTC"
    )
    room.at(15).desk.end_mutes()
    assert room.outbox() == PAGED


def test_a_silence_of_a_file_is_ended_in_its_file(room: Room) -> None:
    room.more = {"silences": (FRIDAYS,)}
    with pytest.raises(SilenceError, match="fridays is kept in a file of the catalog"):
        room.desk.end_silence("fridays", room.anna)


def test_a_silence_that_begins_later_mutes_later(room: Room) -> None:
    room.at(0).silence('service="chat"', minutes=60, starts_at=room.at(10).clock.now())
    room.at(5).values({"chat": 0.6})
    assert room.outbox() == PAGED


def test_a_past_start_becomes_now(room: Room) -> None:
    earlier = room.at(0).clock.now()
    assert room.at(5).silence('service="chat"', starts_at=earlier).starts_at == room.clock.now()


@pytest.mark.parametrize(
    ("matchers", "fields", "said"),
    [
        (['a="b"'], {"author": " "}, "A silence needs an author."),
        (['a="b"'], {"reason": ""}, "A silence needs a reason."),
        (['a="b"'], {"minutes": None}, "A silence must end: say when, or with which incident."),
        (
            ['a="b"'],
            {"minutes": None, "until_incident": 1, "maintenance": Maintenance(title="x", components=("chat-api",))},
            "Maintenance must say when it ends",
        ),
        (['a="b"'], {"minutes": -1}, "This silence would end before it begins."),
        ([], {}, "These matchers are met by every alert"),
        (['a=~".*"'], {}, "These matchers are met by every alert"),
        (['a!="b"'], {}, "These matchers are met by every alert"),
        (['a="b"'], {"until_incident": 7}, "There is no INC-7."),
        (
            ['a="b"'],
            {"maintenance": Maintenance(title="x", components=("chat",))},
            r"The status page has no component chat; did you mean `chat-api`\?",
        ),
    ],
)
def test_what_is_refused_changes_nothing(room: Room, matchers: list[str], fields: dict[str, Any], said: str) -> None:
    room.more = {"statuspage": StatusPage(components=(Component(id="chat-api", name="Chat API"),))}
    with pytest.raises(SilenceError, match=said):
        room.silence(*matchers, **fields)
    assert room.changes == 0


def test_a_silence_cannot_wait_for_what_is_over(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.0})
    with pytest.raises(SilenceError, match="INC-1 is resolved already"):
        room.silence('service="chat"', until_incident=1)


def test_everything_is_muted_only_when_it_is_meant(room: Room) -> None:
    room.at(0).silence(everything=True)
    room.at(1).values({"chat": 0.6})
    assert room.outbox() == []


def test_a_silence_survives_the_process(room: Room) -> None:
    """It is read from the database in the transaction that decides."""
    room.at(0).silence('service="chat"')
    other = type(room)(room.folder)
    other.at(1).values({"chat": 0.6})
    assert other.outbox() == []
    with other.database.reading() as session:
        assert [one.number for one in incidents.recent(session)] == [1]
    other.database.close()


def test_nothing_is_looked_at_while_nothing_has_changed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = incidents.owed

    def owed(session: Session) -> list[Incident]:
        looked.append(1)
        return real(session)

    monkeypatch.setattr(incidents, "owed", owed)
    room.at(0).silence('service="chat"', minutes=30)
    room.at(1).values({"chat": 0.6})
    for minute in (2, 3, 4):
        room.at(minute).desk.end_mutes()
    assert len(looked) == 1
    room.at(5).values({"chat": 0.7})
    room.desk.end_mutes()
    assert len(looked) == 1, "a value moved"
    room.at(6).values({"chat": 0.7, "search": 0.6})
    room.desk.end_mutes()
    assert len(looked) == 2, "an alert fired"
    room.desk.acknowledge(1, room.anna)
    room.desk.end_mutes()
    assert len(looked) == 3, "somebody acted"
    room.at(31).desk.end_mutes()
    assert len(looked) == 4, "the silence is over"
