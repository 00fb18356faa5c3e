"""``incidentd init``: a folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_CONFIG = """\
# The configuration of incidentd. `incidentd check` reviews it, `incidentd run` starts the service.
# "${NAME}" reads the environment; every secret can also come from a file: token_file instead of token.
listen: 127.0.0.1:9720
base_url: http://127.0.0.1:9720
database: sqlite:///incidentd.db

rules: [rules/]
runbooks: [runbooks/]

sources:
  prometheus: {url: http://127.0.0.1:9090, every: 30s}

# Channels. Uncomment what you have, then use it in a receiver.
# slack: {token: "${SLACK_BOT_TOKEN}", signing_secret: "${SLACK_SIGNING_SECRET}"}
# jira: {url: https://example.atlassian.net, user: bot@example.com, token: "${JIRA_TOKEN}"}
smtp: {host: localhost, port: 25, from: incidentd@example.com}

receivers:
  - {name: oncall, email: [{to: [oncall@example.com]}]}
  # - {name: page, pagerduty: [{routing_key: "${PAGERDUTY_ROUTING_KEY}"}], slack: [{channel: "#incidents"}]}

# The first branch that fits wins; what no branch takes goes to the receiver at the top.
route:
  receiver: oncall
  # routes:
  #   - {severity: [sev1, sev2], receiver: page}
"""
_RULES = """\
rules:
  - name: TargetDown
    expr: avg by (job) (up)
    levels:
      - {when: "< 0.5", severity: sev2, for: 1m}
      - {when: "< 1", severity: sev3, for: 5m}
    resolve: {when: ">= 1", for: 2m}
    cooldown: 10m
    group_by: [job]
    runbook: target-down
    summary: "{{ labels.job }}: {{ value | percent }} of the targets answer"
"""
_RUNBOOK = """\
---
title: A target does not answer
owner: oncall
expected_resolution: 30m
escalation:
  - {level: L1, who: "On-call", after: 0m}
  - {level: L2, who: "Lead of the team", after: 30m}
---

# A target does not answer

## Diagnosis

1. Open the page "Targets" of Prometheus and read the error beside the target of `<job>`.
2. Ask the target by hand from the machine of Prometheus: `curl <address>/metrics`.

## Mitigation

1. It was deployed a moment ago: roll back.
2. It does not run: start it, then read its last log lines.
"""
_FILES = {"incidentd.yaml": _CONFIG, "rules/example.yaml": _RULES, "runbooks/target-down.md": _RUNBOOK}


def init(folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to.")] = Path()) -> None:
    """Write a configuration, a rule and a runbook to start from; existing files are never overwritten."""
    taken = [name for name in _FILES if (folder / name).exists()]
    if taken:
        typer.echo(f"{', '.join(str(folder / name) for name in taken)}: already there; nothing was written", err=True)
        raise typer.Exit(1)
    for name, text in _FILES.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as exc:
            typer.echo(f"{path}: cannot be written: {exc.strerror}", err=True)
            raise typer.Exit(1) from exc
        typer.echo(f"wrote {path}")
    typer.echo(f"Next: point `sources` at your Prometheus, then: incidentd check --config {folder / 'incidentd.yaml'}")
