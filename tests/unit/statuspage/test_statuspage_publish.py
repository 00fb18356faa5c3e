"""The public folder: whole files, nothing left over, and a loop that survives."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from incidentd import metrics
from incidentd.catalog.component import StatusPage
from incidentd.statuspage import folder
from incidentd.statuspage.folder import FolderError
from incidentd.statuspage.publish import Publisher
from tests.unit.statuspage.town import CHAT, LOGIN, NOON, Town, happened

OVER = [
    happened("11-18 09:00", "opened", "detected", "sev1"),
    happened("11-18 09:30", "resolved", "resolved", "sev1"),
]
OPEN = [happened("11-20 11:00", "opened", "detected", "sev2")]
LAYOUT = [
    "style.css",
    "stale.js",
    "icon.svg",
    "history.html",
    "history.atom",
    "api/v2/summary.json",
    "api/v2/status.json",
    "api/v2/components.json",
    "api/v2/incidents.json",
    "api/v2/incidents/unresolved.json",
    "api/v2/scheduled-maintenances.json",
    "api/v2/scheduled-maintenances/upcoming.json",
    "api/v2/scheduled-maintenances/active.json",
    "index.html",
]
GENERATED = [path for path in LAYOUT if path.startswith("api/") or path == "index.html"]


def published(outcome: str) -> float:
    return metrics.REGISTRY.get_sample_value("incidentd_statuspage_publications_total", {"outcome": outcome}) or 0.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def test_the_layout_is_stable_and_the_index_comes_last(town: Town) -> None:
    assert town.publish() == LAYOUT
    assert sorted(path.relative_to(town.out).as_posix() for path in town.out.rglob("*") if path.is_file()) == sorted(
        LAYOUT
    )
    assert (town.out / "index.html").stat().st_mode & 0o444 == 0o444


def test_only_the_time_of_generation_is_written_when_nothing_changed(town: Town) -> None:
    town.story("login", OVER)
    town.publish()
    assert town.publish() == []
    town.clock.at += timedelta(minutes=1)
    assert town.publish() == GENERATED


def test_a_change_rewrites_what_it_touches(town: Town) -> None:
    town.publish()
    uid = town.story("chat-api", OPEN)
    changed = town.publish()
    assert {f"incidents/{uid}.html", "history.html", "history.atom", "icon.svg", "index.html"} <= set(changed)
    assert "style.css" not in changed
    assert json.loads(town.read("api/v2/status.json"))["status"]["indicator"] == "major"


def test_incident_pages_outlive_the_ninety_days_and_come_back_when_lost(town: Town) -> None:
    uid = town.story("login", OVER)
    town.publish()
    town.clock.at = NOON + timedelta(days=400)
    town.publish()
    page = town.out / "incidents" / f"{uid}.html"
    assert page.is_file()
    assert json.loads(town.read("api/v2/incidents.json"))["incidents"] == []
    page.unlink()
    town.fresh_publisher().publish()
    assert "Sign-in: major outage" in page.read_text(encoding="utf-8")


def test_pages_of_a_component_that_is_public_no_more_go_and_what_is_not_ours_stays(town: Town) -> None:
    gone, kept = town.story("login", OVER), town.story("chat-api", OPEN)
    town.publish()
    (town.out / "CNAME").write_text("status.example.com", encoding="utf-8")
    (town.out / "incidents" / "about.html").write_text("by hand", encoding="utf-8")
    town.page = StatusPage(title="Example", out=town.out, components=(CHAT,))
    town.publish()
    assert not (town.out / "incidents" / f"{gone}.html").exists()
    assert (town.out / "incidents" / f"{kept}.html").exists()
    assert (town.out / "CNAME").exists()
    assert (town.out / "incidents" / "about.html").exists()


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Whoever reads while it is written again and again gets one of the two versions, whole."""
    versions = ("a" * 2_000_000, "b" * 2_000_000)
    folder.replace(tmp_path, {"index.html": versions[0]})
    done = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            seen.add((tmp_path / "index.html").read_text(encoding="utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        folder.replace(tmp_path, {"index.html": versions[number % 2]})
    done.set()
    reader.join()
    assert seen <= set(versions)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_disk_that_refuses_changes_no_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder stands where the second file belongs, so it cannot be prepared."""
    folder.replace(tmp_path, {"a.html": "old"})
    (tmp_path / "sub").write_text("a file where a folder is needed", encoding="utf-8")
    with pytest.raises(FolderError, match="sub"):
        folder.replace(tmp_path, {"a.html": "new", "sub/b.html": "new"})
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "sub"]


def test_what_a_killed_writer_left_is_removed_once_it_is_old(town: Town) -> None:
    town.publish()
    old, young = town.out / ".index.html.77.new", town.out / ".index.html.78.new"
    old.write_text("half", encoding="utf-8")
    young.write_text("half", encoding="utf-8")
    past = young.stat().st_mtime - 3600
    os.utime(old, (past, past))
    town.publish()
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("authored", "says"),
    [
        ({"time_zone": "Mars/Olympus"}, "'Mars/Olympus' is not a time zone"),
        ({"components": [{"id": "api", "name": "A"}, {"id": "api", "name": "B"}]}, "two components have the id 'api'"),
    ],
)
def test_what_cannot_be_shown_is_refused_when_it_is_loaded(authored: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        StatusPage.model_validate(authored)


def test_the_loop_publishes_when_woken_and_survives_a_bad_disk(town: Town) -> None:
    """The folder is first a file, which nobody can write below; once it is gone the next wake publishes."""
    town.out.write_text("in the way", encoding="utf-8")
    wake, stop = threading.Event(), threading.Event()
    failed, done = published("failed"), published("published")
    thread = threading.Thread(target=town.publisher.run, args=(wake, stop))
    with capture_logs() as logs:
        thread.start()
        until(lambda: published("failed") == failed + 1)
        town.out.unlink()
        wake.set()
        until(lambda: published("published") == done + 1)
        uid = town.story("login", OVER)
        wake.set()
        until((town.out / "incidents" / f"{uid}.html").exists)
        assert not wake.is_set()
        stop.set()
        wake.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert [one["action"] for one in logs] == ["statuspage_failed", "statuspage_published", "statuspage_published"]
    assert "public" in logs[0]["error"]


def test_the_loop_writes_nothing_where_no_component_is_authored(town: Town) -> None:
    town.page = StatusPage(out=town.out)
    before = published("published"), published("failed")
    town.publisher._try()
    assert not town.out.exists()
    assert (published("published"), published("failed")) == before


def test_the_loop_survives_what_nobody_expected(town: Town) -> None:
    """Its kind and its traceback are logged."""

    def broken() -> StatusPage:
        raise RuntimeError("a defect")

    publisher = Publisher(town.database, broken, town.settings, town.clock)  # type: ignore[arg-type]  # on purpose
    before = published("failed")
    with capture_logs() as logs:
        publisher._try()
    assert published("failed") == before + 1
    assert (logs[0]["action"], logs[0]["error"], logs[0]["exc_info"]) == ("statuspage_failed", "RuntimeError", True)


def test_a_new_component_appears_with_the_next_catalog(town: Town) -> None:
    town.page = StatusPage(title="Example", out=town.out, components=(CHAT,))
    town.publish()
    town.page = StatusPage(title="Example", out=town.out, components=(CHAT, LOGIN))
    town.publish()
    assert "Sign-in" in town.read("index.html")
