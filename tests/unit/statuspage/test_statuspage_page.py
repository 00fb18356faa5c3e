"""The HTML: what it says, and what it must not need."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from incidentd.statuspage.board import Stretch
from incidentd.statuspage.page import clock, moment, percent, stretch_title
from incidentd.statuspage.publish import PublishError
from tests.unit.statuspage.town import Town, happened

OPEN = [happened("11-20 11:00", "opened", "detected", "sev2")]
OVER = [
    happened("11-18 09:00", "opened", "detected", "sev1"),
    happened("11-18 09:30", "resolved", "resolved", "sev1"),
]


class Seen(HTMLParser):
    """Elements and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]


@pytest.fixture
def busy(town: Town) -> Town:
    town.story("login", OVER, uid="a" * 32)
    town.story("chat-api", OPEN, uid="b" * 32)
    town.publish()
    return town


def test_the_page_tells_the_state_in_words(busy: Town) -> None:
    text = Seen(busy.read("index.html")).text
    assert "Chat API has a partial outage Affected since 20 Nov 2026, 11:00 UTC" in text
    assert (
        "Current incident Chat API: partial outage Investigating 20 Nov 2026, 11:00 UTC We are investigating." in text
    )
    assert "20 November 2026 Chat API: partial outage Began 11:00 UTC, not resolved yet" in text
    assert "18 November 2026 Sign-in: major outage Resolved 09:30 UTC after 30m" in text
    assert "7 to 17 Nov 2026 No incidents" in text
    assert "Generated 20 Nov 2026, 12:00 UTC" in text
    assert "a major outage counts 100 % of its time as down, a partial outage 30 %, degraded performance 0 %" in text


def test_uptime_and_bars_come_from_the_same_intervals(busy: Town) -> None:
    """30 minutes of 90 days and noon are 0.023 %; 30 % of an hour is 0.014 %."""
    seen = Seen(busy.read("index.html"))
    labels = [one["aria-label"] for one in seen.all("svg") if one.get("role") == "group"]
    assert labels == [
        "Chat API, last 90 days: 99.98 % uptime",
        "Embeddings, last 90 days: 100 % uptime",
        "Sign-in, last 90 days: 99.97 % uptime",
    ]
    links = {one["aria-label"]: one["href"] for one in seen.all("a") if one.get("aria-label")}
    assert links == {
        "20 November 2026: partial outage 1h": f"incidents/{'b' * 32}.html",
        "18 November 2026: major outage 30m": f"incidents/{'a' * 32}.html",
    }
    assert "20 November 2026: no incident" in seen.texts


def test_a_day_with_several_incidents_leads_to_its_place_in_the_history(busy: Town) -> None:
    busy.story("login", [happened("11-18 12:00", "opened", "detected", "sev3"), *OVER[1:]], key="other")
    busy.publish()
    assert 'href="history.html#2026-11-18"' in busy.read("index.html")
    assert 'id="2026-11-18"' in busy.read("history.html")


def test_an_incident_has_a_page_that_stays(busy: Town) -> None:
    text = Seen(busy.read(f"incidents/{'a' * 32}.html")).text
    assert "Sign-in: major outage" in text
    assert "State Resolved Component Sign-in Began 18 Nov 2026, 09:00 UTC Lasted 30m" in text
    assert "Resolved 18 Nov 2026, 09:30 UTC This incident has been resolved." in text
    assert "Generated" not in text


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(busy: Town) -> None:
    """It works from a folder, below any path, and under a policy of 'self' alone."""
    for path in busy.out.rglob("*.html"):
        seen = Seen(path.read_text(encoding="utf-8"))
        assert not seen.all("style")
        for tag, attributes in seen.elements:
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]
            if tag == "script":
                assert attributes["src"]
            for name in ("href", "src"):
                target = attributes.get(name)
                if target and not target.startswith("#"):
                    assert not re.match(r"[a-z]+:|/", target), target
                    assert (path.parent / re.split(r"[?#]", target)[0]).exists(), target
    assert "url(" not in busy.read("style.css")
    assert "@import" not in busy.read("style.css")


def test_every_time_is_readable_by_machines(busy: Town) -> None:
    times = [one["datetime"] for one in Seen(busy.read("index.html")).all("time")]
    assert "2026-11-20T11:00:00Z" in times
    assert None not in times


def test_the_icon_follows_the_status(town: Town) -> None:
    town.publish()
    well = town.read("icon.svg")
    town.story("chat-api", OPEN)
    assert "icon.svg" in town.publish()
    assert town.read("icon.svg") != well


def test_the_users_templates_come_first(town: Town, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "statuspage").mkdir(parents=True)
    (own / "statuspage" / "style.css").write_text(":root { --page: hotpink }", encoding="utf-8")
    town.settings = town.settings.model_copy(update={"templates": own})
    town.fresh_publisher().publish()
    assert town.read("style.css") == ":root { --page: hotpink }"
    assert "All systems operational" in town.read("index.html")


@pytest.mark.parametrize(
    "template", ["{{ nothing.here }}", "{% if %}", "{{ 1 / 0 }}", "{{ board.page.__class__.mro() }}"]
)
def test_a_template_that_fails_is_named_and_the_old_page_stays(town: Town, tmp_path: Path, template: str) -> None:
    town.publish()
    before = town.read("index.html")
    own = tmp_path / "own"
    (own / "statuspage").mkdir(parents=True)
    (own / "statuspage" / "index.html").write_text(template, encoding="utf-8")
    town.settings = town.settings.model_copy(update={"templates": own})
    with pytest.raises(PublishError, match=r"statuspage/index\.html"):
        town.fresh_publisher().publish()
    assert town.read("index.html") == before


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, "100 %"), (0.999999, "99.99 %"), (0.9998, "99.98 %"), (0.5, "50 %"), (0.3, "30 %"), (0.0, "0 %")],
)
def test_a_percentage_is_cut_never_rounded_up(share: float, expected: str) -> None:
    assert percent(share) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "15:04 UTC"), ("Europe/Berlin", "16:04 CET"), ("America/Sao_Paulo", "12:04 UTC-03")],
)
def test_times_carry_their_zone(zone: str, expected: str) -> None:
    at = datetime(2026, 1, 2, 15, 4, tzinfo=UTC)
    assert clock(at, ZoneInfo(zone)) == expected
    assert moment(at, ZoneInfo(zone)) == f"2 Jan 2026, {expected}"


def test_a_stretch_of_days_is_written_short() -> None:
    def title(oldest: date, newest: date) -> str:
        return stretch_title(Stretch(newest, oldest, ()))

    assert title(date(2026, 11, 3), date(2026, 11, 3)) == "3 November 2026"
    assert title(date(2026, 11, 3), date(2026, 11, 9)) == "3 to 9 Nov 2026"
    assert title(date(2026, 12, 28), date(2027, 1, 2)) == "28 Dec to 2 Jan 2027"
