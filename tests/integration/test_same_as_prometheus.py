"""Prometheus' own rule manager and incidentd, the same rules over the same data: the same alerts at every slot.

What differs on purpose is not generated here; docs/prometheus.md lists it.
"""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd.catalog.load import load
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock
from incidentd.demo.prometheus import Prometheus
from incidentd.evaluation.evaluator import Evaluator
from incidentd.evaluation.group import Group
from incidentd.incidents.desk import IncidentDesk
from incidentd.settings import Replay
from incidentd.sources.prometheus import PrometheusSource
from incidentd.store.database import Database
from tests.integration import generated_rules
from tests.integration.remote_write import write

pytestmark = pytest.mark.integration

SEED = 20261125
RULES = 300
INTERVAL = timedelta(milliseconds=500)
SLOTS = 40
"""Of each group: 20 seconds."""
_CONFIG = """
sources: {prometheus: {url: "%s"}}
receivers: [{name: hook, webhook: [{url: "http://127.0.0.1:9/"}]}]
route: {receiver: hook}
database: sqlite:///same.db
rules: [rules.yaml]
runbooks: []
"""

Alerts = frozenset[tuple[str, str, tuple[tuple[str, str], ...]]]
"""Of one slot: state, name and labels of each alert."""


@dataclass
class Both:
    """What Prometheus recorded of each group: its slots, and the alerts at each of them."""

    url: str
    file: Path
    slots: dict[str, list[datetime]]
    alerts: dict[datetime, Alerts]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The data are there before the first evaluation, the future included, so that both see the same."""
    folder = tmp_path_factory.mktemp("same")
    rules = generated_rules.rules(SEED, RULES, "500ms")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    with Prometheus(flags=("--web.enable-remote-write-receiver",)) as prometheus:
        write(prometheus.url, generated_rules.series(SEED, int(time.time()) - 30, 100))
        prometheus.reload(rules)
        slots = _wait_for_slots(prometheus.url)
        (folder / "incidentd.yaml").write_text(_CONFIG % prometheus.url, encoding="utf-8")
        yield Both(prometheus.url, folder / "incidentd.yaml", slots, _alerts(prometheus.url))


def test_pending_and_firing_agree_series_by_series_and_slot_by_slot(recorded: Both, tmp_path: Path) -> None:
    catalog = load(recorded.file).catalog
    assert len(catalog.rules) == RULES
    ours = _evaluate(recorded, catalog.rules, tmp_path)
    differences = []
    for group, slots in recorded.slots.items():
        names = {rule.name for rule in catalog.rules if rule.group == group}
        for slot in slots:
            theirs = frozenset(one for one in recorded.alerts.get(slot, ()) if one[1] in names)
            differences += [f"{slot:%S.%f} {group} only Prometheus: {one}" for one in theirs - ours[group, slot]]
            differences += [f"{slot:%S.%f} {group} only incidentd: {one}" for one in ours[group, slot] - theirs]
    assert differences[:20] == []
    states = [state for alerts in recorded.alerts.values() for state, _, _ in alerts]
    assert states.count("pending") > 1_000, "too little happened to prove anything"
    assert states.count("firing") > 1_000


def _evaluate(recorded: Both, rules: tuple[Rule, ...], folder: Path) -> dict[tuple[str, datetime], Alerts]:
    """The alerts of incidentd by group and slot."""
    loaded = load(recorded.file)
    database = Database(f"sqlite:///{folder / 'same.db'}")
    database.migrate()
    clock = MovableClock(datetime(2026, 1, 1, tzinfo=UTC))
    desk = IncidentDesk(database, lambda: loaded.catalog, clock, lambda: None)
    config = loaded.settings.sources["prometheus"]
    source = PrometheusSource("prometheus", config)
    # A slot that Prometheus missed, on a busy machine, is none of ours either.
    evaluator = Evaluator({"prometheus": source}, {"prometheus": config}, desk, Replay(longest=timedelta()))
    evaluator.adopt(rules, clock.at)
    found = {}
    try:
        for group, slots in recorded.slots.items():
            members = tuple(rule for rule in rules if rule.group == group)
            ids = {rule.id for rule in members}
            for slot in slots:
                clock.at = slot
                evaluator.evaluate(Group("prometheus", INTERVAL, members), slot)
                found[group, slot] = frozenset(
                    (alert.phase.value, alert.labels["alertname"], _sorted(alert.labels))
                    for alert in evaluator.alerts()
                    if alert.key.rule_id in ids
                )
    finally:
        source.close()
        database.close()
    return found


def _wait_for_slots(url: str) -> dict[str, list[datetime]]:
    """The times at which each group was evaluated, once there are enough of them."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        series = _query(url, "evaluated_at[2m]")
        slots = {one["metric"]["group"]: [_time(at) for at, _ in one["values"]] for one in series}
        if len(slots) == 4 and all(len(of_group) >= SLOTS for of_group in slots.values()):
            return slots
        time.sleep(0.5)
    raise AssertionError("Prometheus' rule manager was too slow")


def _alerts(url: str) -> dict[datetime, Alerts]:
    found: dict[datetime, set[tuple[str, str, tuple[tuple[str, str], ...]]]] = {}
    for one in _query(url, "ALERTS[2m]"):
        labels = {name: value for name, value in one["metric"].items() if name not in ("__name__", "alertstate")}
        for at, _ in one["values"]:
            found.setdefault(_time(at), set()).add((one["metric"]["alertstate"], labels["alertname"], _sorted(labels)))
    return {at: frozenset(alerts) for at, alerts in found.items()}


def _query(url: str, expr: str) -> list[Any]:
    query = urllib.parse.urlencode({"query": expr})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=30) as answer:  # noqa: S310 - loopback
        result: list[Any] = json.load(answer)["data"]["result"]
        return result


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(round(at * 1000) / 1000, UTC)


def _sorted(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Sorted, without the empty ones: Prometheus has no label without a value."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))
