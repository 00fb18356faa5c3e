"""Markdown with front matter -> Runbook."""

from __future__ import annotations

from datetime import timedelta

from incidentd.catalog import runbook

TEXT = """\
---
title: Errors
owner: platform
expected_resolution: 1h
escalation:
  - {level: L1, who: On-call, after: 0m}
---

# Other

## Diagnosis

1. Look.
"""


def test_front_matter_and_body_are_told_apart() -> None:
    parsed, problems = runbook.parse("runbooks/LLM-Errors.md", TEXT)
    assert problems == ()
    assert (parsed.name, parsed.front.title, parsed.next_step) == ("llm-errors", "Errors", "Look.")
    assert parsed.front.expected_resolution == timedelta(hours=1)
    assert parsed.html.startswith('<h1 id="other">')


def test_the_next_step_of_the_front_matter_wins() -> None:
    parsed, _ = runbook.parse("a.md", TEXT.replace("owner:", "next_step: Call Anna\nowner:"))
    assert parsed.next_step == "Call Anna"


def test_without_front_matter_the_heading_is_the_title() -> None:
    parsed, problems = runbook.parse("a.md", "Text\n\n# Disk is *full*\n")
    assert (parsed.front.title, problems) == ("Disk is full", ())


def test_an_empty_runbook_has_its_name() -> None:
    parsed, problems = runbook.parse("Disk.md", "")
    assert (parsed.front.title, parsed.html, parsed.next_step, problems) == ("Disk", "", "", ())


def test_a_rule_between_paragraphs_is_no_front_matter() -> None:
    parsed, problems = runbook.parse("a.md", "Text\n\n---\n\nMore: [\n\n---\n")
    assert "<hr>" in parsed.html
    assert problems == ()
