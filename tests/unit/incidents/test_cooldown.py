"""Cooldown, flapping and held incidents, sentence by sentence as design sections 4 and 6 have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidentd.alert import AlertKey

if TYPE_CHECKING:
    from tests.unit.incidents.conftest import Room

PAGED = ["PagerDuty (page): opened", "Slack #incidents: opened"]


def opened(room: Room, number: int = 1) -> int:
    """How many opening notices PagerDuty had."""
    return room.outbox(number).count("PagerDuty (page): opened")


def all_in_doubt(room: Room) -> set[AlertKey]:
    return {alert.key for of_rule in room.alerts.values() for alert in of_rule.values()}


def test_however_often_it_flaps_within_the_cooldown_one_page_follows_at_its_end(room: Room) -> None:
    for minute in range(0, 9, 2):
        room.at(minute).values({"chat": 0.6})
        room.at(minute + 1).values({"chat": 0.0})
    room.at(9.5).values({"chat": 0.6})
    assert (room.count(), room.incident().flaps, opened(room)) == (1, 5, 1)
    assert [text for text in room.timeline() if "flap" in text][-1].endswith("reopened without a page (flap 5)")
    room.at(10).desk.end_cooldowns()
    assert opened(room) == 2


def test_the_cooldown_counts_from_the_last_opening_notice_not_from_the_first(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.0})
    room.at(2).values({"chat": 0.6})
    room.at(10).desk.end_cooldowns()
    assert opened(room) == 2
    room.at(11).values({"chat": 0.0})
    room.at(19).values({"chat": 0.6})
    assert (room.count(), opened(room)) == (1, 2), "quiet: nine minutes after the second notice"
    room.at(19.9).desk.end_cooldowns()
    assert opened(room) == 2
    room.at(20).desk.end_cooldowns()
    assert opened(room) == 3


def test_what_has_cleared_when_the_cooldown_ends_pages_nobody(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.0})
    room.at(2).values({"chat": 0.6})
    room.at(3).values({"chat": 0.0})
    room.at(10).desk.end_cooldowns()
    assert (room.incident().state, opened(room)) == ("resolved", 1)


def test_the_cooldown_of_one_key_holds_back_no_other(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).values({"chat": 0.0, "search": 0.6})
    assert (room.count(), opened(room, 2)) == (2, 1)


def test_without_a_cooldown_each_time_that_it_fires_is_an_incident(room: Room) -> None:
    for minute in (0, 2):
        room.at(minute).values({"chat": 0.6}, cooldown="0s")
        room.at(minute + 1).values({"chat": 0.0}, cooldown="0s")
    assert (room.count(), opened(room, 1), opened(room, 2)) == (2, 1, 1)
    assert room.incident(2).previous_number == 1


def test_a_climb_pages_although_somebody_has_taken_it_and_a_descent_does_not(room: Room) -> None:
    room.at(0).values({"chat": 0.2})
    room.at(1).desk.acknowledge(1, room.anna)
    room.at(2).values({"chat": 0.6})
    assert (room.incident().state, opened(room)) == ("acknowledged", 1)
    room.at(3).values({"chat": 0.2})
    room.at(30).desk.end_cooldowns()
    assert (room.incident().severity, opened(room)) == ("sev3", 1)


def test_one_of_several_held_alerts_that_clears_and_fires_again_reopens_quietly(room: Room) -> None:
    room.at(0).values({"chat/a": 0.6, "chat/b": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).values({"chat/a": 0.0, "chat/b": 0.6})
    assert room.incident().state == "resolved", "the other is held"
    room.at(3).values({"chat/a": 0.6, "chat/b": 0.6})
    assert (room.incident().state, room.incident().flaps, opened(room)) == ("detected", 1, 1)


def test_what_was_milder_while_it_was_held_comes_back_as_what_it_is(room: Room) -> None:
    """It would be told as a sev2 that nobody sees any more, for as long as its value stands still."""
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).values({"chat": 0.2})
    room.at(11).desk.end_cooldowns()
    incident = room.incident()
    assert (incident.state, incident.severity, incident.title) == ("detected", "sev3", "chat: 0.2 fail")
    assert incident.peak_severity == "sev2"


def test_what_falls_back_to_its_old_severity_while_it_is_held_is_no_climb(room: Room) -> None:
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    room.at(2).values({"chat": 0.2})
    room.at(3).values({"chat": 0.6})
    assert (room.incident().state, opened(room)) == ("resolved", 1), "as bad as when it was resolved, not worse"


def test_a_held_page_waits_until_it_is_known_that_it_still_fires(room: Room) -> None:
    """The source fails, or the value is NaN: nobody can say so."""
    room.at(0).values({"chat": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    room.at(12).desk.end_cooldowns(all_in_doubt(room))
    assert (room.incident().state, opened(room)) == ("resolved", 1)
    room.at(13).desk.end_cooldowns()
    assert (room.incident().state, opened(room)) == ("detected", 2)


def test_one_alert_that_is_known_to_fire_is_enough_for_the_page(room: Room) -> None:
    room.at(0).values({"chat/a": 0.6, "chat/b": 0.6})
    room.at(1).desk.resolve(1, room.anna)
    doubtful = sorted(all_in_doubt(room), key=lambda key: key.fingerprint)[:1]
    room.at(12).desk.end_cooldowns(doubtful)
    assert opened(room) == 2


def test_infinity_is_told_and_kept(room: Room) -> None:
    room.at(0).values({"chat": float("inf")})
    assert (room.incident().title, room.parts()[0].peak) == ("chat: inf fail", float("inf"))
