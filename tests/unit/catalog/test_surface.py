"""The files that other people hold on to: an incidentd.yaml with every promised key, and a rule with most of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from incidentd.catalog.load import load
from incidentd.routing import router
from incidentd.severity import Severity

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "s",
    "PAGERDUTY_WEBHOOK_SECRET": "w",
    "PAGERDUTY_ROUTING_KEY": "R" * 32,
    "JIRA_TOKEN": "j",
}


def test_every_promised_key_loads_without_a_finding() -> None:
    found = load(Path(__file__).parent / "surface" / "incidentd.yaml", SECRETS)
    assert found.catalog.warnings == ()
    settings, catalog = found.settings, found.catalog
    assert (settings.host, settings.port) == ("127.0.0.1", 9720)
    assert settings.sources["prometheus"].timeout == timedelta(seconds=10)
    assert settings.pagerduty.webhook_secret is not None
    assert settings.smtp is not None
    assert settings.smtp.sender == "incidentd@example.com"
    assert [*catalog.receivers] == ["page", "team", "mail", "backlog", "hook"]
    assert catalog.statuspage.components[0].name == "Chat API"

    def told(severity: Severity, **labels: str) -> list[str]:
        return [one.receiver for one in router.route(catalog.route, severity, labels)]

    assert [told(severity) for severity in Severity] == [["page"], ["page"], ["team"], ["mail"]]
    assert told(Severity.SEV1, ticket="true") == ["backlog"]


def test_the_promised_rule_means_what_it_says() -> None:
    (rule,) = load(Path(__file__).parent / "surface" / "incidentd.yaml", SECRETS).catalog.rules
    assert [(level.severity, str(level.when and level.when.text), level.holds_for) for level in rule.levels] == [
        (Severity.SEV2, "> 0.05", timedelta(minutes=2)),
        (Severity.SEV3, "> 0.02", timedelta(minutes=5)),
    ]
    assert (rule.every, rule.cooldown) == (timedelta(seconds=30), timedelta(minutes=10))
    assert (rule.group_by, dict(rule.labels)) == (("service",), {"team": "ai-platform"})
    assert (rule.runbook, rule.component) == ("llm-error-rate", "chat-api")
