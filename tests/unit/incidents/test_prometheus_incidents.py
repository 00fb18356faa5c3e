"""Rules of Prometheus files as responders see them: words, runbooks, shared incidents, and those that open nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidentd.alert import Alert, Phase
from incidentd.catalog import runbook
from incidentd.catalog.rule import Rule
from incidentd.evaluation import annotate, ladder
from incidentd.incidents.evaluated import Evaluated
from incidentd.sources.base import Answered, Sample

if TYPE_CHECKING:
    from tests.unit.incidents.conftest import Room


class File:
    """A Prometheus rule file with one group."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.alerts: dict[str, dict[str, Alert]] = {}

    def rule(self, severity: str = "sev2", **fields: Any) -> Rule:
        identity = ("f", "g", fields.get("name", "Down"), str(fields.get("labels")))
        return Rule.model_validate(
            {"name": "Down", "expr": "up == 0", "severity": severity, "identity": identity, **fields}
        )

    def at(self, minute: float, rule: Rule, *samples: Sample) -> None:
        now = self.room.at(minute).clock.now()
        before = self.alerts.setdefault(rule.id, {})
        transitions = ladder.step(rule, Answered(samples), before, now)
        evaluated = annotate.annotate([Evaluated(rule, tuple(transitions))], lambda _: Answered(()), now)
        self.room.desk.apply(evaluated)
        for one in transitions:
            before.pop(one.after.key.fingerprint, None)
            if one.after.phase is not Phase.INACTIVE:
                before[one.after.key.fingerprint] = one.after


def web(job: str = "web", value: float = 0.0) -> Sample:
    return Sample({"job": job}, value)


def words(room: Room, **annotations: str) -> tuple[str, str]:
    """What an alert with these annotations says: summary and description."""
    File(room).at(0, File(room).rule(annotations=annotations), web())
    (part,) = room.parts()
    assert part.annotations == {name: text.replace("{{ $labels.job }}", "web") for name, text in annotations.items()}
    return part.summary, part.description


def test_summary_and_description_are_what_the_annotations_say(room: Room) -> None:
    said = words(room, summary="{{ $labels.job }} is down", description="Look at {{ $labels.job }}.", impact="All")
    assert said == ("web is down", "Look at web.")
    assert room.incident().title == "web is down"


def test_older_files_have_only_a_message(room: Room) -> None:
    assert words(room, message="{{ $labels.job }} is down") == ("web is down", "")


def test_a_title_comes_with_its_message(room: Room) -> None:
    assert words(room, title="Down", message="It is {{ $labels.job }}") == ("Down", "It is web")


def test_without_any_words_the_name_and_the_labels_stand_for_them(room: Room) -> None:
    assert words(room, dashboard="x") == ("Down (job=web)", "")


def test_a_template_that_fails_shows_its_error_and_the_incident_opens(room: Room) -> None:
    rule = File(room).rule(annotations={"summary": "{{ $labels.job | humanise }}"})
    File(room).at(0, rule, web())
    assert room.incident().title == (
        "<error expanding template: error parsing template __alert_Down: "
        'template: __alert_Down:1: function "humanise" not defined>'
    )


def test_a_severity_that_opens_nothing_opens_nothing_and_is_evaluated(room: Room) -> None:
    file = File(room)
    rule = file.rule(opens=False)
    file.at(0, rule, web())
    assert (room.count(), len(file.alerts[rule.id])) == (0, 1)
    file.at(1, rule)
    assert (room.count(), file.alerts[rule.id]) == (0, {})


def test_an_incident_ends_although_its_rule_opens_nothing_any_more(room: Room) -> None:
    file = File(room)
    file.at(0, file.rule(), web())
    file.at(1, file.rule(opens=False), web(value=1.0))
    assert room.incident().state == "detected"
    file.at(2, file.rule(opens=False))
    assert room.incident().state == "resolved"


def test_two_rules_of_one_name_share_an_incident_and_climb_within_it(room: Room) -> None:
    file = File(room)
    warning = file.rule("sev3", labels={"severity": "warning"}, annotations={"summary": "slow"}, cooldown="10m")
    critical = file.rule("sev2", labels={"severity": "critical"}, annotations={"summary": "down"}, cooldown="10m")
    assert warning.id != critical.id
    file.at(0, warning, web())
    file.at(1, critical, web())
    assert room.count() == 1
    assert (room.incident().key, room.incident().severity) == ("Down{}", "sev2")
    assert room.incident().title == "down (+1 more)"
    assert room.incident().labels == {"job": "web", "alertname": "Down"}
    assert room.timeline()[-1] == "Severity climbed from sev3 to sev2"
    file.at(2, critical)
    assert (room.incident().state, room.incident().severity) == ("detected", "sev3")
    file.at(3, warning)
    assert room.incident().state == "resolved"


def test_a_heartbeat_that_stops_says_so_in_words_of_its_own(room: Room) -> None:
    """Its annotations say what it is for, not that it is gone."""
    file = File(room)
    rule = file.rule(
        name="Watchdog", heartbeat=True, annotations={"summary": "Always fires", "description": "It works."}
    )
    file.at(0, rule, web())
    assert room.count() == 0
    file.at(1, rule)
    assert room.incident().title == "Watchdog does not fire any more: it must always fire"
    assert room.parts()[0].description == "It works."
    file.at(2, rule, web())
    assert room.incident().state == "resolved"


def test_the_runbook_is_found_for_each_alert_by_its_own_url(room: Room) -> None:
    room.runbooks = {"web": runbook.parse("web.md", "# Web\n")[0]}
    file = File(room)
    annotations = {"runbook_url": "https://wiki.example.com/{{ $labels.job }}#top"}
    rule = file.rule(annotations=annotations, group_by=["job"])
    file.at(0, rule, web("web"), web("api"))
    found = {one.key: (one.runbook, one.runbook_url) for one in (room.incident(1), room.incident(2))}
    assert found == {
        "Down{job=web}": ("web", "https://wiki.example.com/web#top"),
        "Down{job=api}": ("", "https://wiki.example.com/api#top"),
    }


def test_the_runbook_of_an_incident_is_that_of_its_worst_rule(room: Room) -> None:
    file = File(room)
    mild = file.rule("sev3", labels={"severity": "a"}, annotations={"runbook_url": "https://wiki.example.com/mild"})
    none = file.rule("sev2", labels={"severity": "b"})
    bad = file.rule("sev1", labels={"severity": "c"}, annotations={"runbook_url": "https://wiki.example.com/bad"})
    file.at(0, mild, web())
    file.at(1, none, web())
    assert room.incident().runbook_url == "https://wiki.example.com/mild"
    file.at(2, bad, web())
    assert room.incident().runbook_url == "https://wiki.example.com/bad"
