"""What people and labels say inside must never be public."""

from __future__ import annotations

from incidentd.catalog.component import Component, StatusPage
from tests.unit.statuspage.town import NOON, Town, happened

SECRET = "hunter2-dbhost.internal-anna"
TOLD = [
    happened("11-20 10:00", "opened", "detected", "sev2"),
    happened("11-20 10:01", "paged", "detected", "sev2"),
    happened("11-20 10:02", "note", "detected", "sev2"),
    happened("11-20 10:05", "acknowledged", "acknowledged", "sev2"),
]
OVER = [*TOLD, happened("11-20 10:30", "resolved", "resolved", "sev2")]
INSIDE = {
    "title": SECRET,
    "runbook": SECRET,
    "owner": SECRET,
    "rule_commit": SECRET,
    "acknowledged_by": SECRET,
    "resolved_by": SECRET,
}


def test_nothing_of_labels_rules_runbooks_or_people_is_in_any_file(town: Town) -> None:
    for number, (component, told) in enumerate((("chat-api", OVER), ("login", TOLD), ("", TOLD), (SECRET, TOLD))):
        town.story(component, told, secret=SECRET, key=f"{SECRET}-{number}", **INSIDE)
    town.publish()
    files = [path for path in town.out.rglob("*") if path.is_file()]
    assert len([path for path in files if path.parent.name == "incidents" and path.suffix == ".html"]) == 2
    for path in files:
        text = path.read_text(encoding="utf-8") + path.as_posix()
        assert "hunter2" not in text
        assert "dbhost" not in text
        assert "anna" not in text
        assert "INC-" not in text


def test_what_the_catalog_makes_public_is_escaped(town: Town) -> None:
    hostile = Component(id="chat-api", name='<script>alert("1")</script> & Co', description="<b>", group="<i>")
    town.page = StatusPage(title="<u>Example", out=town.out, components=(hostile,))
    town.story("chat-api", TOLD)
    town.clock.at = NOON
    town.publish()
    for path in town.out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>" not in text
        assert not {"<b>", "<i>", "<u>"} & set(text.split())
    assert "&lt;script&gt;" in town.read("index.html")
