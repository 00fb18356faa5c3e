"""Somebody's /metrics, and Prometheus' answers -> numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

Samples = Mapping[str, list[tuple[float, float]]]
"""By job: (Unix time, value), oldest first."""
_TIMEOUT_S = 30
_HTTP = requests.Session()
_HTTP.trust_env = False


class Scraped:
    """The samples of one exposition."""

    def __init__(self, url: str) -> None:
        text = _HTTP.get(f"{url}/metrics", timeout=_TIMEOUT_S).text
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        """All samples of that name whose labels include these; 0 where there is none."""
        return sum(one.value for one in self._samples if one.name == name and labels.items() <= one.labels.items())

    def buckets(self, name: str) -> dict[float, float]:
        """A histogram's cumulative counts by upper bound, over all of its labels; empty where there is none."""
        found: dict[float, float] = {}
        for one in self._samples:
            if one.name == f"{name}_bucket":
                bound = float(one.labels["le"])
                found[bound] = found.get(bound, 0) + one.value
        return found


def samples(url: str, selector: str) -> Samples:
    """The raw samples of the last ten minutes."""
    answer = _HTTP.get(f"{url}/api/v1/query", params={"query": f"{selector}[10m]"}, timeout=_TIMEOUT_S).json()
    found: dict[str, list[tuple[float, float]]] = {}
    series: list[dict[str, Any]] = answer["data"]["result"]
    for one in series:
        found.setdefault(one["metric"].get("job", ""), []).extend((at, float(value)) for at, value in one["values"])
    return {job: sorted(values) for job, values in found.items()}


def post(url: str) -> None:
    """An empty POST that must be accepted."""
    _HTTP.post(url, timeout=_TIMEOUT_S).raise_for_status()
