"""Alerts of Prometheus rules -> their labels and the texts of their annotations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from incidentd.alert import Alert
from incidentd.catalog.rule import Rule
from incidentd.evaluation import annotate, ladder
from incidentd.incidents.evaluated import Evaluated
from incidentd.sources.base import Answer, Answered, Reason, Sample, Unknown

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
BROKEN = (
    "<error expanding template: error parsing template __alert_A: "
    'template: __alert_A:1: function "humanise" not defined>'
)


def rule(annotations: dict[str, str] | None = None, **fields: Any) -> Rule:
    return Rule.model_validate(
        {
            "name": "A", "expr": "up == 0", "severity": "sev2", "identity": ("f", "g", "A"),
            "annotations": annotations or {}, "external_labels": {"cluster": "eu"},
            "external_url": "https://prometheus.example.com/x", **fields,
        }
    )  # fmt: skip


class Asked:
    """A source that answers every query with what the test says."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer: Answer = answer or Answered((Sample({"job": "a"}, 7.0),))
        self.asked: list[str] = []

    def __call__(self, expr: str) -> Answer:
        self.asked.append(expr)
        return self.answer


def evaluated(of: Rule, *samples: Sample, previous: dict[str, Alert] | None = None, minute: int = 0) -> Evaluated:
    at = T0 + timedelta(minutes=minute)
    return Evaluated(of, tuple(ladder.step(of, Answered(samples), previous or {}, at)))


def texts(of: Rule, *samples: Sample, ask: Asked | None = None) -> list[dict[str, str]]:
    (one,) = annotate.annotate([evaluated(of, *samples)], ask or Asked(), T0)
    return [dict(found) for found in one.annotations.values()]


def test_each_alert_has_the_texts_of_its_own_series() -> None:
    summary = "{{ $labels.instance | stripPort }} in {{ $externalLabels.cluster }}: {{ $value | humanize }}"
    found = texts(rule({"summary": summary}), Sample({"instance": "a:9100"}, 1500.0), Sample({"instance": "b:1"}, 2.0))
    assert sorted(one["summary"] for one in found) == ["a in eu: 1.5k", "b in eu: 2"]


def test_labels_are_those_of_the_series_and_not_the_rules() -> None:
    """As in Prometheus, also where the rule covers a label of the series."""
    of = rule({"all": "{{ $labels }}"}, labels={"severity": "critical", "node": "{{ $labels.node }}!"})
    (alert,) = [one.after for one in evaluated(of, Sample({"node": "n1", "job": "x"}, 1.0)).transitions]
    assert alert.labels == {"node": "n1!", "job": "x", "severity": "critical", "alertname": "A", "cluster": "eu"}
    assert texts(of, Sample({"node": "n1", "job": "x"}, 1.0)) == [{"all": "map[job:x node:n1]"}]


def test_a_label_that_becomes_empty_is_none_and_one_that_fails_says_so() -> None:
    of = rule(labels={"gone": "{{ $labels.nothing }}", "job": "", "bad": "{{ 1 | humanise }}"})
    assert ladder.alert_labels(of, {"job": "x"}, 1.0) == {"bad": BROKEN, "alertname": "A", "cluster": "eu"}


def test_a_label_that_holds_the_value_changes_within_one_alert() -> None:
    """In Prometheus each value is an alert of its own, and its clock starts anew."""
    of = rule(labels={"at": "{{ $value }}"})
    first = evaluated(of, Sample({"job": "x"}, 1.0)).transitions[0].after
    (second,) = evaluated(of, Sample({"job": "x"}, 2.0), previous={first.key.fingerprint: first}, minute=1).transitions
    assert (second.before.labels["at"], second.after.labels["at"]) == ("1", "2")
    assert second.after.firing_since == T0


def test_a_native_rules_labels_are_no_templates() -> None:
    of = Rule.model_validate({"name": "A", "expr": "up", "severity": "sev2", "labels": {"x": "{{ $value }}", "y": ""}})
    assert ladder.alert_labels(of, {}, 1.0) == {"x": "{{ $value }}", "y": "", "alertname": "A"}


def test_a_template_that_fails_has_prometheus_own_text_and_the_alert_fires() -> None:
    of = rule({"summary": "{{ $value | humanise }}", "description": "fine"})
    assert texts(of, Sample({}, 1.0)) == [{"summary": BROKEN, "description": "fine"}]


def test_queries_are_asked_once_and_not_without_end() -> None:
    ask = Asked()
    of = rule({"one": '{{ query "up" | first | value }}', "two": '{{ query "up" | first | label "job" }}'})
    assert texts(of, Sample({"i": "1"}, 1.0), Sample({"i": "2"}, 1.0), ask=ask) == [{"one": "7", "two": "a"}] * 2
    assert ask.asked == ["up"]
    many = rule({"one": '{{ query (printf "x%s" $labels.i) | first | value }}'})
    found = texts(many, *(Sample({"i": str(number)}, 1.0) for number in range(60)), ask=(ask := Asked()))
    assert len(ask.asked) == 50
    assert sum(one["one"] == "7" for one in found) == 50
    assert sum("more than 50 queries in one evaluation" in one["one"] for one in found) == 10


def test_a_query_that_fails_stands_in_the_text() -> None:
    ask = Asked(Unknown(Reason.TIMEOUT, "no answer within 10s"))
    (found,) = texts(rule({"one": '{{ query "up" | first | value }}'}), Sample({}, 1.0), ask=ask)
    assert found["one"].endswith("error calling query: timeout: no answer within 10s>")


def test_only_what_is_news_and_fires_is_expanded() -> None:
    of = rule({"summary": "{{ $value }}"}, **{"for": "1m"}, resolve={"for": "5m"})
    pending = evaluated(of, Sample({}, 1.0))
    assert annotate.annotate([pending], Asked(), T0)[0].annotations == {}
    before = {one.after.key.fingerprint: one.after for one in pending.transitions}
    firing = evaluated(of, Sample({}, 2.0), previous=before, minute=1)
    (print_,) = before
    assert annotate.annotate([firing], Asked(), T0)[0].annotations == {print_: {"summary": "2"}}
    before = {one.after.key.fingerprint: one.after for one in firing.transitions}
    assert (
        annotate.annotate([evaluated(of, Sample({}, 2.0), previous=before, minute=2)], Asked(), T0)[0].annotations == {}
    )
    assert annotate.annotate([evaluated(of, previous=before, minute=2)], Asked(), T0)[0].annotations == {}, "clearing"


def test_after_a_start_the_labels_of_the_series_are_those_that_the_rule_does_not_add() -> None:
    of = rule({"all": "{{ $labels }}"}, labels={"severity": "critical"})
    labels = {"job": "x", "severity": "critical", "alertname": "A", "cluster": "eu"}
    (one,) = evaluated(of, Sample({"job": "x"}, 1.0)).transitions
    assert annotate.texts(of, Alert(one.after.key, labels, value=1.0), T0) == {"all": "map[job:x]"}
