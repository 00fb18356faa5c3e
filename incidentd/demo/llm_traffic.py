"""Knobs and seconds -> the metrics of a service that calls large language models."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 10, 15, 20, 30, 60)
TOKEN_BUCKETS = (16, 64, 256, 1024, 4096, 16384)
BRANCHES = ("primary", "fallback", "cached")
CACHED_SHARE = 0.15
STATUSES = {"200": "", "429": "429", "500": "500", "503": "503"}
"""HTTP status -> error_type, which is empty when all went well."""
SECONDS = {"200": 0.8, "429": 0.1, "500": 0.6, "503": 0.3}
"""Median duration by status."""
TOKENS = {"input": 600.0, "output": 250.0}
"""Mean number in one request."""
SPREAD = 0.45  # sigma of the lognormal durations and token counts: a p95 of about twice the median
QUOTA_USED = 0.5
HOUR_BUDGET_USED = 0.7
DAY_BUDGET_USED = 0.6  # by a whole day at the usual pace


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    name: str
    provider: str
    share: float
    usd_per_million: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    team: str
    share: float


MODELS = (
    Model("gpt-4o", "openai", 0.4, {"input": 2.5, "output": 10.0}),
    Model("gpt-4o-mini", "openai", 0.4, {"input": 0.15, "output": 0.6}),
    Model("claude-sonnet", "anthropic", 0.2, {"input": 3.0, "output": 15.0}),
)
FEATURES = (
    Feature("chat", "assistant", 0.5),
    Feature("search", "discovery", 0.3),
    Feature("summarize", "assistant", 0.2),
)
TEAMS = ("assistant", "discovery")


class Traffic:
    """Requests by chance, many at a time. *rate* is in requests per second; *knobs* is read at every step.

    Every series exists with 0 from the start: a counter that is first seen at 40 has no increase.
    """

    def __init__(self, knobs: Mapping[str, float], *, rate: float, seed: int = 7) -> None:
        self.registry = CollectorRegistry()
        self._knobs = knobs
        self._rate = rate
        self._random = random.Random(seed)
        self._carry = dict.fromkeys(product(MODELS, FEATURES), 0.0)
        self._day = _today()
        self._spent_before = DAY_BUDGET_USED * 2 / 3  # of the day's budget, when the simulation begins
        self._spent_today = dict.fromkeys(TEAMS, 0.0)
        self._make_metrics()
        self.play(0)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def play(self, seconds: float) -> None:
        """What happens in that time: about *rate* requests a second, and the gauges as the knobs stand."""
        if _today() != self._day:
            self._day, self._spent_before = _today(), 0.0
            self._spent_today = dict.fromkeys(TEAMS, 0.0)
        for (model, feature), carry in self._carry.items():
            due = carry + self._rate * model.share * feature.share * seconds
            for _ in range(int(due)):
                self._request(model, feature)
            self._carry[model, feature] = due % 1
        self._set_gauges()

    def _request(self, model: Model, feature: Feature) -> None:
        status = self._status(model)
        place = (model.name, feature.name, feature.team)
        about = (model.provider, model.name, feature.name, feature.team)
        self._requests.labels(*place, status).inc()
        self._branch_requests.labels(self._branch(), feature.name).inc()
        slower = self._knobs["latency_factor"] if status == "200" else 1.0
        self._durations.labels("chat", STATUSES[status], *about).observe(
            SECONDS[status] * slower * self._random.lognormvariate(0, SPREAD)
        )
        if status != "200":
            return
        cost = 0.0
        for kind, mean in TOKENS.items():
            count = round(mean * self._knobs["tokens_factor"] * self._random.lognormvariate(-(SPREAD**2) / 2, SPREAD))
            self._tokens.labels(kind, *about).observe(count)
            cost += count * model.usd_per_million[kind] / 1e6 * self._knobs["cost_factor"]
        self._cost.labels(*place).inc(cost)
        self._spent_today[feature.team] += cost

    def _status(self, model: Model) -> str:
        chance = self._random.random()
        outage = self._knobs["outage"]
        if model.provider == "anthropic":
            outage = max(outage, self._knobs["outage_anthropic"])
        errors, rate_limited = self._knobs["errors"], self._knobs["rate_limited"]
        for share, status in ((outage, "503"), (errors, "500"), (rate_limited, "429")):
            chance -= share
            if chance < 0:
                return status
        return "200"

    def _branch(self) -> str:
        chance, fallback = self._random.random(), self._knobs["fallback_share"]
        if chance < fallback:
            return "fallback"
        return "cached" if chance < fallback + (1 - fallback) * CACHED_SHARE else "primary"

    def _set_gauges(self) -> None:
        for model in MODELS:
            usual = 60 * self._rate * model.share * sum(TOKENS.values())
            self._quota.labels(model.name).set(usual / QUOTA_USED * self._knobs["quota_factor"])
            for feature in FEATURES:
                score = self._knobs["quality"] + self._random.uniform(-0.01, 0.01)
                self._quality.labels(model.name, feature.name).set(min(1.0, max(0.0, score)))
        for team in TEAMS:
            usual = _usual_usd_per_second(team, self._rate) * 3600
            day_budget = 24 * usual / DAY_BUDGET_USED
            self._hour_budget.labels(team).set(usual / HOUR_BUDGET_USED)
            self._day_budget.labels(team).set(day_budget * self._knobs["day_budget_factor"])
            self._today.labels(team).set(day_budget * self._spent_before + self._spent_today[team])

    def _make_metrics(self) -> None:
        about = ("gen_ai_provider_name", "gen_ai_request_model", "feature", "team")
        own = self.registry
        self._requests = Counter("llm_requests_total", "Requests", ("model", "feature", "team", "status"), registry=own)
        self._cost = Counter("llm_cost_usd_total", "Spending in USD", ("model", "feature", "team"), registry=own)
        self._branch_requests = Counter(
            "llm_branch_requests_total", "Requests by route", ("branch", "feature"), registry=own
        )
        self._quality = Gauge("llm_quality_score", "Score of the answers, 0 to 1", ("model", "feature"), registry=own)
        self._quota = Gauge("llm_tokens_per_minute_quota", "The provider's limit", ("model",), registry=own)
        self._hour_budget = Gauge(
            "llm_cost_usd_per_hour_budget", "What a team may spend in an hour", ("team",), registry=own
        )
        self._day_budget = Gauge(
            "llm_cost_usd_per_day_budget", "What a team may spend in a day", ("team",), registry=own
        )
        self._today = Gauge("llm_cost_usd_today", "Spent since midnight (UTC)", ("team",), registry=own)
        self._durations = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "Duration of the calls",
            ("gen_ai_operation_name", "error_type", *about),
            buckets=DURATION_BUCKETS,
            registry=self.registry,
        )
        self._tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens of the calls",
            ("gen_ai_token_type", *about),
            buckets=TOKEN_BUCKETS,
            registry=self.registry,
        )
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        for model, feature in product(MODELS, FEATURES):
            self._cost.labels(model.name, feature.name, feature.team)
            for status, error in STATUSES.items():
                self._requests.labels(model.name, feature.name, feature.team, status)
                self._durations.labels("chat", error, model.provider, model.name, feature.name, feature.team)
            for kind in TOKENS:
                self._tokens.labels(kind, model.provider, model.name, feature.name, feature.team)
        for branch, feature in product(BRANCHES, FEATURES):
            self._branch_requests.labels(branch, feature.name)


def _usual_usd_per_second(team: str, rate: float) -> float:
    per_request = sum(
        model.share * tokens * model.usd_per_million[kind] / 1e6 for model in MODELS for kind, tokens in TOKENS.items()
    )
    return rate * per_request * sum(feature.share for feature in FEATURES if feature.team == team)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
