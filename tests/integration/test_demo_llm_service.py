import time

import pytest
import requests

from incidentd.demo.llm_service import LLMService
from incidentd.demo.prometheus import Prometheus

pytestmark = pytest.mark.integration


def ask(prometheus: Prometheus, query: str) -> float | None:
    answer = requests.get(f"{prometheus.url}/api/v1/query", params={"query": query}, timeout=5).json()
    return float(answer["data"]["result"][0]["value"][1]) if answer["data"]["result"] else None


def test_an_outage_is_seen_in_a_real_prometheus_and_so_is_its_end() -> None:
    ratio = 'sum(rate(llm_requests_total{status=~"5.."}[5s])) / sum(rate(llm_requests_total[5s]))'
    with LLMService() as service, Prometheus({"llm": service.target}) as prometheus:

        def wait_until(low: float, high: float) -> None:
            deadline = time.monotonic() + 30
            while not low <= (ask(prometheus, ratio) or -1) <= high:
                assert time.monotonic() < deadline, ask(prometheus, ratio)
                with service.changed:
                    service.changed.wait(1)  # until the next scrape

        service.set("outage", 0.9)
        wait_until(0.8, 1)
        service.heal()
        service.set("errors", 0.05)
        wait_until(0.001, 0.2)
        assert ask(prometheus, "sum(rate(llm_requests_total[5s]))") == pytest.approx(50, rel=0.3)
        assert ask(prometheus, "count(llm_requests_total)") == 36
        p95 = "histogram_quantile(0.95, sum by (le) (rate(gen_ai_client_operation_duration_seconds_bucket[5s])))"
        assert 1 < (ask(prometheus, p95) or 0) < 3
