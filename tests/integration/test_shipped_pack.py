"""The rules and runbooks that ship, asked of Prometheus' own engine and read as their users read them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PACK = yaml.safe_load((ROOT / "rules/llm.yaml").read_text())
RULES = {rule["name"]: PACK["defaults"] | rule for rule in PACK["rules"]}
WRITTEN_DOWN = yaml.safe_load(Path(__file__).with_name("shipped_pack.yaml").read_text())
ANSWERS = {entry["rule"]: entry["cases"] for entry in WRITTEN_DOWN}
RUNBOOKS = sorted((ROOT / "runbooks").glob("*.md"))

LADDERS = {
    "LLMAPIOutage": [("> 50%", "sev1", "15s")],
    "LLMErrorRateHigh": [("> 5%", "sev2", "2m"), ("> 2%", "sev3", "5m")],
    "LLMRateLimited": [("> 5%", "sev2", "2m"), ("> 1%", "sev3", "5m")],
    "LLMTokenThroughputNearQuota": [("> 95%", "sev2", "2m"), ("> 80%", "sev3", "5m")],
    "LLMLatencyP50High": [("> 5", "sev2", "2m"), ("> 2", "sev3", "5m")],
    "LLMLatencyP95High": [("> 15", "sev2", "2m"), ("> 8", "sev3", "5m")],
    "LLMLatencyUnusual": [("> 1.5", "sev3", "15m")],
    "LLMCostPerHourOverBudget": [("> 1.5", "sev2", "5m"), ("> 1.2", "sev3", "10m")],
    "LLMDailyBudgetNearlyUsed": [("> 95%", "sev2", "1m"), ("> 80%", "sev3", "5m")],
    "LLMCostUnusual": [("> 2", "sev3", "15m")],
    "LLMTokensUnusual": [("> 1.5", "sev3", "15m")],
    "LLMQualityLow": [("< 0.5", "sev2", "5m"), ("< 0.7", "sev3", "10m")],
    "LLMBranchShareMoved": [("> 0.2", "sev3", "15m")],
}
FIRST_STEP = {
    "LLMAPIOutage": "llm-api-outage",
    "LLMErrorRateHigh": "llm-error-rate",
    "LLMRateLimited": "llm-rate-limit",
    "LLMTokenThroughputNearQuota": "llm-rate-limit",
    "LLMLatencyP50High": "llm-latency",
    "LLMLatencyP95High": "llm-latency",
    "LLMLatencyUnusual": "llm-latency",
    "LLMCostPerHourOverBudget": "llm-cost",
    "LLMDailyBudgetNearlyUsed": "llm-cost",
    "LLMCostUnusual": "llm-cost",
    "LLMTokensUnusual": "llm-cost",
    "LLMQualityLow": "llm-quality",
    "LLMBranchShareMoved": "llm-quality",
}
ON_STATUS_PAGE = {"LLMAPIOutage", "LLMErrorRateHigh", "LLMRateLimited", "LLMLatencyP50High", "LLMLatencyP95High"}
METRICS = {
    "gen_ai_client_operation_duration_seconds_bucket",
    "gen_ai_client_operation_duration_seconds_count",
    "gen_ai_client_token_usage_sum",
    "gen_ai_client_token_usage_count",
    "llm_requests_total",
    "llm_cost_usd_total",
    "llm_quality_score",
    "llm_tokens_per_minute_quota",
    "llm_cost_usd_per_hour_budget",
    "llm_cost_usd_per_day_budget",
    "llm_cost_usd_today",
    "llm_branch_requests_total",
    "incidentd_source_request_seconds_bucket",
    "incidentd_source_requests_total",
    "process_resident_memory_bytes",
}
SECTIONS = ["Trigger", "Diagnosis", "Mitigation", "Escalation", "Expected resolution"]
# Ways to mitigate that a runbook must name, each where it helps.
WAYS = {
    "llm-rate-limit": ["concurrency", "back off", "cheaper model", "cache", "another provider"],
    "llm-latency": ["concurrency", "back off", "cheaper model", "cache", "another provider", "pin the model version"],
    "llm-quality": ["cache", "provider", "pin the model version"],
    "llm-cost": ["concurrency", "backoff", "cheaper model", "cache"],
    "llm-api-outage": ["concurrency", "back off", "cheaper model", "cache", "fallback provider", "pin its version"],
    "llm-error-rate": ["concurrency", "back off", "cheaper model", "cache", "another provider", "pin a model version"],
    "source-failing": [],
    "evaluation-lagging": [],
}
DURATION = re.compile(r"[1-9]\d*[smhd]|0m")


def _promtool(directory: Path, command: str, document: dict[str, Any]) -> None:
    """Fail with promtool's own words unless it is content with *document*."""
    file = directory / "promtool.yaml"
    file.write_text(yaml.safe_dump(document))
    done = subprocess.run(
        ["promtool", command, "rules", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _metrics(expr: str) -> set[str]:
    found: set[str] = set()

    def note(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(str(node.name))
        return True

    promql_parser.walk(promql_parser.parse(expr), note)
    return found


def _number(condition: str) -> float:
    number = float(condition.split()[1].rstrip("%"))
    return number / 100 if condition.endswith("%") else number


def _answer_tests(name: str) -> Iterator[dict[str, Any]]:
    """Tests as promtool takes them: the value that the expression returns, and for each level what of it breaches."""
    for case in ANSWERS[name]:
        rounded = f"round({RULES[name]['expr']}, 0.0001)"
        expect = case.get("expect", {})
        queries = [(rounded, expect)]
        for condition, severity, _ in LADDERS[name]:
            breaching = case.get("breaching", expect) if severity in case.get("levels", []) else {}
            queries.append((f"{rounded} {condition[0]} {_number(condition)}", {key: expect[key] for key in breaching}))
        yield {
            "name": case["name"],
            "interval": case.get("interval", "1m"),
            "input_series": [{"series": series, "values": str(text)} for series, text in case["series"].items()],
            "promql_expr_test": [
                {
                    "expr": expr,
                    "eval_time": case["at"],
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
                }
                for expr, samples in queries
            ],
        }


def _promql(runbook: Path) -> list[str]:
    return re.findall(r"```promql\n(.*?)```", runbook.read_text(), re.DOTALL)


def _front_and_body(runbook: Path) -> tuple[dict[str, Any], str]:
    _, front, body = runbook.read_text().split("---\n", 2)
    loaded: dict[str, Any] = yaml.safe_load(front)
    return loaded, body


def test_the_ladders_are_the_promised_ones() -> None:
    shipped = {
        name: [(level["when"], level["severity"], level["for"]) for level in rule["levels"]]
        for name, rule in RULES.items()
    }
    assert shipped == LADDERS


def test_each_rule_sends_people_to_the_runbook_with_its_first_step() -> None:
    assert {name: rule["runbook"] for name, rule in RULES.items()} == FIRST_STEP
    assert {path.stem for path in RUNBOOKS} == {*FIRST_STEP.values(), "source-failing", "evaluation-lagging"}


def test_only_what_users_feel_reaches_the_status_page() -> None:
    assert {name for name, rule in RULES.items() if "component" in rule} == ON_STATUS_PAGE
    assert {RULES[name]["component"] for name in ON_STATUS_PAGE} == {"chat-api"}


@pytest.mark.parametrize("name", LADDERS)
def test_a_rule_resolves_only_well_inside_its_mildest_level(name: str) -> None:
    """Between the two an incident stays as it is, instead of opening and closing."""
    rule = RULES[name]
    mildest, resolved = _number(rule["levels"][-1]["when"]), _number(rule["resolve"]["when"])
    downwards = rule["levels"][-1]["when"].startswith("<")
    assert rule["resolve"]["when"].startswith(">" if downwards else "<")
    assert resolved > mildest * 1.05 if downwards else resolved < mildest * 0.95
    assert DURATION.fullmatch(rule["resolve"]["for"])
    assert DURATION.fullmatch(rule["cooldown"])


def test_prometheus_and_the_parser_accept_every_expression_and_every_query_of_the_runbooks(tmp_path: Path) -> None:
    queries = [rule["expr"] for rule in RULES.values()] + [query for path in RUNBOOKS for query in _promql(path)]
    for query in queries:
        assert _metrics(query) <= METRICS
    records = [{"record": f"shipped:{number}", "expr": query} for number, query in enumerate(queries)]
    _promtool(tmp_path, "check", {"groups": [{"name": "shipped", "rules": records}]})


@pytest.mark.parametrize("name", LADDERS)
def test_a_rule_answers_as_written_down(name: str, tmp_path: Path) -> None:
    """At each level's crossing, and without traffic, history or budget."""
    reached = {severity for case in ANSWERS[name] for severity in case.get("levels", [])}
    assert reached == {severity for _, severity, _ in LADDERS[name]}
    assert any("expect" not in case for case in ANSWERS[name])
    _promtool(tmp_path, "test", {"evaluation_interval": "1m", "tests": list(_answer_tests(name))})


@pytest.mark.parametrize("name", LADDERS)
def test_texts_and_grouping_use_only_labels_that_the_expression_returns(name: str) -> None:
    returned = next(set(re.findall(r"(\w+)=", key)) for case in ANSWERS[name] for key in case.get("expect", {}))
    rule = RULES[name]
    assert set(rule["group_by"]) <= returned
    assert set(re.findall(r"labels\.(\w+)", rule["summary"] + rule["description"])) <= returned


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_can_be_followed_at_three_in_the_morning(runbook: Path) -> None:
    front, body = _front_and_body(runbook)
    assert set(front) == {"title", "owner", "expected_resolution", "next_step", "escalation"}
    assert DURATION.fullmatch(front["expected_resolution"])
    assert front["next_step"].endswith(".")
    assert [step["level"] for step in front["escalation"]] == ["L1", "L2", "L3"]
    assert all(step["who"] and DURATION.fullmatch(step["after"]) for step in front["escalation"])

    parts = re.split(r"^## (.+)\n", body, flags=re.MULTILINE)
    assert parts[1::2] == SECTIONS
    section = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert section["Diagnosis"].count("```promql\n") >= 2
    assert re.findall(r"^(\d)\. ", section["Diagnosis"], re.MULTILINE)[:3] == ["1", "2", "3"]
    for step in front["escalation"]:
        assert f"| {step['level']} | {step['who']} |" in section["Escalation"]
    for name in (name for name, stem in FIRST_STEP.items() if stem == runbook.stem):
        assert name in section["Trigger"]


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_each_mitigation_says_what_to_do_how_to_see_it_work_and_how_to_undo_it(runbook: Path) -> None:
    mitigation = runbook.read_text().split("## Mitigation\n")[1].split("## Escalation\n")[0]
    _, *steps = mitigation.split("\n### ")
    assert len(steps) >= 3
    for step in steps:
        assert re.findall(r"^- (Do|Works when|Undo): ", step, re.MULTILINE) == ["Do", "Works when", "Undo"], step
    for way in WAYS[runbook.stem]:
        assert way in mitigation.lower()
