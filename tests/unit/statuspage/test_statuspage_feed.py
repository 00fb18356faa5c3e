from __future__ import annotations

import feedparser

from tests.unit.statuspage.town import Town, happened

OPEN = [happened("11-20 11:00", "opened", "detected", "sev2")]
OVER = [
    happened("11-18 09:00", "opened", "detected", "sev1"),
    happened("11-18 09:30", "resolved", "resolved", "sev1"),
]


def test_a_feed_reader_understands_it(town: Town) -> None:
    town.story("login", OVER, uid="a" * 32)
    town.story("chat-api", OPEN, uid="b" * 32)
    town.publish()
    feed = feedparser.parse(town.read("history.atom"))
    assert (feed.bozo, feed.version) == (False, "atom10")
    assert (feed.feed.title, feed.feed.updated) == ("Example status", "2026-11-20T11:00:00+00:00")
    assert [(one.title, one.id, one.link, one.published, one.updated) for one in feed.entries] == [
        (
            "Chat API: partial outage",
            "urn:uuid:bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb",
            f"https://status.example.com/status/incidents/{'b' * 32}.html",
            "2026-11-20T11:00:00+00:00",
            "2026-11-20T11:00:00+00:00",
        ),
        (
            "Sign-in: major outage",
            "urn:uuid:aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
            f"https://status.example.com/status/incidents/{'a' * 32}.html",
            "2026-11-18T09:00:00+00:00",
            "2026-11-18T09:30:00+00:00",
        ),
    ]
    assert feed.entries[1].content[0].value.splitlines() == [
        "<p><strong>Resolved</strong> 18 Nov 2026, 09:30 UTC<br />This incident has been resolved.</p>",
        "<p><strong>Investigating</strong> 18 Nov 2026, 09:00 UTC<br />We are investigating.</p>",
    ]


def test_an_empty_feed_is_a_feed(town: Town) -> None:
    town.publish()
    feed = feedparser.parse(town.read("history.atom"))
    assert (feed.bozo, feed.entries, feed.feed.updated) == (False, [], "1970-01-01T00:00:00+00:00")
