"""Rule files as they are found in the world, loaded beside ours; and Prometheus itself says what its alerts say."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from incidentd.app import App
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.load import load
from incidentd.clock import SystemClock
from incidentd.demo.prometheus import Prometheus
from incidentd.evaluation import annotate, ladder
from incidentd.settings import Source
from incidentd.sources.base import Answered, Question, Sample
from incidentd.sources.prometheus import PrometheusSource

pytestmark = pytest.mark.integration

T = TypeVar("T")

CORPUS = Path(__file__).parent / "prometheus_rules"
CONFIG = """\
sources: {prometheus: {url: http://127.0.0.1:9090, every: 15s, external_labels: {cluster: eu}}}
receivers: [{name: hook, webhook: [{url: http://127.0.0.1:9000}]}]
route: {receiver: hook}
"""
NATIVE = "rules: [{name: Watchdog, expr: up == 0, severity: sev2, runbook: disk-is-full}]\n"
RUNBOOKS = {
    "Disk-Is-Full.md": "# Disk\n\n## Mitigation\n",
    "pod_restarts_in_a_loop.md": "# Pods\n",
    "ApiErrorBudgetBurns.md": "# Budget\n",
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("corpus")
    shutil.copytree(CORPUS, folder / "rules/upstream")
    (folder / "rules/own.yaml").write_text(NATIVE)
    (folder / "runbooks").mkdir()
    for name, text in RUNBOOKS.items():
        (folder / "runbooks" / name).write_text(text)
    (folder / "incidentd.yaml").write_text(CONFIG)
    return load(folder / "incidentd.yaml").catalog


def named(catalog: Catalog, name: str) -> list[Any]:
    return [rule for rule in catalog.rules if rule.name == name and not rule.is_native]


def test_every_file_of_the_corpus_that_prometheus_2_reads_is_one_that_prometheus_reads() -> None:
    for name in ("workloads.yaml", "live.yaml"):
        done = subprocess.run(
            ["promtool", "check", "rules", str(CORPUS / name)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_whole_corpus_loads_beside_native_rules(catalog: Catalog) -> None:
    assert (len(catalog.rules), catalog.recording) == (21, 1)
    assert len({rule.id for rule in catalog.rules}) == 21
    assert {rule.file for rule in catalog.rules} == {
        "", "upstream/live.yaml", "upstream/nodes.yaml", "upstream/operator.yaml", "upstream/workloads.yaml",
    }  # fmt: skip


def test_what_check_says_of_it_names_file_and_line(catalog: Catalog) -> None:
    said = [
        f"{Path(one.position.file).name}:{one.position.line}: {re.sub(': error executing.*', '', one.message)}"
        for one in catalog.warnings
        if "has no runbook" not in one.message
    ]
    assert sorted(said) == [
        "live.yaml:11: the label `where` does not render",
        "live.yaml:23: Numbers fires for every series: neither its expression nor a `when` compares",
        "nodes.yaml:38: the severity of clock-skew is a template, and what it opens is decided before: sev3",
        "operator.yaml:17: QueueGrows: its runbook `TODO` is neither a URL nor one of ours",
        "operator.yaml:22: this object is left out: a Namespace holds no rules",
        "workloads.yaml:100: ALERTS are the alerts that Prometheus evaluates; those of incidentd are not among them",
    ]


def test_values_are_as_they_are_written_and_anchors_merge(catalog: Catalog) -> None:
    first, second = named(catalog, "Disk is nearly full")
    assert first.labels == {"severity": "s2", "condition": "true", "on_call": "yes", "operator": "="}
    assert second.labels["severity"] == "s3"
    assert (first.levels[0].severity, second.levels[0].severity) == ("sev2", "sev3")
    assert (first.levels[0].holds_for, second.levels[0].holds_for) == (timedelta(hours=1), timedelta(minutes=5))
    assert second.resolve.holds_for == timedelta(weeks=1)
    assert (first.group, first.every, first.limit) == ("nodes / disks and more", timedelta(minutes=1), 100)
    assert named(catalog, "clock-skew")[0].levels[0].holds_for == timedelta(milliseconds=1)


def test_three_rules_of_one_name_have_their_own_clocks(catalog: Catalog) -> None:
    burns = named(catalog, "ApiErrorBudgetBurns")
    assert [rule.levels[0].severity for rule in burns] == ["sev2", "sev2", "sev3"]
    assert len({rule.id for rule in burns}) == 3


def test_heartbeats_are_told_from_what_opens_nothing(catalog: Catalog) -> None:
    assert {rule.name for rule in catalog.rules if rule.heartbeat} == {"Watchdog", "DeadMansSwitch"}
    assert {rule.name for rule in catalog.rules if not rule.opens} == {"InfoInhibitor"}


def test_runbooks_are_ours_where_there_is_one_and_links_where_there_is_none(catalog: Catalog) -> None:
    found = {rule.name: (rule.runbook, rule.runbook_url) for rule in catalog.rules if not rule.is_native}
    assert {name: where for name, where in found.items() if any(where)} == {
        "PodRestartsInALoop": (
            "pod_restarts_in_a_loop", "https://runbooks.example.com/cluster/podrestartsinaloop/",
        ),
        "ReplicasDoNotMatch": (None, "https://wiki.example.com/runbook.md#alert-name-replicasdonotmatch"),
        "ApiErrorBudgetBurns": (
            "apierrorbudgetburns", "https://runbooks.example.com/cluster/apierrorbudgetburns",
        ),
        "Disk is nearly full": ("disk-is-full", "docs/runbooks/disk-is-full.md#mitigation"),
        "NodeGone": (None, "https://wiki.example.com/NodeGone"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with ScrapesItself() as running:
        yield running


class ScrapesItself(Prometheus):
    """Under two jobs: something that is up, with values that do not move."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        target = f"127.0.0.1:{port}"
        super().__init__({"self": target, "also": target}, rules=(CORPUS / "live.yaml").read_text(), port=port)


def alerts_of(prometheus: Prometheus, count: int) -> list[dict[str, Any]]:
    """Its own alerts, once there are so many."""
    deadline = time.monotonic() + 30
    while True:
        answer = requests.get(f"{prometheus.url}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
        if len(answer) >= count or time.monotonic() > deadline:
            return [{key: one[key] for key in ("state", "labels", "annotations")} for one in answer]
        time.sleep(0.1)


def test_labels_and_annotations_are_those_of_prometheus_itself(prometheus: Prometheus, tmp_path: Path) -> None:
    """But for queries among labels, which are not asked here."""
    config = CONFIG.replace("http://127.0.0.1:9090", prometheus.url).replace(", external_labels: {cluster: eu}", "")
    (tmp_path / "incidentd.yaml").write_text(config)
    (tmp_path / "rules").mkdir()
    shutil.copy(CORPUS / "live.yaml", tmp_path / "rules/live.yaml")
    expected = alerts_of(prometheus, 8)
    found: list[dict[str, Any]] = []
    source = PrometheusSource("prometheus", Source(url=prometheus.url))
    at = SystemClock().now()

    def query(expr: str) -> Sequence[Sample]:
        asked = Question(expr)
        answer = source.ask([asked], at)[asked]
        assert isinstance(answer, Answered)
        return answer.samples

    for rule in load(tmp_path / "incidentd.yaml").catalog.rules:
        for transition in ladder.step(rule, Answered(tuple(query(rule.expr))), {}, at):
            alert = transition.after
            texts = annotate.texts(rule, alert, at, query)
            found.append({"state": alert.phase.value, "labels": dict(alert.labels), "annotations": texts})
    source.close()
    where = [alert["labels"].pop("where", "")[:26] for alerts in (found, expected) for alert in alerts]
    assert sorted(where) == [*[""] * 12, *["<error expanding template:"] * 2, "also", "also"]
    assert by_text(found) == by_text(expected)


def by_text(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(alerts, key=lambda one: json.dumps(one, sort_keys=True))


RUNNING = """\
groups:
  - name: running
    interval: 1s
    rules:
      - alert: Job is up
        expr: sum by (job) (up) > 0
        labels: {severity: warning}
        annotations: {summary: "{{ $labels.job }} is up", runbook_url: "https://wiki.example.com/{{ $labels.job }}#how"}
      - alert: Job is up
        expr: sum by (job) (up{job="also"}) > 0
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.job }} is very up", runbook: Also.md#how}
      - {alert: Informed, expr: vector(2) > 1, labels: {severity: none}, annotations: {summary: "{{ $value }} here"}}
      - {alert: Watchdog, expr: vector(1), labels: {severity: none}}
      - {alert: DeadMansSwitch, expr: vector(1) < 0, labels: {severity: none}}
"""


def test_the_service_opens_what_the_file_says_and_nothing_else(prometheus: Prometheus, tmp_path: Path) -> None:
    """One incident of both variants, one for the heartbeat that does not beat, none for `none`."""
    alerts_of(prometheus, 8)
    config = CONFIG.replace("http://127.0.0.1:9090", prometheus.url)
    (tmp_path / "rules").mkdir()
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "rules/running.yaml").write_text(RUNNING)
    (tmp_path / "runbooks/also.md").write_text("# Also\n\n## How\n")
    (tmp_path / "incidentd.yaml").write_text(f"{config}listen: 127.0.0.1:0\ndatabase: sqlite:///{tmp_path}/x.db\n")
    app = App(tmp_path / "incidentd.yaml", load(tmp_path / "incidentd.yaml"), SystemClock())
    app.start()
    try:
        opened = eventually(lambda: found if len(found := open_incidents(app)) == 2 else None)
        alerts = requests.get(f"{app.address}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    finally:
        app.stop()
    assert [(one["title"], one["severity"], [book["url"] for book in one["runbooks"]]) for one in opened] == [
        ("DeadMansSwitch does not fire any more: it must always fire", "sev2", []),
        ("also is very up (+2 more)", "sev2", ["http://127.0.0.1:9720/runbooks/also#how"]),
    ]
    assert opened[1]["labels"] == {"alertname": "Job is up", "cluster": "eu"}
    (informed,) = (one for one in alerts if one["labels"]["alertname"] == "Informed")
    assert (informed["state"], informed["annotations"], informed["incident"]) == ("firing", {"summary": "2 here"}, None)
    assert informed["labels"] == {"alertname": "Informed", "severity": "none", "cluster": "eu"}


def open_incidents(app: App) -> list[dict[str, Any]]:
    """Those that are open, by title."""
    answer = requests.get(f"{app.address}/api/v1/incidents", params={"state": "open"}, timeout=5).json()["incidents"]
    return sorted(answer, key=lambda one: str(one["title"]))


def eventually(ask: Callable[[], T | None]) -> T:
    """What *ask* gives once it gives something."""
    deadline = time.monotonic() + 30
    while (given := ask()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return given
