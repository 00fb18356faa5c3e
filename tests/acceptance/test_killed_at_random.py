"""SIGKILL at random moments, vendors that fail at times: in the end all of them hold the truth, and heard it once."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests

from tests.acceptance.conftest import eventually

if TYPE_CHECKING:
    from tests.acceptance.conftest import World

pytestmark = pytest.mark.acceptance

LONGEST_LIFE_S = 1.5


class Chaos:
    """Kills the service and breaks the vendors; the same seed does the same things."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)  # noqa: S311 - not for secrets
        self.kills = 0
        self.mail_was_cut = False
        self.vendors = (world.slack, world.pagerduty, world.webhook, world.jira, world.mail)
        self.troubles: list[Callable[[], None]] = [
            lambda: world.slack.fail_next(2, status=503),
            lambda: world.slack.cut_after_accept(path="chat.postMessage"),
            lambda: world.slack.cut_after_accept(path="chat.update"),
            lambda: world.slack.fail_next(status=429, headers={"Retry-After": "1"}),
            lambda: world.pagerduty.fail_next(2, status=503),
            world.pagerduty.cut_after_accept,
            lambda: world.webhook.fail_next(status=500),
            world.webhook.cut_after_accept,
            lambda: world.jira.fail_next(status=503),
            lambda: world.jira.cut_after_accept(path="/issue"),
            world.mail.refuse_next,
            self.lose_the_answer_to_one_mail,
        ]

    def strike(self, times: int) -> None:
        """Some vendors fail, then the service dies somewhere within its next moments."""
        for _ in range(times):
            for vendor in self.vendors:
                vendor.reset()
            for trouble in self.random.sample(self.troubles, self.random.randint(1, 3)):
                trouble()
            threading.Event().wait(self.random.uniform(0, LONGEST_LIFE_S))
            self.world.service.kill()
            self.kills += 1
            self.world.service.start()

    def lose_the_answer_to_one_mail(self) -> None:
        """Once in all: a mail cannot be looked up, so that each answer that is lost may double one."""
        if not self.mail_was_cut:
            self.mail_was_cut = True
            self.world.mail.cut_after_accept()

    def wait_until_all_is_told(self) -> None:
        """Until nothing waits, and nothing is being sent."""

        def is_quiet() -> bool | None:
            text = requests.get(f"{self.world.service.url}/metrics", timeout=10).text
            depth = re.search(r"^incidentd_outbox_depth (\S+)$", text, re.MULTILINE)
            assert depth is not None
            return float(depth[1]) == 0 or None

        eventually(is_quiet, "nothing waits to be told")

    def heard(self) -> tuple[int, ...]:
        """How much each vendor was told."""
        world = self.world
        comments = sum(len(issue.comments) for issue in world.jira.issues)
        posts = len(world.slack.messages) + len(world.mail.mails) + len(world.webhook.deliveries)
        return (posts, len(world.pagerduty.events), len(world.jira.issues), comments)


@pytest.mark.parametrize("seed", [1])
def test_killed_again_and_again_it_tells_everybody_the_truth_and_tells_it_once(world: World, seed: int) -> None:
    chaos = Chaos(world, seed)
    world.service.start()

    world.gauges.set("llm_error_ratio", 0.03)
    world.gauges.set("llm_cosmetic", 1.0)
    world.gauges.set("llm_debt", 1.0)
    chaos.strike(2)
    for title in ("chat: 3%", "chat looks odd", "chat has debt"):
        world.service.expect(title, "detected")

    world.gauges.set("llm_error_ratio", 0.4)
    world.gauges.set("llm_error_ratio", 0.2, service="search")
    chaos.strike(1)
    climbed = world.service.expect("chat: 40%", "detected")
    world.service.expect("search: 20%", "detected")
    world.service.post(f"/api/v1/incidents/{climbed['number']}/acknowledge", by="anna").raise_for_status()
    chaos.strike(1)

    for name in ("llm_error_ratio", "llm_cosmetic", "llm_debt"):
        world.gauges.set(name, 0.0)
    chaos.strike(2)
    world.service.expect("chat: 40%", "resolved")
    world.gauges.set("llm_error_ratio", 0.4)
    chaos.strike(1)
    world.service.expect("chat: 40%", "detected")
    world.gauges.set("llm_error_ratio", 0.0)
    world.gauges.set("llm_error_ratio", 0.0, service="search")
    chaos.strike(1)

    def open_incidents() -> list[dict[str, object]] | None:
        return world.service.incidents("?state=open") or None

    eventually(lambda: None if open_incidents() else True, "everything is resolved")
    for vendor in chaos.vendors:
        vendor.reset()
    chaos.wait_until_all_is_told()
    assert chaos.kills == 8

    titles = sorted(incident["title"] for incident in world.service.incidents())
    assert titles == ["chat has debt", "chat looks odd", "chat: 40% of calls fail", "search: 20% of calls fail"]
    pages = Counter(alert.dedup_key for alert in world.pagerduty.alerts)
    assert sorted(pages.values()) == [1, 1], f"one page for the climb, one for the other service: {pages}"
    assert {alert.state for alert in world.pagerduty.alerts} == {"resolved"}

    posts = [message for message in world.slack.messages if message.thread_ts is None]
    assert Counter(world.slack.channel_name(post.channel) for post in posts) == {"alerts": 1, "incidents": 2}
    assert all(post.buttons == [] and post.content.says("resolved") for post in posts)
    replies = Counter(
        (message.thread_ts, str(message.metadata)) for message in world.slack.messages if message.thread_ts
    )
    assert set(replies.values()) == {1}, "no reply stands there twice"

    mails = Counter(str(mail.message["Message-ID"]) for mail in world.mail.mails)
    assert sum(mails.values()) - len(mails) <= 2, "doubled by the lost answer, or by a death just then, and not beyond"
    assert len(mails) == 2, "that it opened and that it is over"
    assert "esolved" in world.mail.mails[-1].text
    assert [issue.status for issue in world.jira.issues] == ["Done"]
    newest = {one.body["incident"]["number"]: one.body["incident"]["state"] for one in world.webhook.deliveries}
    assert set(newest.values()) == {"resolved"}

    heard = chaos.heard()
    world.service.kill()
    world.service.start()
    chaos.wait_until_all_is_told()
    assert chaos.heard() == heard, "one more start tells nobody anything"
