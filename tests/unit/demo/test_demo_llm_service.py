import datetime as dt
import threading
from collections.abc import Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from incidentd.demo import llm_traffic
from incidentd.demo.llm_service import LLMService
from incidentd.demo.server import DemoError


def total(service: LLMService, name: str, **labels: str) -> float:
    """The sum over all series of that name whose labels match."""
    families = text_string_to_metric_families(service._traffic.exposition().decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def worst(service: LLMService, over: str, under: str, label: str) -> float:
    """The highest ratio of two gauges with the same label."""
    names = ("assistant", "discovery") if label == "team" else ("gpt-4o", "gpt-4o-mini", "claude-sonnet")
    return max(total(service, over, **{label: n}) / total(service, under, **{label: n}) for n in names)


def p95(service: LLMService) -> float:
    """The bucket bound that 95 % of the calls that succeeded stay below."""
    name = "gen_ai_client_operation_duration_seconds"
    count = total(service, f"{name}_count", error_type="")
    bounds = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "3.0", "5.0", "8.0", "10.0", "15.0", "20.0", "30.0", "60.0")
    return next(float(b) for b in bounds if total(service, f"{name}_bucket", error_type="", le=b) >= 0.95 * count)


def share(service: LLMService, status: str) -> float:
    return total(service, "llm_requests_total", status=status) / total(service, "llm_requests_total")


@pytest.fixture
def service() -> LLMService:
    return LLMService()


def test_every_series_is_there_with_zero_before_anything_happened(service: LLMService) -> None:
    text = service._traffic.exposition().decode()
    for line in (
        'llm_requests_total{feature="chat",model="gpt-4o",status="503",team="assistant"} 0.0',
        'llm_cost_usd_total{feature="search",model="claude-sonnet",team="discovery"} 0.0',
        'llm_branch_requests_total{branch="fallback",feature="summarize"} 0.0',
    ):
        assert line in text.splitlines()
    about = {"gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt-4o", "feature": "chat", "team": "assistant"}
    for name, more in (
        ("gen_ai_client_operation_duration_seconds_count", {"gen_ai_operation_name": "chat", "error_type": "429"}),
        ("gen_ai_client_token_usage_sum", {"gen_ai_token_type": "output"}),
    ):
        labels = ",".join(f'{key}="{value}"' for key, value in sorted((about | more).items()))
        assert f"{name}{{{labels}}} 0.0" in text.splitlines()


def test_as_usual_nothing_of_the_shipped_pack_is_near_its_threshold(service: LLMService) -> None:
    service.play(600)
    assert 29_990 <= total(service, "llm_requests_total") <= 30_000
    assert share(service, "503") == 0
    assert 0.001 < share(service, "500") < 0.003
    assert 0.0003 < share(service, "429") < 0.003
    assert p95(service) == 2
    tokens_per_minute = total(service, "gen_ai_client_token_usage_sum") / 10
    assert 0.45 < tokens_per_minute / total(service, "llm_tokens_per_minute_quota") < 0.55
    cost_per_hour = total(service, "llm_cost_usd_total") * 6
    assert 0.65 < cost_per_hour / total(service, "llm_cost_usd_per_hour_budget") < 0.75
    assert 0.40 < worst(service, "llm_cost_usd_today", "llm_cost_usd_per_day_budget", "team") < 0.45
    assert 0.90 < total(service, "llm_quality_score", model="gpt-4o", feature="chat") < 0.94
    fallback = total(service, "llm_branch_requests_total", branch="fallback")
    assert 0.04 < fallback / total(service, "llm_branch_requests_total") < 0.06


def test_the_two_ways_of_counting_requests_agree(service: LLMService) -> None:
    service.set("errors", 0.3)
    service.play(20)
    for status, error in {"200": "", "429": "429", "500": "500", "503": "503"}.items():
        counted = total(service, "gen_ai_client_operation_duration_seconds_count", error_type=error)
        assert counted == total(service, "llm_requests_total", status=status)


def test_each_failure_of_the_shipped_pack_has_a_knob_that_reaches_its_critical_threshold() -> None:
    def turned(knob: str, value: float) -> LLMService:
        service = LLMService()
        service.set(knob, value)
        service.play(120)
        return service

    assert share(turned("outage", 0.9), "503") > 0.5
    assert share(turned("errors", 0.1), "500") > 0.05
    assert share(turned("rate_limited", 0.1), "429") > 0.05
    assert p95(turned("latency_factor", 10)) == 20
    costly = turned("cost_factor", 3)
    assert total(costly, "llm_cost_usd_total") * 30 / total(costly, "llm_cost_usd_per_hour_budget") > 1.5
    for knob, value in (("tokens_factor", 2.0), ("quota_factor", 0.5)):
        full = turned(knob, value)
        used = total(full, "gen_ai_client_token_usage_sum") / 2
        assert used / total(full, "llm_tokens_per_minute_quota") > 0.95
    spent = turned("day_budget_factor", 0.4)
    assert worst(spent, "llm_cost_usd_today", "llm_cost_usd_per_day_budget", "team") > 0.95
    assert total(turned("quality", 0.4), "llm_quality_score", model="gpt-4o", feature="chat") < 0.5
    moved = turned("fallback_share", 0.4)
    branches = total(moved, "llm_branch_requests_total")
    assert total(moved, "llm_branch_requests_total", branch="fallback") / branches > 0.35


def test_midnight_begins_a_new_day_of_spending(service: LLMService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.play(60)
    assert total(service, "llm_cost_usd_today", team="discovery") > 100
    monkeypatch.setattr(llm_traffic, "_today", lambda: dt.date(2030, 1, 1))
    service.play(0)
    assert total(service, "llm_cost_usd_today", team="discovery") == 0


@pytest.fixture
def running(service: LLMService) -> Iterator[LLMService]:
    with service:
        yield service


def test_it_plays_by_itself_until_it_is_stopped(running: LLMService) -> None:
    playing = threading.Condition()
    with playing:
        while total(running, "llm_requests_total") == 0:
            playing.wait(0.01)
    running.stop()
    stopped_at = total(running, "llm_requests_total")
    assert "LLM traffic" not in [thread.name for thread in threading.enumerate()]
    assert total(running, "llm_requests_total") == stopped_at


def test_knobs_are_turned_from_programs_and_from_the_page(running: LLMService) -> None:
    knob = f"{running.url}/knobs"
    assert requests.post(f"{knob}/outage?value=0.9", timeout=5).json() == {"outage": 0.9}
    page = requests.post(f"{knob}/quality", data={"value": "0.4"}, timeout=5).text
    assert "usual: 0.92" in page
    assert requests.get(knob, timeout=5).json()["quality"] == 0.4
    assert "usual: " not in requests.post(f"{running.url}/heal", timeout=5).text
    assert running.knobs["outage"] == 0
    for path in ("outage?value=1.1", "outage?value=-1", "outage?value=nan", "outage?value=x", "outage", "no?value=1"):
        assert requests.post(f"{knob}/{path}", timeout=5).status_code == 400
    assert requests.get(f"{running.url}/nothing", timeout=5).status_code == 404


def test_a_knob_that_does_not_exist_is_refused_with_the_names_of_those_that_do(service: LLMService) -> None:
    with pytest.raises(DemoError, match="no knob 'heat'; there are outage, outage_anthropic, errors"):
        service.set("heat", 1)
