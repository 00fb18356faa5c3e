"""Durations, labels and matchers, severities: written as Prometheus writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidentd import duration
from incidentd.labels import fingerprint, parse_matcher, parse_matchers
from incidentd.severity import Severity, worst


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("7d", 604_800), ("1w", 604_800), ("500ms", 0.5), ("0s", 0), ("0", 0)],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, seconds: float) -> None:
    assert duration.parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1s1m", "five", "1.5h", "5m5m"])
def test_what_is_no_duration_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write it as Prometheus does"):
        duration.parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.9, "0s"), (59, "59s"), (93, "1m 33s"), (3600, "1h"), (14 * 86_400 + 25_007, "14d 6h"), (-5, "0s")],
)
def test_durations_are_shown_by_their_two_largest_units(seconds: float, text: str) -> None:
    assert duration.text(timedelta(seconds=seconds)) == text


def test_the_order_of_labels_does_not_matter_and_their_borders_do() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "1b", "c": "2"}) != fingerprint({"a": "1", "bc": "2"})
    assert fingerprint({}) != fingerprint({"": ""})


@pytest.mark.parametrize(
    ("matcher", "labels", "matches"),
    [
        ('team="ai"', {"team": "ai"}, True),
        ("team=ai", {"team": "ai"}, True),
        ('team!="ai"', {}, True),
        ('team=""', {}, True),
        ('service=~"chat|search"', {"service": "search"}, True),
        ('service=~"chat"', {"service": "chat-api"}, False),
        ('service!~"chat.*"', {"service": "chat-api"}, False),
        (r'path="a\"b\\c"', {"path": 'a"b\\c'}, True),
        ('note="two\\nlines"', {"note": "two\nlines"}, True),
    ],
)
def test_matchers_match_as_in_prometheus(matcher: str, labels: dict[str, str], matches: bool) -> None:  # noqa: FBT001 - a parametrised expectation
    assert parse_matcher(matcher).matches(labels) is matches


@pytest.mark.parametrize("text", ["team", "=x", 'team="ai', 'team=~"("', "te am=x", 'team=="ai"'])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"matcher|quote|regular expression"):
        parse_matcher(text)


def test_matchers_must_all_match() -> None:
    both = parse_matchers(['a="1"', 'b="2"'])
    assert both.matches({"a": "1", "b": "2"})
    assert not both.matches({"a": "1"})
    assert str(both) == '{a="1", b="2"}'


def test_sev1_is_the_worst() -> None:
    assert worst([Severity.SEV3, Severity.SEV1, Severity.SEV4]) is Severity.SEV1
    assert worst([]) is None
    assert Severity.SEV1.is_worse_than(Severity.SEV2)
    assert not Severity.SEV2.is_worse_than(Severity.SEV2)
