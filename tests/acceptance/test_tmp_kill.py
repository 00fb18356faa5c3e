"""Two services watch the same recorded data; one of them is killed again and again. Both saw the same incidents."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from incidentd.demo.prometheus import Prometheus
from tests.acceptance.conftest import Service, eventually, free_port
from tests.integration.remote_write import write

pytestmark = pytest.mark.acceptance

SEED = 7
KILLS = 6
LASTS_S = 40
HEAD_START_S = 15
"""Until the first value moves: both services run by then."""
SERVICES = [f"s{number}" for number in range(8)]
RULES: dict[str, Any] = {
    "defaults": {"every": "1s", "group_by": ["service"], "cooldown": "0s"},
    "rules": [
        {
            "name": "Ladder",
            "expr": "recorded",
            "levels": [
                {"when": "> 20%", "severity": "sev2", "for": "2s"},
                {"when": "> 2%", "severity": "sev3", "for": "1s"},
            ],
            "resolve": {"for": "2s"},
        },
        {"name": "Slow", "expr": "recorded > 0.02", "severity": "sev2", "for": "4s"},
        {"name": "Quiet", "expr": "recorded > 0.02", "severity": "sev3", "cooldown": "1h"},
    ],
}


@dataclass
class Twins:
    calm: Service
    killed: Service
    begins: float
    """Unix time of the first value that moves."""


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    with Prometheus(flags=("--web.enable-remote-write-receiver",)) as prometheus:
        begins = int(time.time()) + HEAD_START_S
        write(prometheus.url, [_series(service, begins) for service in SERVICES])
        calm, killed = (_service(tmp_path / name, prometheus.url) for name in ("calm", "killed"))
        try:
            calm.start()
            killed.start()
            yield Twins(calm, killed, begins)
        finally:
            calm.stop()
            killed.stop()


def test_kill_9_at_random_moments_changes_nothing_of_what_happened(twins: Twins) -> None:
    rng = random.Random(SEED)  # noqa: S311 - not for secrets
    for kill in range(KILLS):
        _wait_until(twins.begins + LASTS_S / KILLS * (kill + rng.random()))
        twins.killed.kill()
        twins.killed.start()
    _wait_until(twins.begins + LASTS_S)
    calm, killed = _over(twins.calm), _over(twins.killed)

    assert _sequences(killed) == _sequences(calm)
    missed = {one["number"] for one in killed if _is_missed(one)}
    assert len(calm) > 30
    assert not [one for one in calm if _is_missed(one)]
    assert missed, "no incident began and ended while it was down: another seed would prove more"
    assert _pages(twins.calm) == {one["number"]: 1 for one in calm}
    assert _pages(twins.killed) == {one["number"]: 1 for one in killed if one["number"] not in missed}
    _assert_missed_are_dated_as_they_were(calm, [one for one in killed if one["number"] in missed])


def _series(service: str, begins: int) -> tuple[dict[str, str], list[tuple[float, float]]]:
    """A value each half second: spans of nothing, of a little and of much."""
    rng = random.Random(f"{SEED} {service}")  # noqa: S311 - not for secrets
    values: list[float] = [0.0] * (2 * HEAD_START_S)
    while len(values) < 2 * (HEAD_START_S + LASTS_S - 8):
        values += [rng.choice((0.03, 0.4))] * rng.randint(2, 14)
        values += [0.0] * rng.randint(2, 12)
    values += [0.0] * 60
    first = begins - HEAD_START_S
    return {"__name__": "recorded", "service": service}, [(first + at / 2, value) for at, value in enumerate(values)]


def _service(folder: Path, prometheus: str) -> Service:
    port = free_port()
    config = {
        "listen": f"127.0.0.1:{port}",
        "sources": {"prometheus": {"url": prometheus, "follow_scrapes": False}},
        "receivers": [{"name": "hook", "webhook": [{"url": "http://127.0.0.1:9/"}]}],
        "route": {"receiver": "hook"}, "replay": {"longest": "0s"},
    }
    (folder / "rules").mkdir(parents=True)
    (folder / "runbooks").mkdir()
    (folder / "rules" / "r.yaml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
    (folder / "incidentd.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return Service(folder, port)


def _wait_until(at: float) -> None:
    threading.Event().wait(max(0.0, at - time.time()))


def _over(service: Service) -> list[dict[str, Any]]:
    """Every incident, oldest first, once all of them are over."""
    eventually(lambda: None if service.incidents("?state=open") else True, "every incident is over")
    return service.incidents("?limit=500")[::-1]


def _is_missed(incident: dict[str, Any]) -> bool:
    return any(entry["kind"] == "missed" for entry in incident["timeline"])


def _of(incident: dict[str, Any]) -> tuple[str, str]:
    return incident["alerts"][0]["rule"], incident["labels"]["service"]


def _sequences(incidents: list[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """By rule and service, the states in which its incidents ended, oldest first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in incidents:
        found[_of(one)].append(one["state"])
    return dict(found)


def _pages(service: Service) -> Counter[int]:
    """Opening notices by incident, as they stand in the outbox."""
    with sqlite3.connect(service.folder / "incidentd.db") as connection:
        rows = connection.execute("SELECT incident_number FROM outbox WHERE kind = 'opened'").fetchall()
    return Counter(number for (number,) in rows)


def _assert_missed_are_dated_as_they_were(calm: list[dict[str, Any]], missed: list[dict[str, Any]]) -> None:
    for one in missed:
        began = datetime.fromisoformat(one["opened_at"])
        opened = (datetime.fromisoformat(other["opened_at"]) for other in calm if _of(other) == _of(one))
        assert min(abs(at - began) for at in opened) < timedelta(seconds=1)
