"""What an alert says about its runbook -> ours, or a link out."""

from __future__ import annotations

from typing import Any

import pytest

from incidentd.catalog import runbook, runbook_link
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.catalog.runbook_link import Reference

FILES = {
    "down.md": "# It is down\n\n## What to do\n\n1. Look.\n",
    "disk-is-full.md": "# Full\n",
    "node_down.md": "# Node\n",
    "node-down.md": "# Node too\n",
    "KubePodCrashLooping.md": "# Pod\n",
}
CATALOG = Catalog(
    rules=(),
    runbooks={one.name: one for one in (runbook.parse(name, text)[0] for name, text in FILES.items())},
    receivers={},
    route=Route(),
)


def rule(name: str = "A", **fields: Any) -> Rule:
    return Rule.model_validate({"name": name, "expr": "up", "severity": "sev2", "identity": ("f", "g", name), **fields})


@pytest.mark.parametrize(
    ("annotations", "labels", "found"),
    [
        ({"runbook_url": "https://w.example.com/a/down.md"}, {}, "down"),
        ({"runbook_url": "https://w.example.com/a/DOWN.html?x=1#y"}, {}, "down"),
        ({"runbook_url": "https://w.example.com/kubepodcrashlooping/"}, {}, "kubepodcrashlooping"),
        ({"runbook_url": "https://w.example.com/disk%2Dis%2Dfull"}, {}, "disk-is-full"),
        ({"runbook": "docs/runbooks/down.md#what"}, {}, "down"),
        ({"runbook": "down"}, {"playbook": "node-down"}, "down"),
        ({"runbook_url": "https://w.example.com/else"}, {"playbook": "node-down"}, "node-down"),
        ({"playbook": "node_down"}, {}, "node_down"),
        ({"runbook_url": "{{ $labels.job }}/down"}, {}, ""),
        ({"runbook_url": "TODO"}, {}, ""),
        ({"summary": "down"}, {}, ""),
    ],
)
def test_the_last_part_of_a_url_names_our_file(annotations: dict[str, str], labels: dict[str, str], found: str) -> None:
    assert runbook_link.find(CATALOG, rule(), annotations, labels).runbook == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("DOWN", "down"),
        ("DiskIsFull", "disk-is-full"),
        ("disk_is_full", "disk-is-full"),
        ("Disk is full", "disk-is-full"),
        ("KubePodCrashLooping", "kubepodcrashlooping"),
        ("Node-Down", "node-down"),
        ("NodeDown", ""),
        ("Nothing", ""),
        ("!!!", ""),
    ],
)
def test_the_alerts_own_name_does_so_where_it_is_clear_which(name: str, found: str) -> None:
    assert runbook_link.find(CATALOG, rule(name), {}, {}).runbook == found


def test_a_url_that_is_not_ours_is_kept_to_link_out() -> None:
    said = {"runbook": "TODO", "playbook": "https://w.example.com/some%20thing#part"}
    reference = runbook_link.find(CATALOG, rule(), said, {})
    assert reference == Reference("", "https://w.example.com/some%20thing#part")
    link = runbook_link.link(CATALOG, reference, "https://i.example.com")
    assert link is not None
    assert (link.title, link.url, link.runbook) == ("some thing", "https://w.example.com/some%20thing#part", None)


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("https://w.example.com/x/down.md#what-to-do", "/runbooks/down#what-to-do"),
        ("https://w.example.com/x/down.md#What-To-Do", "/runbooks/down#what-to-do"),
        ("https://w.example.com/x/down.md#gone", "/runbooks/down"),
        ("https://w.example.com/x/down.md", "/runbooks/down"),
    ],
)
def test_an_anchor_leads_to_the_heading_if_there_is_one(said: str, url: str) -> None:
    reference = runbook_link.find(CATALOG, rule(), {"runbook_url": said}, {})
    link = runbook_link.link(CATALOG, reference, "https://i.example.com")
    assert link is not None
    assert link.url == f"https://i.example.com{url}"


def test_an_anchor_of_another_page_is_not_that_of_ours() -> None:
    reference = runbook_link.find(CATALOG, rule("Down"), {"runbook_url": "https://w.example.com/x#what-to-do"}, {})
    link = runbook_link.link(CATALOG, reference, "")
    assert link is not None
    assert (reference.runbook, link.url) == ("down", "/runbooks/down")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "ftp://w.example.com/x", "//w.example.com/x", "https://", "http://[",
     "https://w.example.com/" + "x" * 2000],
)  # fmt: skip
def test_nobody_is_sent_anywhere_but_to_http_and_https(url: str) -> None:
    assert runbook_link.link(CATALOG, Reference("", url), "") is None
    assert runbook_link.find(CATALOG, rule(), {"runbook_url": url}, {}) == Reference()


def test_what_would_break_out_of_a_link_is_escaped() -> None:
    link = runbook_link.link(CATALOG, Reference("", 'https://[::1]:8080/a b|c>"]'), "")
    assert link is not None
    assert link.url == "https://[::1]:8080/a%20b%7Cc%3E%22%5D"


def test_a_native_rule_names_its_own() -> None:
    native = rule(identity=(), runbook="down")
    assert runbook_link.find(CATALOG, native, {"runbook_url": "https://w.example.com/x"}, {}) == Reference("down")
