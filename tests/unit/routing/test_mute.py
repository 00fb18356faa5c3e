"""Who is muted, by whom, and who is not: the table of silences, inhibitions and mute times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidentd.catalog.inhibit_rule import InhibitRule
from incidentd.catalog.route import Route
from incidentd.catalog.silence import Maintenance
from incidentd.catalog.time_interval import TimeInterval
from incidentd.labels import Labels, parse_matchers
from incidentd.routing import mute, router
from incidentd.routing.mute import Inhibitions, Muted, MuteReason
from incidentd.routing.silence import Silence, SilenceState
from incidentd.severity import Severity

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOBODY = Inhibitions((), ())
CHAT = {"alertname": "ErrorRate", "service": "chat", "severity": "sev2"}
SEARCH = {"alertname": "ErrorRate", "service": "search", "severity": "sev2"}


def silence(*matchers: str, **fields: Any) -> Silence:
    given: dict[str, Any] = {
        "id": "S-1",
        "author": "anna",
        "reason": "deploy",
        "origin": "api",
        "ends_at": NOW + 2 * HOUR,
    } | fields
    return Silence(matchers=parse_matchers(matchers), **given)


def inhibitions(rules: Sequence[dict[str, Any]], *firing: Labels) -> Inhibitions:
    return Inhibitions([InhibitRule.model_validate(one) for one in rules], firing)


def of(*alerts: Labels, active: Sequence[Silence] = (), inhibited: Inhibitions = NOBODY) -> Muted | None:
    return mute.of_incident(alerts, active, inhibited, NOW)


def test_a_silence_mutes_what_meets_all_of_its_matchers() -> None:
    muted = of(CHAT, active=[silence('service="chat"', 'severity=~"sev[23]"')])
    assert muted == Muted(MuteReason.SILENCE, "S-1", "silenced by anna (deploy), S-1", NOW + 2 * HOUR)
    assert muted.sentence == "silenced by anna (deploy), S-1, until 2026-11-20 14:00 UTC"
    assert of(CHAT, active=[silence('service="chat"', 'severity="sev1"')]) is None


def test_sev1_is_not_exempt() -> None:
    assert of({**CHAT, "severity": "sev1"}, active=[silence('service="chat"')]) is not None


def test_one_alert_that_is_not_muted_is_enough_to_page() -> None:
    assert of(CHAT, SEARCH, active=[silence('service="chat"')]) is None
    assert of(CHAT, SEARCH, active=[silence('alertname="ErrorRate"')]) is not None


def test_an_incident_without_a_firing_alert_is_not_muted() -> None:
    assert of(active=[silence('service="chat"')]) is None


def test_of_several_silences_the_one_that_ends_last_counts() -> None:
    short, long = silence('service="chat"'), silence('service="chat"', id="S-2", ends_at=NOW + 5 * HOUR)
    muted = of(CHAT, active=[short, long])
    assert muted is not None
    assert (muted.by, muted.until) == ("S-2", NOW + 5 * HOUR)


def test_of_several_alerts_the_one_that_is_heard_again_first_counts() -> None:
    late = silence('service="search"', id="S-2", ends_at=NOW + 5 * HOUR)
    muted = of(SEARCH, CHAT, active=[silence('service="chat"'), late])
    assert muted is not None
    assert (muted.by, muted.until) == ("S-1", NOW + 2 * HOUR)


def test_maintenance_and_an_incident_that_ends_it_are_named() -> None:
    planned = silence('service="chat"', maintenance=Maintenance(title="New database", components=("chat-api",)))
    muted = of(CHAT, active=[planned])
    assert muted is not None
    assert (muted.reason, muted.text) == (MuteReason.MAINTENANCE, "in maintenance (New database) by anna (deploy), S-1")
    bound = of(CHAT, active=[silence('service="chat"', ends_at=None, until_incident=42)])
    assert bound is not None
    assert bound.sentence == "silenced by anna (deploy), S-1, until INC-42 resolves"


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, SilenceState.ACTIVE),
        ({"starts_at": NOW}, SilenceState.ACTIVE),
        ({"starts_at": NOW + HOUR}, SilenceState.PENDING),
        ({"ends_at": NOW}, SilenceState.EXPIRED),
        ({"ends_at": None}, SilenceState.ACTIVE),
        ({"ended_at": NOW - HOUR}, SilenceState.EXPIRED),
        ({"time_intervals": (TimeInterval.model_validate({"weekdays": ["friday"]}),)}, SilenceState.ACTIVE),
        ({"time_intervals": (TimeInterval.model_validate({"weekdays": ["monday"]}),)}, SilenceState.PENDING),
    ],
)
def test_a_silence_is_pending_then_active_then_expired(fields: dict[str, Any], state: SilenceState) -> None:
    assert silence('service="chat"', **fields).state(NOW) is state


def test_a_silence_that_recurs_ends_with_its_window_or_for_good() -> None:
    window = TimeInterval.model_validate({"times": [{"start_time": "11:00", "end_time": "13:00"}]})
    assert silence('a="b"', time_intervals=(window,)).until(NOW) == NOW + HOUR
    assert silence('a="b"', time_intervals=(window,), ends_at=NOW + HOUR / 2).until(NOW) == NOW + HOUR / 2


NODE_DOWN = {"alertname": "NodeDown", "node": "a", "severity": "sev1"}
POD_DOWN = {"alertname": "PodDown", "node": "a", "severity": "sev3"}
RULE = {"source_matchers": ['alertname="NodeDown"'], "target_matchers": ['severity=~"sev3|sev4"'], "equal": ["node"]}


def test_an_alert_that_fires_mutes_others_that_share_the_labels() -> None:
    inhibited = inhibitions([RULE], NODE_DOWN, POD_DOWN)
    assert of(POD_DOWN, inhibited=inhibited) == Muted(
        MuteReason.INHIBITION, '{alertname="NodeDown"}', "inhibited by NodeDown (node=a, severity=sev1)"
    )
    assert of({**POD_DOWN, "node": "b"}, inhibited=inhibited) is None, "another node"
    assert of(NODE_DOWN, inhibited=inhibited) is None, "the source itself"


def test_an_inhibition_has_a_name_where_it_is_given_one() -> None:
    muted = of(POD_DOWN, inhibited=inhibitions([{**RULE, "name": "node-down"}], NODE_DOWN))
    assert muted is not None
    assert muted.by == "node-down"


def test_nothing_fires_nothing_is_inhibited() -> None:
    assert of(POD_DOWN, inhibited=inhibitions([RULE])) is None


def test_labels_that_both_lack_are_equal() -> None:
    """As in Alertmanager: an absent label counts as empty."""
    rule = {**RULE, "equal": ["cluster"]}
    assert of(POD_DOWN, inhibited=inhibitions([rule], NODE_DOWN)) is not None
    assert of(POD_DOWN, inhibited=inhibitions([rule], {**NODE_DOWN, "cluster": "x"})) is None


SEVERE = {"source_matchers": ['severity=~"sev1|sev2"'], "target_matchers": ['severity=~"sev2|sev3"'], "equal": ["node"]}


def test_an_alert_that_meets_both_sides_is_not_inhibited_by_itself_or_its_like() -> None:
    both = {"alertname": "DiskFull", "node": "a", "severity": "sev2"}
    like = {"alertname": "MemoryFull", "node": "a", "severity": "sev2"}
    assert of(both, inhibited=inhibitions([SEVERE], both)) is None
    assert of(both, inhibited=inhibitions([SEVERE], both, like)) is None
    assert of(both, inhibited=inhibitions([SEVERE], both, like, NODE_DOWN)) is not None, "NodeDown is a source only"
    assert of(POD_DOWN, inhibited=inhibitions([SEVERE], both)) is not None, "and it inhibits targets"


def test_a_silence_is_named_before_an_inhibition() -> None:
    muted = of(POD_DOWN, active=[silence('node="a"')], inhibited=inhibitions([RULE], NODE_DOWN))
    assert muted is not None
    assert muted.reason is MuteReason.SILENCE


INTERVALS = {
    "office": (TimeInterval.model_validate({"times": [{"start_time": "09:00", "end_time": "17:00"}]}),),
    "weekend": (TimeInterval.model_validate({"weekdays": ["saturday", "sunday"]}),),
}
AT_NIGHT = NOW.replace(hour=22)


def by_time(at: datetime, **fields: Any) -> Muted | None:
    return mute.of_route(Route.model_validate({"receiver": "team"} | fields), INTERVALS, at)


def test_a_route_is_muted_during_its_mute_times() -> None:
    assert by_time(NOW, mute_time_intervals=["weekend", "office"]) == Muted(
        MuteReason.MUTE_TIME_INTERVAL, "office", "muted during office", NOW.replace(hour=17)
    )
    assert by_time(AT_NIGHT, mute_time_intervals=["weekend", "office"]) is None


def test_a_route_is_muted_outside_of_its_active_times() -> None:
    assert by_time(NOW, active_time_intervals=["office"]) is None
    assert by_time(AT_NIGHT, active_time_intervals=["office"]) == Muted(
        MuteReason.ACTIVE_TIME_INTERVAL, "office", "active only during office", datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    )


def test_mute_times_win_over_active_times() -> None:
    muted = by_time(NOW, active_time_intervals=["office"], mute_time_intervals=["office"])
    assert muted is not None
    assert muted.reason is MuteReason.MUTE_TIME_INTERVAL


TREE: dict[str, Any] = {
    "receiver": "team",
    "routes": [
        {"severity": ["sev2"], "receiver": "page", "mute_time_intervals": ["office"], "continue": True},
        {"severity": ["sev2", "sev3"], "receiver": "desk", "routes": [{"matchers": ['a="b"']}]},
        {"severity": ["sev4"], "receiver": "page"},
    ],
}


def routed(tree: dict[str, Any], severity: Severity, at: datetime) -> list[tuple[str, bool]]:
    found = router.route(
        Route.model_validate(tree), severity, {"a": "b"}, muted=lambda node: mute.of_route(node, INTERVALS, at)
    )
    return [(one.receiver, one.muted is not None) for one in found]


def test_a_muted_route_mutes_its_receiver_and_no_other() -> None:
    assert routed(TREE, Severity.SEV2, NOW) == [("page", True), ("desk", False)]
    assert routed(TREE, Severity.SEV2, AT_NIGHT) == [("page", False), ("desk", False)]


def test_a_muted_route_without_continue_still_ends_the_search() -> None:
    tree = {**TREE, "routes": [{**TREE["routes"][0], "continue": False}, *TREE["routes"][1:]]}
    assert routed(tree, Severity.SEV2, NOW) == [("page", True)]


def test_branches_do_not_inherit_mute_times() -> None:
    tree = {
        "receiver": "team",
        "routes": [{"receiver": "page", "mute_time_intervals": ["office"], "routes": [{"matchers": ['a="b"']}]}],
    }
    assert routed(tree, Severity.SEV2, NOW) == [("page", False)]


def test_a_receiver_that_two_routes_lead_to_is_muted_when_both_are() -> None:
    muted, plain = TREE["routes"][0], {"receiver": "page"}
    assert routed({"receiver": "team", "routes": [muted, plain]}, Severity.SEV2, NOW) == [("page", False)]
    assert routed({"receiver": "team", "routes": [muted, muted]}, Severity.SEV2, NOW) == [("page", True)]
