"""Slack's message, literally: golden/*.json is what was looked at and found good."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd.lifecycle import State
from incidentd.notify.notification import Notification
from incidentd.notify.slack import message
from incidentd.severity import Severity
from tests.unit.notify.notices import HOSTILE, NOW, acknowledged, alert, notice, resolved

GOLDEN = Path(__file__).parent / "golden"
LOCK_SCREEN = "SEV2 · chat: 21% of LLM calls fail"


def built(notification: Notification) -> dict[str, Any]:
    return asdict(message.build(notification, LOCK_SCREEN))


def below(notification: Notification) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = built(notification)["attachments"][0]["blocks"]
    return blocks


def labels(notification: Notification) -> list[str]:
    actions = [block for block in below(notification) if block["type"] == "actions"]
    return [element["text"]["text"] for block in actions for element in block["elements"]]


@pytest.mark.parametrize(
    ("name", "notification"),
    [
        ("opened", notice(delivered=("PagerDuty (page)", "Jira OPS-12"))),
        ("acknowledged", acknowledged()),
        ("resolved", resolved(delivered=("PagerDuty (page)",))),
    ],
)
def test_it_shows_what_was_found_good(name: str, notification: Notification) -> None:
    assert built(notification) == json.loads((GOLDEN / f"slack_{name}.json").read_text())


def test_a_resolved_message_collapses_to_three_blocks() -> None:
    assert len(built(resolved())["blocks"]) + len(below(resolved())) == 3


def test_only_the_buttons_that_bring_the_response_forward_remain() -> None:
    assert labels(notice()) == ["Acknowledge", "Mitigating", "Resolve"]
    assert labels(acknowledged()) == ["Mitigating", "Resolve"]
    assert labels(notice(state=State.MITIGATING, mitigating_at=NOW)) == ["Resolve"]
    assert labels(resolved()) == []
    assert labels(notice(actions=())) == []


def test_each_state_has_a_mark_of_its_own_shape_and_a_colour() -> None:
    shown = [built(notice(state=state)) for state in State]
    assert [one["blocks"][0]["text"]["text"][0] for one in shown] == ["🚨", "👀", "🔧", "✅"]
    assert len({one["attachments"][0]["color"] for one in shown}) == 4


def test_nothing_of_a_label_can_call_or_format_anybody() -> None:
    """In mrkdwn everything that is not ours is escaped; plain text knows no mentions."""
    wild = notice(title=HOSTILE, owner=HOSTILE, labels={"service": HOSTILE}, delivered=(HOSTILE,),
                  alerts=(alert(rule=HOSTILE, summary=HOSTILE, condition=HOSTILE),))  # fmt: skip
    text = message.build(wild, HOSTILE)
    assert "<!channel>" not in text.text
    assert "&lt;!channel&gt; &amp; {noformat}" in text.text
    assert "<!channel>" not in json.dumps(list(text.attachments))
    assert "\u202e" not in json.dumps(built(wild), ensure_ascii=False)


def test_the_worst_three_alerts_are_shown_and_the_others_counted() -> None:
    alerts = tuple(alert(rule=f"R{n}", severity=Severity.SEV3) for n in range(9))
    shown = below(notice(alerts=(*alerts, alert(rule="Worst", severity=Severity.SEV1))))[1]["text"]["text"]
    assert [line.split(" ")[0] for line in shown.splitlines()] == ["*Worst*", "*R0*", "*R1*", "…"]
    assert shown.endswith("… and 7 more")


def test_an_alert_that_cleared_is_not_shown_while_others_fire() -> None:
    cleared = alert(rule="Gone", cleared_at=NOW)
    assert "Gone" not in below(notice(alerts=(cleared, alert())))[1]["text"]["text"]


def test_a_message_stays_within_twelve_blocks_and_slacks_total() -> None:
    long = "x" * 50_000
    wild = notice(title=long, owner=long, labels={"service": long}, delivered=(long,),
                  alerts=tuple(alert(rule=long, summary=long, condition=long) for _ in range(50)))  # fmt: skip
    content = message.build(wild, long)
    assert len(content.blocks) + len(content.attachments[0]["blocks"]) <= 12
    assert len(content.text) <= 4000
    assert len(json.dumps([content.blocks, content.attachments])) < 13_200


def test_a_usual_message_is_read_at_a_glance() -> None:
    shown = [text for block in below(notice()) for text in _texts(block)]
    assert sum(map(len, shown)) < 1_200


def test_a_link_cannot_be_broken_by_its_parts() -> None:
    odd = notice(url="https://example.com/a|b c>d", number=7)
    assert "<https://example.com/a%7Cb%20c&gt;d|INC-7>" in json.dumps(below(odd)[-1])


def test_mitigating_says_since_when_and_who_acknowledged() -> None:
    state = acknowledged(state=State.MITIGATING, mitigating_at=NOW - timedelta(minutes=3))
    assert below(state)[0]["fields"][0]["text"] == (
        "*State*\nMitigating since <!date^1715011860^{date_short_pretty} {time}|2024-05-06 16:11 UTC>, "
        "acknowledged by anna"
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() if key != "confirm" for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []
