"""The world that one service lives in: a real Prometheus, stand-ins for the vendors, and the service as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
import yaml

from incidentd.demo.jira import JiraStandIn
from incidentd.demo.mail import MailSink
from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.prometheus import Prometheus
from incidentd.demo.server import Answer, Request, StandIn
from incidentd.demo.slack import SlackStandIn
from incidentd.demo.webhook import WebhookStandIn

ROOT = Path(__file__).parents[2]
TOKEN = "acceptance-token"
ROUTING_KEY = "R" * 32
PATIENCE_S = 30.0

T = TypeVar("T")

RULES: dict[str, Any] = {
    "defaults": {"every": "1s", "group_by": ["service"], "cooldown": "5m", "labels": {"team": "ai"}},
    "rules": [
        {
            "name": "ErrorRate",
            "expr": "llm_error_ratio",
            "levels": [{"when": "> 5%", "severity": "sev2"}, {"when": "> 2%", "severity": "sev3"}],
            "runbook": "errors",
            "component": "chat-api",
            "summary": "{{ labels.service }}: {{ value | percent }} of calls fail",
        },
        {
            "name": "Cosmetic",
            "expr": "llm_cosmetic > 0",
            "severity": "sev4",
            "summary": "{{ labels.service }} looks odd",
        },
        {
            "name": "Debt",
            "expr": "llm_debt > 0",
            "severity": "sev3",
            "labels": {"ticket": "true"},
            "summary": "{{ labels.service }} has debt",
        },
        {
            "name": "Slow",
            "expr": "llm_slow > 0",
            "severity": "sev2",
            "for": "6s",
            "summary": "{{ labels.service }} is slow",
        },
    ],
}
RUNBOOK = """---
title: Calls fail
owner: ai-platform
expected_resolution: 30m
escalation:
  - {level: L1, who: on-call, after: 15m}
next_step: Switch to the fallback provider.
---
# Calls fail

## Diagnosis

1. Look at the <model> that fails.
"""


class Gauges(StandIn):
    """What Prometheus scrapes: gauges that a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[tuple[str, str], float] = {}

    def set(self, name: str, value: float, service: str = "chat") -> None:
        self._values[name, service] = value

    def reset(self) -> None:
        """Only the one gauge that says that all is well."""
        self._values = {("llm_error_ratio", "chat"): 0.0}

    def answer(self, request: Request) -> Answer:
        lines = [f'{name}{{service="{service}"}} {value}' for (name, service), value in self._values.items()]
        return Answer(200, "\n".join([*lines, ""]).encode(), {"Content-Type": "text/plain; version=0.0.4"})


class Service:
    """`python -m incidentd run` as its own process."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "service.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "incidentd", "run", "--config", "incidentd.yaml"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, f"the service answers; its log: {self.log}")

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        return process.wait(30)

    def get(self, path: str) -> Any:
        return requests.get(f"{self.url}{path}", timeout=10).json()

    def post(self, path: str, **body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=10)

    def incidents(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/v1/incidents{query}")["incidents"]
        return found

    def expect(self, title: str, state: str) -> dict[str, Any]:
        """The incident whose title contains *title*, once it is in *state*."""

        def find() -> dict[str, Any] | None:
            return next((one for one in self.incidents() if title in one["title"] and one["state"] == state), None)

        return eventually(find, f"an incident {title!r} that is {state}; there are {self.incidents()}")

    def expect_alert(self, rule: str, state: str) -> dict[str, Any]:
        """The alert of that rule, once it is pending or firing."""

        def find() -> dict[str, Any] | None:
            found = self.get("/api/v1/alerts")["data"]["alerts"]
            named = (one for one in found if one["labels"]["alertname"] == rule and one["state"] == state)
            return next(named, None)

        return eventually(find, f"an alert {rule} that is {state}")

    def logged(self, action: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if entry.get("action") == action]

    def _answers(self) -> bool | None:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok or None
        except requests.ConnectionError:
            return None


class Observed:
    """What the service watches: gauges, and the Prometheus that scrapes them. One for all tests, since the first scrape
    comes seconds after the start; each test finds it as if it were new."""

    def __init__(self, parts: ExitStack) -> None:
        self._parts = parts
        self.gauges = parts.enter_context(Gauges())
        self.gauges.reset()
        self._begin()

    def reset(self) -> None:
        """Prometheus runs, and has forgotten what the last test set. One that was restarted forgets too slowly: what it
        does not know to have vanished stays for five minutes."""
        self.gauges.reset()
        self.prometheus.resume()
        if self.prometheus.pid != self._pid:
            self.prometheus.close()
            self._begin()

        def is_calm() -> bool | None:
            params = {"query": '{__name__=~"llm_.*"}'}
            answer = requests.get(f"{self.prometheus.url}/api/v1/query", params=params, timeout=5).json()
            return [one["value"][1] for one in answer["data"]["result"]] == ["0"] or None

        eventually(is_calm, "Prometheus has scraped the calm service")

    def _begin(self) -> None:
        self.prometheus = self._parts.enter_context(Prometheus({"llm": self.gauges.url.removeprefix("http://")}))
        self._pid = self.prometheus.pid


class World:
    """Everything around one service, in one folder."""

    def __init__(self, folder: Path, observed: Observed, parts: ExitStack) -> None:
        self.folder = folder
        self.gauges = observed.gauges
        self.prometheus = observed.prometheus
        self.slack = parts.enter_context(SlackStandIn())
        self.pagerduty = parts.enter_context(PagerDutyStandIn(routing_keys={ROUTING_KEY}))
        self.jira = parts.enter_context(JiraStandIn())
        self.mail = parts.enter_context(MailSink())
        self.webhook = parts.enter_context(WebhookStandIn())
        port = free_port()
        self.service = Service(folder, port)
        self.slack.interactivity_url = f"{self.service.url}/slack/interactions"
        self.write(port)

    def write(self, port: int) -> None:
        """The configuration, the rules and the runbook, as a user would have them."""
        (self.folder / "rules").mkdir()
        (self.folder / "runbooks").mkdir()
        (self.folder / "rules" / "llm.yaml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
        (self.folder / "runbooks" / "errors.md").write_text(RUNBOOK, encoding="utf-8")
        config = {
            "listen": f"127.0.0.1:{port}",
            "base_url": self.service.url,
            "database": "sqlite:///incidentd.db",
            "api": {"token": TOKEN},
            "sources": {"prometheus": {"url": self.prometheus.url, "timeout": "2s", "failing_for": "3s"}},
            "slack": {
                "token": self.slack.token,
                "signing_secret": self.slack.signing_secret,
                "api_url": self.slack.api_url,
                "timeout": "2s",
            },
            "pagerduty": {"api_url": self.pagerduty.url, "timeout": "2s"},
            "smtp": {"host": "127.0.0.1", "port": self.mail.smtp_port, "from": "incidentd@example.com"},
            "jira": {"url": self.jira.url, "user": self.jira.user, "token": self.jira.token},
            "delivery": {"first_retry": "200ms", "longest_retry": "1s"},
            "receivers": [
                {
                    "name": "page",
                    "pagerduty": [{"routing_key": ROUTING_KEY}],
                    "slack": [{"channel": "#incidents"}],
                    "webhook": [{"url": self.webhook.hook_url}],
                },
                {"name": "team", "slack": [{"channel": "#alerts"}]},
                {"name": "mail", "email": [{"to": ["oncall@example.com"]}]},
                {"name": "backlog", "jira": [{"project": "OPS", "issue_type": "Bug"}]},
            ],
            "route": {
                "receiver": "team",
                "routes": [
                    {"matchers": ['ticket="true"'], "receiver": "backlog"},
                    {"severity": ["sev1", "sev2"], "receiver": "page"},
                    {"severity": ["sev3"], "receiver": "team"},
                    {"severity": ["sev4"], "receiver": "mail"},
                ],
            },
            "statuspage": {"title": "Example", "components": [{"id": "chat-api", "name": "Chat API"}]},
        }
        (self.folder / "incidentd.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def wait_for_status(self, status: str) -> None:
        """Until the public's JSON says that the Chat API is in *status*."""

        def published() -> bool | None:
            answer = requests.get(f"{self.service.url}/status/api/v2/summary.json", timeout=10)
            return (answer.ok and answer.json()["components"][0]["status"] == status) or None

        eventually(published, f"the status page says {status}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(find: Callable[[], T | None], what: str, seconds: float = PATIENCE_S) -> T:
    """What *find* gives once it is not None; asked again and again, for other processes cannot notify us."""
    deadline = time.monotonic() + seconds
    while (found := find()) is None:
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        threading.Event().wait(0.05)
    return found


@pytest.fixture(scope="session")
def observed() -> Iterator[Observed]:
    with ExitStack() as parts:
        yield Observed(parts)


@pytest.fixture
def world(tmp_path: Path, observed: Observed) -> Iterator[World]:
    observed.reset()
    with ExitStack() as parts:
        made = World(tmp_path, observed, parts)
        parts.callback(made.service.stop)
        yield made
