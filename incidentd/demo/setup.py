"""The demo's parts -> an incidentd.yaml that joins them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from incidentd.demo.jira import JiraStandIn
from incidentd.demo.mail import MailSink
from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.prometheus import Prometheus
from incidentd.demo.slack import SlackStandIn

ROUTING_KEY = "demo0123456789demo0123456789demo"
API_TOKEN = "demo"  # noqa: S105 - opens the demo on loopback, nothing else
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Vendors:
    """The stand-ins of the vendors' clouds."""

    slack: SlackStandIn
    pagerduty: PagerDutyStandIn
    jira: JiraStandIn
    mail: MailSink


def write_config(folder: Path, *, port: int, prometheus: Prometheus, vendors: Vendors) -> Path:
    """Writes incidentd.yaml into *folder*, with the rules and runbooks that ship, and returns its path."""
    config: dict[str, Any] = {
        "listen": f"{_HOST}:{port}",
        "base_url": f"http://{_HOST}:{port}",
        "database": f"sqlite:///{folder / 'incidentd.db'}",
        "api": {"token": API_TOKEN},
        "sources": {"prometheus": {"url": prometheus.url, "timeout": "5s"}},
        "slack": {
            "token": vendors.slack.token,
            "signing_secret": vendors.slack.signing_secret,
            "api_url": f"{vendors.slack.url}/api/",
        },
        "pagerduty": {"api_url": vendors.pagerduty.url},
        "smtp": {"host": _HOST, "port": vendors.mail.smtp_port, "from": "incidentd@example.com"},
        "jira": {"url": vendors.jira.url, "user": vendors.jira.user, "token": vendors.jira.token},
        **_who_is_told(),
        "statuspage": {
            "title": "Example AI",
            "out": "public",
            "components": [
                {"id": "chat-api", "name": "Chat API"},
                {"id": "search", "name": "Search"},
                {"id": "dashboard", "name": "Dashboard"},
            ],
        },
    }
    path = folder / "incidentd.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def free_port(wanted: int) -> int:
    """*wanted* if nobody listens there, else any port that is free now."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free on this machine")


def _who_is_told() -> dict[str, Any]:
    """By severity, as shipped; an outage also sends a mail and opens a ticket, so that every channel is seen."""
    return {
        "receivers": [
            {"name": "page", "pagerduty": [{"routing_key": ROUTING_KEY}], "slack": [{"channel": "#incidents"}]},
            {"name": "team", "slack": [{"channel": "#alerts"}]},
            {"name": "mail", "email": [{"to": ["oncall@example.com"]}]},
            {"name": "backlog", "jira": [{"project": "OPS", "issue_type": "Bug"}]},
        ],
        "route": {
            "receiver": "team",
            "routes": [
                {"severity": ["sev1"], "receiver": "mail", "continue": True},
                {"severity": ["sev1"], "receiver": "backlog", "continue": True},
                {"matchers": ['ticket="true"'], "receiver": "backlog"},
                {"severity": ["sev1", "sev2"], "receiver": "page"},
                {"severity": ["sev3"], "receiver": "team"},
                {"severity": ["sev4"], "receiver": "mail"},
            ],
        },
    }
