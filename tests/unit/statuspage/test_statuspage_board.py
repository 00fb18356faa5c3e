from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from incidentd.catalog.component import Component, StatusPage
from incidentd.statuspage import board
from incidentd.statuspage.board import Board
from incidentd.statuspage.status import Status
from tests.unit.statuspage.town import CHAT, EMBED, LOGIN, NOON, Happening, at, entries, happened, incident


def drawn(*stories: tuple[str, list[Happening]], now: datetime = NOON, zone: str = "UTC") -> Board:
    page = StatusPage(components=(CHAT, EMBED, LOGIN))
    incidents = [
        incident(component, told, number, uid=f"{number:032x}") for number, (component, told) in _numbered(stories)
    ]
    timelines = {number: entries(told, number) for number, (_, told) in _numbered(stories)}
    return board.build(page, incidents, timelines, now=now, zone=ZoneInfo(zone))


def _numbered(
    stories: tuple[tuple[str, list[Happening]], ...],
) -> list[tuple[int, tuple[str, list[Happening]]]]:
    return list(enumerate(stories, start=1))


def over(begin: str, end: str, severity: str) -> list[Happening]:
    return [happened(begin, "opened", "detected", severity), happened(end, "resolved", "resolved", severity)]


def lasting(begin: str, severity: str) -> list[Happening]:
    return [happened(begin, "opened", "detected", severity)]


def test_the_banner_says_what_is_wrong_since_when() -> None:
    assert (drawn().headline, drawn().since) == ("All systems operational", None)
    well = drawn(("chat-api", over("11-18 10:00", "11-18 11:00", "sev1")))
    assert (well.headline, well.since) == ("All systems operational", at("11-18 11:00"))
    one = drawn(("login", lasting("11-20 11:00", "sev1")))
    assert (one.headline, one.since) == ("Sign-in has a major outage", at("11-20 11:00"))
    slow = drawn(("login", lasting("11-20 11:00", "sev3")))
    assert slow.headline == "Sign-in has degraded performance"
    two = drawn(("login", lasting("11-20 11:00", "sev3")), ("chat-api", lasting("11-20 11:20", "sev2")))
    assert (two.headline, two.since, two.status) == (
        "2 of 3 components are affected",
        at("11-20 11:00"),
        Status.PARTIAL,
    )
    every = drawn(*((one.id, lasting("11-20 11:00", "sev2")) for one in (CHAT, EMBED, LOGIN)))
    assert every.headline == "All components are affected"
    nothing = board.build(StatusPage(), [], {}, now=NOON, zone=ZoneInfo("UTC"))
    assert (nothing.headline, nothing.groups) == ("No components are shown yet", [])


def test_affected_since_goes_back_to_where_trouble_began_not_to_the_last_climb() -> None:
    told = [*lasting("11-20 10:00", "sev3"), happened("11-20 10:30", "severity", "detected", "sev1")]
    found = drawn(("chat-api", over("11-20 08:00", "11-20 09:00", "sev1")), ("chat-api", told))
    assert found.since == at("11-20 10:00")
    assert found.components[0].since == at("11-20 10:30")
    assert found.components[0].status is Status.MAJOR


def test_affected_components_and_their_groups_stand_first() -> None:
    assert [group.name for group in drawn().groups] == ["API", ""]
    found = drawn(("login", lasting("11-20 11:00", "sev1")), ("embeddings", lasting("11-20 11:00", "sev3")))
    assert [(group.name, [one.component.id for one in group.members]) for group in found.groups] == [
        ("", ["login"]),
        ("API", ["embeddings", "chat-api"]),
    ]
    assert [one.component.id for one in found.affected] == ["login", "embeddings"]


def test_an_incident_is_named_after_what_it_does_and_after_the_worst_when_it_is_over() -> None:
    told = [*lasting("11-20 10:00", "sev1"), happened("11-20 10:30", "severity", "detected", "sev3")]
    assert drawn(("chat-api", told)).incidents[0].name == "Chat API: degraded performance"
    ended = [*told, happened("11-20 10:40", "resolved", "resolved", "sev3")]
    assert drawn(("chat-api", ended)).incidents[0].name == "Chat API: major outage"


def test_updates_are_fixed_sentences() -> None:
    told = [
        happened("11-20 10:00", "opened", "detected", "sev3"),
        happened("11-20 10:05", "severity", "detected", "sev2"),
        happened("11-20 10:10", "acknowledged", "acknowledged", "sev2"),
        happened("11-20 10:15", "unacknowledged", "detected", "sev2"),
        happened("11-20 10:20", "note", "detected", "sev2"),
        happened("11-20 10:25", "severity", "detected", "sev4"),
        happened("11-20 10:30", "mitigating", "mitigating", "sev4"),
        happened("11-20 10:40", "resolved", "resolved", "sev4"),
    ]
    found = drawn(("chat-api", told)).incidents[0]
    assert [(update.stage.value, update.text) for update in found.updates] == [
        ("investigating", "We are investigating."),
        ("investigating", "The impact is now: partial outage."),
        ("identified", "The cause is being worked on."),
        ("investigating", "We are investigating."),
        ("investigating", "The component is not affected any more."),
        ("monitoring", "A fix is in place and we are watching."),
        ("resolved", "This incident has been resolved."),
    ]
    assert [update.id[32:] for update in found.updates] == ["-1", "-2", "-3", "-4", "-5", "-6", "-7"]
    assert found.monitoring_at == at("11-20 10:30")
    assert found.resolved_at == at("11-20 10:40")


def test_what_names_no_component_of_the_page_is_not_public() -> None:
    found = drawn(
        ("", lasting("11-20 11:00", "sev1")),
        ("payroll", lasting("11-20 11:00", "sev1")),
        ("chat-api", lasting("11-20 11:00", "sev4")),
    )
    assert (found.incidents, found.headline) == ((), "All systems operational")


def test_a_day_lists_what_was_active_in_it_and_quiet_days_are_one_stretch() -> None:
    """23:00 to 01:00 in Berlin is on two days; the open one goes on until today."""
    found = drawn(
        ("chat-api", over("11-16 22:00", "11-17 00:00", "sev2")),
        ("login", lasting("11-19 12:00", "sev3")),
        zone="Europe/Berlin",
    )
    assert [
        (str(one.newest), str(one.oldest), [incident.name for incident in one.incidents]) for one in found.recent(6)
    ] == [
        ("2026-11-20", "2026-11-20", ["Sign-in: degraded performance"]),
        ("2026-11-19", "2026-11-19", ["Sign-in: degraded performance"]),
        ("2026-11-18", "2026-11-18", []),
        ("2026-11-17", "2026-11-17", ["Chat API: partial outage"]),
        ("2026-11-16", "2026-11-16", ["Chat API: partial outage"]),
        ("2026-11-15", "2026-11-15", []),
    ]
    assert [(str(one.newest), str(one.oldest)) for one in drawn().recent(14)] == [("2026-11-20", "2026-11-07")]


def test_the_worst_open_incident_stands_first() -> None:
    found = drawn(
        ("chat-api", lasting("11-20 10:00", "sev1")),
        ("embeddings", lasting("11-20 11:00", "sev3")),
        ("login", over("11-20 11:30", "11-20 11:40", "sev1")),
    )
    assert [one.component.id for one in found.unresolved] == ["chat-api", "embeddings"]
    assert [one.component.id for one in found.incidents] == ["login", "embeddings", "chat-api"]


def test_two_components_of_one_name_do_not_share_their_days() -> None:
    page = StatusPage(components=(Component(id="a", name="Web"), Component(id="b", name="Web")))
    told = lasting("11-20 11:00", "sev1")
    found = board.build(page, [incident("a", told)], {1: entries(told)}, now=NOON, zone=ZoneInfo("UTC"))
    today = found.components[1].days[-1]
    assert found.active_on(today, page.components[1]) == []
    assert len(found.active_on(today, page.components[0])) == 1
