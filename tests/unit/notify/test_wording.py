from __future__ import annotations

from datetime import timedelta

import pytest

from incidentd.lifecycle import State
from incidentd.notify import wording
from incidentd.notify.notification import Notification
from tests.unit.notify.notices import NOW, OPENED_AT, acknowledged, alert, notice, resolved
from tests.unit.notify.rigs import TEMPLATES

STILL_FIRES = resolved(alerts=(alert(), alert(cleared_at=NOW)), resolved_by="anna")
LOCK_SCREENS = [
    (notice(), "SEV2 · chat: 21% of LLM calls fail · limit > 5% · 12m · unacknowledged"),
    (notice(now=OPENED_AT), "SEV2 · chat: 21% of LLM calls fail · limit > 5% · unacknowledged"),
    (notice(title="chat: calls fail"), "SEV2 · chat: calls fail · 21% (> 5%) · 12m · unacknowledged"),
    (notice(alerts=()), "SEV2 · chat: 21% of LLM calls fail · 12m · unacknowledged"),
    (acknowledged(), "SEV2 · chat: 21% of LLM calls fail · limit > 5% · 12m · acknowledged"),
    (resolved(), "SEV2 · chat: 21% of LLM calls fail · resolved after 10m"),
]


@pytest.mark.parametrize(("notification", "said"), LOCK_SCREENS)
def test_the_lock_screen_says_each_thing_once(notification: Notification, said: str) -> None:
    assert wording.lock_screen(notification) == said


@pytest.mark.parametrize(("notification", "said"), LOCK_SCREENS)
def test_the_template_that_ships_says_the_same(notification: Notification, said: str) -> None:
    assert TEMPLATES.text("slack.txt.j2", **wording.values(notification)).strip() == said


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("p95 is 21% now", "limit > 5%"),
        ("21%", "limit > 5%"),
        ("121% of the quota", "21% (> 5%)"),
        ("0.21% of calls", "21% (> 5%)"),
        ("21%x", "21% (> 5%)"),
        ("calls fail", "21% (> 5%)"),
    ],
)
def test_the_value_is_left_out_only_where_exactly_it_was_said(title: str, said: str) -> None:
    assert wording.measured(alert(), title) == said


def test_a_peak_that_is_the_value_is_not_repeated() -> None:
    assert wording.facts(notice(alerts=(alert(peak=0.21),)))[1].value == "21% · limit > 5%"


def test_texts_that_nobody_edits_say_since_when() -> None:
    mitigating = acknowledged(state=State.MITIGATING, mitigating_at=OPENED_AT + timedelta(minutes=5))
    assert wording.state(notice()) == "Unacknowledged since 2024-05-06 16:02 UTC"
    assert wording.state(mitigating) == "Mitigating since 2024-05-06 16:07 UTC, acknowledged by anna after 2m"


def test_who_resolves_what_still_fires_is_told_so() -> None:
    assert wording.state(STILL_FIRES) == "Resolved by anna after 10m while 1 alert still fired"
    assert wording.response_times(STILL_FIRES) == (
        "Lasted 10m · acknowledged by anna after 2m · resolved by anna while 1 alert still fired"
    )
    assert "STILL FIRING\n" in TEMPLATES.text("email.txt.j2", **wording.values(STILL_FIRES))
    assert "STILL FIRING" not in TEMPLATES.text("email.txt.j2", **wording.values(resolved()))


def test_a_mail_explains_the_alert() -> None:
    values = wording.values(notice(alerts=(alert(description="Half of the calls <b>failed</b>."),)))
    assert "\n  Half of the calls <b>failed</b>.\n" in TEMPLATES.text("email.txt.j2", **values)
    assert ">Half of the calls &lt;b&gt;failed&lt;/b&gt;.</div>" in TEMPLATES.html("email.html.j2", **values)
