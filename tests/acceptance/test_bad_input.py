"""What must not go wrong when something else does: broken files, a Prometheus that is gone, forged callbacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
import yaml

from tests.acceptance.conftest import ROOT, eventually

if TYPE_CHECKING:
    from tests.acceptance.conftest import World

pytestmark = pytest.mark.acceptance

BROKEN_RULE = """rules:
  - name: Broken
    expr: sum by (service) (rate(llm_requests_total[5m])
    severity: sev2
"""


def incidentd(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "incidentd", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_source_that_is_gone_resolves_nothing_and_is_one_incident(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.2)
    world.gauges.set("llm_debt", 1.0)
    world.service.expect("chat: 20% of calls fail", "detected")
    world.service.expect("chat has debt", "detected")

    world.prometheus.stop()
    failing = world.service.expect("without an answer", "detected")
    assert failing["severity"] == "sev2"
    world.pagerduty.expect("trigger", containing="without an answer")
    assert len(world.service.incidents("?state=open")) == 3
    assert world.service.get("/api/v1/rules")["data"]["groups"][0]["rules"][0]["health"] == "err"

    world.prometheus.start()
    world.service.expect("without an answer", "resolved")
    assert len(world.service.incidents("?state=open")) == 2


def test_a_source_that_hangs_holds_everything_and_the_service_lives(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.2)
    incident = world.service.expect("chat: 20% of calls fail", "detected")
    world.prometheus.pause()
    world.service.expect("without an answer", "detected")
    world.service.post(f"/api/v1/incidents/{incident['number']}/acknowledge", by="anna").raise_for_status()
    world.service.expect("chat: 20% of calls fail", "acknowledged")
    world.prometheus.resume()
    world.service.expect("without an answer", "resolved")


def test_a_broken_rule_is_named_with_its_place_and_the_running_catalog_stays(world: World) -> None:
    world.service.start()
    broken = world.folder / "rules" / "broken.yaml"
    broken.write_text(BROKEN_RULE, encoding="utf-8")

    refused = world.service.post("/-/reload")
    assert refused.status_code == 422
    assert "broken.yaml" in refused.text
    eventually(lambda: world.service.logged("reload_refused") or None, "the file's change is seen and refused")
    assert [rule["name"] for rule in world.service.get("/api/v1/rules")["data"]["groups"][0]["rules"]] == [
        "ErrorRate", "Cosmetic", "Debt", "Slow",
    ]  # fmt: skip
    for command in ("check", "run"):
        done = incidentd(world.folder, command)
        assert done.returncode == 1
        assert "broken.yaml:3:" in done.stdout + done.stderr

    broken.write_text(BROKEN_RULE.replace("[5m])", "[5m])) > 0"), encoding="utf-8")
    eventually(lambda: world.service.logged("reloaded") or None, "the mended file is taken")
    assert world.service.logged("reloaded")[-1]["added"] == ["Broken"]
    world.gauges.set("llm_error_ratio", 0.2)
    world.service.expect("chat: 20% of calls fail", "detected")


def test_a_rule_that_is_taken_away_ends_its_incident(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_debt", 1.0)
    world.service.expect("chat has debt", "detected")
    path = world.folder / "rules" / "llm.yaml"
    authored = yaml.safe_load(path.read_text(encoding="utf-8"))
    authored["rules"] = [rule for rule in authored["rules"] if rule["name"] != "Debt"]
    path.write_text(yaml.safe_dump(authored), encoding="utf-8")
    world.service.post("/-/reload").raise_for_status()
    world.service.expect("chat has debt", "resolved")


def test_forged_late_and_malformed_presses_change_nothing_and_are_counted(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.2)
    message = world.slack.expect_message("#incidents", "chat")
    address = f"{world.service.url}/slack/interactions"
    forged = requests.post(address, data={"payload": "{}"}, headers={"X-Slack-Signature": "v0=00"}, timeout=10)
    assert forged.status_code == 401
    world.slack.signing_secret = "guessed"
    assert message.press("Acknowledge").status_code == 401
    world.slack.signing_secret = "demo-signing-secret"
    assert world.slack.send_signed(b"payload=%7Bnot-json").status_code == 400
    assert world.service.expect("chat", "detected")["acknowledged_at"] is None
    metrics = requests.get(f"{world.service.url}/metrics", timeout=10).text
    assert 'incidentd_callbacks_total{outcome="refused",vendor="slack"} 3.0' in metrics


def test_changes_need_a_token(world: World) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.2)
    world.service.expect("chat", "detected")
    for path in ("/api/v1/incidents/1/acknowledge", "/api/v1/incidents/1/notes", "/-/reload"):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = requests.post(f"{world.service.url}{path}", headers=headers, json={}, timeout=10)
            assert refused.status_code == 401, path
            assert refused.headers["content-type"].startswith("application/problem+json")
    assert world.service.expect("chat", "detected")["state"] == "detected"


def test_it_refuses_to_listen_to_others_without_a_token(world: World) -> None:
    path = world.folder / "incidentd.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    del config["api"]
    config["listen"] = "0.0.0.0:0"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    refused = incidentd(world.folder, "run")
    assert refused.returncode == 1
    assert (
        "there is no API token: set api.token, run `incidentd token create NAME`, or listen on 127.0.0.1"
        in refused.stderr
    )
    made = incidentd(world.folder, "token", "create", "ci")
    assert made.returncode == 0
    assert made.stdout.startswith("incidentd_")
    assert incidentd(world.folder, "token", "list").stdout.startswith("ci\t")


def test_a_second_service_on_one_database_is_refused(world: World) -> None:
    world.service.start()
    second = incidentd(world.folder, "run")
    assert second.returncode == 1
    assert "another incidentd uses" in second.stderr


def test_a_channel_that_is_down_does_not_hold_up_the_others_and_is_told_in_the_end(world: World) -> None:
    world.service.start()
    world.pagerduty.fail_next(3, status=500)
    world.slack.fail_next(2, status=429, headers={"Retry-After": "1"}, path="chat.postMessage")
    world.gauges.set("llm_error_ratio", 0.2)
    world.webhook.expect("opened")
    world.pagerduty.expect("trigger")
    world.slack.expect_message("#incidents", "chat")
    assert world.pagerduty.pages == 1
    said = " ".join(entry["text"] for entry in world.service.get("/api/v1/incidents/1")["timeline"])
    assert "PagerDuty (page) does not take it yet, trying again" in said
