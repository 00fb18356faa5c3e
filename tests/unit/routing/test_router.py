"""Who hears of it: the tree of design section 13, walked."""

from __future__ import annotations

from typing import Any

import pytest

from incidentd.catalog.route import Route
from incidentd.routing import router
from incidentd.severity import Severity

TREE: dict[str, Any] = {
    "receiver": "team",
    "routes": [
        {"matchers": ['ticket="true"'], "receiver": "backlog"},
        {"severity": ["sev1", "sev2"], "receiver": "page"},
        {"severity": ["sev3"], "receiver": "team"},
        {"severity": ["sev4"], "receiver": "mail"},
    ],
}


def receivers(tree: dict[str, Any], severity: str, **labels: str) -> list[str]:
    return [one.receiver for one in router.route(Route.model_validate(tree), Severity(severity), labels)]


@pytest.mark.parametrize(
    ("severity", "receiver"), [("sev1", "page"), ("sev2", "page"), ("sev3", "team"), ("sev4", "mail")]
)
def test_severity_leads_to_its_receiver(severity: str, receiver: str) -> None:
    assert receivers(TREE, severity, service="chat") == [receiver]


def test_the_first_match_wins() -> None:
    assert receivers(TREE, "sev1", ticket="true") == ["backlog"]


def test_continue_goes_on_to_the_next_sibling() -> None:
    tree = {**TREE, "routes": [{**TREE["routes"][0], "continue": True}, *TREE["routes"][1:]]}
    assert receivers(tree, "sev1", ticket="true") == ["backlog", "page"]


def test_a_node_none_of_whose_children_applies_answers_itself() -> None:
    assert receivers({"receiver": "team", "routes": [{"severity": ["sev1"], "receiver": "page"}]}, "sev4") == ["team"]


def test_a_child_without_receiver_inherits_the_one_above() -> None:
    tree = {
        "receiver": "team",
        "routes": [{"matchers": ["service=~chat|search"], "routes": [{"severity": ["sev1"], "receiver": "page"}]}],
    }
    assert receivers(tree, "sev1", service="chat") == ["page"]
    assert receivers(tree, "sev2", service="search") == ["team"]


def test_a_receiver_is_told_once_however_many_routes_lead_there() -> None:
    tree = {"receiver": "a", "routes": [{"receiver": "b", "continue": True}, {"receiver": "b"}]}
    assert receivers(tree, "sev3") == ["b"]


def test_a_tree_without_any_receiver_leads_nowhere() -> None:
    assert receivers({}, "sev1") == []


def test_it_says_how_it_got_there() -> None:
    (routed,) = router.route(Route.model_validate(TREE), Severity.SEV2, {})
    assert routed.path == ("everything", "severity sev1, sev2")


def test_a_matcher_on_the_severity_works_as_in_alertmanager() -> None:
    tree = {"receiver": "team", "routes": [{"matchers": ['severity=~"sev1|sev2"'], "receiver": "page"}]}
    assert [receivers(tree, severity) for severity in ("sev1", "sev3")] == [["page"], ["team"]]
    own = router.route(Route.model_validate(tree), Severity.SEV1, {"severity": "mine"})
    assert [one.receiver for one in own] == ["team"], "a label of the incident's own wins"
