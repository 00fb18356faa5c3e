from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from incidentd import settings
from incidentd.demo.slack import SlackStandIn
from incidentd.notify.notification import Kind, PrivateReply
from incidentd.notify.notifier import Attempt, DeliveryError
from incidentd.notify.render import Templates
from incidentd.notify.slack.config import SlackDestination
from incidentd.notify.slack.notifier import SlackNotifier
from tests.unit.notify.notices import acknowledged, notice, resolved
from tests.unit.notify.rigs import SlackRig, rig


@pytest.fixture
def slack() -> Iterator[SlackRig]:
    with rig("slack") as made:
        assert isinstance(made, SlackRig)
        yield made


def calls(stand_in: SlackStandIn) -> list[str]:
    return [request.path.removeprefix("/api/") for request, _ in stand_in.received]


def test_one_message_is_edited_and_its_buttons_go(slack: SlackRig) -> None:
    remote = slack.send(notice())
    message = slack.stand_in.expect_message("#incidents", "unacknowledged")
    assert remote == {"channel": "C001DEMO", "ts": message.ts}
    assert message.buttons == ["Acknowledge", "Mitigating", "Resolve"]
    assert message.metadata == {
        "event_type": "incidentd",
        "event_payload": {"uid": "u42", "generation": 1, "number": 42, "notification": "n1"},
    }
    assert slack.send(acknowledged(thread_texts=("Acknowledged by anna",)), remote) == remote
    assert "Acknowledged by anna after 2m" in message.content.visible
    assert message.buttons == ["Mitigating", "Resolve"]
    assert [reply.text for reply in message.replies] == ["Acknowledged by anna"]
    slack.send(resolved(), remote)
    assert message.buttons == []
    assert "Lasted 10m" in message.content.visible
    assert len(slack.stand_in.messages) == 2


def test_a_deleted_message_is_posted_again(slack: SlackRig) -> None:
    remote = slack.send(notice())
    slack.stand_in.messages.clear()
    again = slack.send(acknowledged(), remote)
    assert again["ts"] != remote["ts"]
    assert slack.openings() == 1


def test_an_uncertain_post_is_found_by_its_metadata_and_edited(slack: SlackRig) -> None:
    """The name of the channel is looked up, because the history is told by ID only."""
    posted = slack.send(notice())
    slack.send(notice(uid="another", number=43))
    slack.stand_in.received.clear()
    assert slack.send(acknowledged(), uncertain=True) == posted
    assert slack.openings() == 2
    assert calls(slack.stand_in) == ["conversations.list", "conversations.history", "chat.update"]


def test_nobody_is_asked_while_nothing_is_uncertain(slack: SlackRig) -> None:
    slack.send(notice())
    assert calls(slack.stand_in) == ["chat.postMessage"]


def test_a_channel_id_needs_no_lookup(slack: SlackRig) -> None:
    slack.destination = SlackDestination(channel="C002DEMO")
    remote = slack.send(notice(), uncertain=True)
    assert remote["channel"] == "C002DEMO"
    assert calls(slack.stand_in) == ["conversations.history", "chat.postMessage"]


def test_it_tells_twice_rather_than_never_when_it_may_not_look(slack: SlackRig) -> None:
    slack.send(notice())
    slack.stand_in.fail_next(status=200, body='{"ok": false, "error": "missing_scope"}', path="conversations.list")
    slack.send(notice(), uncertain=True)
    assert slack.openings() == 2


def test_replies_are_told_twice_rather_than_never_when_it_may_not_look(slack: SlackRig) -> None:
    remote = slack.send(notice())
    told = acknowledged(thread_texts=("one",))
    slack.send(told, remote)
    slack.stand_in.fail_next(status=200, body='{"ok": false, "error": "missing_scope"}', path="conversations.replies")
    slack.send(told, remote, uncertain=True)
    assert [m.text for m in slack.stand_in.messages[1:]] == ["one", "one"]


def test_a_channel_nobody_knows_is_not_found(slack: SlackRig) -> None:
    slack.destination = SlackDestination(channel="#nope")
    with pytest.raises(DeliveryError, match="channel_not_found") as raised:
        slack.send(notice(), uncertain=True)
    assert raised.value.permanent


def test_a_lookup_that_fails_for_now_stays_uncertain(slack: SlackRig) -> None:
    slack.stand_in.fail_next(status=429, headers={"Retry-After": "3"}, path="conversations.history")
    with pytest.raises(DeliveryError) as raised:
        slack.send(notice(), uncertain=True)
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)
    assert slack.openings() == 0


def test_a_page_for_a_known_message_is_shown_in_the_channel(slack: SlackRig) -> None:
    """An edit makes no sound: a climb is also a reply that everybody sees."""
    remote = slack.send(notice())
    slack.send(notice(id="n4", kind=Kind.ESCALATED, generation=2, thread_texts=("first", "Climbed to sev1")), remote)
    bodies = [request.json() for request, _ in slack.stand_in.received if "thread_ts" in request.json()]
    assert [(body["text"], body.get("reply_broadcast")) for body in bodies] == [
        ("first", None),
        ("Climbed to sev1", True),
    ]


def test_a_reminder_without_a_text_says_its_headline(slack: SlackRig) -> None:
    remote = slack.send(notice())
    slack.send(notice(id="n5", kind=Kind.REMINDED, headline="Nobody has acknowledged"), remote)
    assert [m.text for m in slack.stand_in.messages[1:]] == ["Nobody has acknowledged"]


def test_the_first_post_is_not_repeated_as_a_reply(slack: SlackRig) -> None:
    slack.send(notice())
    assert len(slack.stand_in.messages) == 1


def test_replies_are_not_doubled_when_the_answer_to_one_was_lost(slack: SlackRig) -> None:
    remote = slack.send(notice())
    told = acknowledged(thread_texts=("one", "two", "three"))
    slack.send(acknowledged(id="other", thread_texts=("before",)), remote)
    slack.stand_in.cut_after_accept(1, path="chat.postMessage")
    with pytest.raises(DeliveryError) as raised:
        slack.send(told, remote)
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)
    slack.send(told, remote, uncertain=True)
    assert [m.text for m in slack.stand_in.messages[1:]] == ["before", "one", "two", "three"]


def test_a_reply_that_is_refused_for_now_leaves_the_attempt_uncertain(slack: SlackRig) -> None:
    """The message was posted: its keys are handed on, so that nobody must look for it."""
    slack.stand_in.fail_next(status=429, path="postEphemeral")
    with pytest.raises(DeliveryError) as raised:
        slack.send(notice(private_replies=(PrivateReply("U7", "too late"),)))
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)
    remains = Attempt(raised.value.remote or {}, uncertain=True, begun=True)
    again = notice(private_replies=(PrivateReply("U7", "too late"),))
    slack.notifier().send(again, slack.destination, remains)
    assert slack.openings() == 1
    assert len(slack.stand_in.messages) == 1, "the opening is not said once more in its thread"
    assert "conversations.history" not in str(slack.stand_in.received)
    assert slack.stand_in.expect_ephemeral("U7", "too late", timeout=0)


def test_somebody_who_left_the_channel_does_not_fail_the_message(slack: SlackRig) -> None:
    slack.stand_in.fail_next(status=200, body='{"ok": false, "error": "user_not_in_channel"}', path="postEphemeral")
    assert slack.send(notice(private_replies=(PrivateReply("U9", "x"), PrivateReply("U7", "y"))))
    assert [ephemeral.user for ephemeral in slack.stand_in.ephemerals] == ["U7"]


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ('{"ok": false, "error": "channel_not_found"}', True),
        ('{"ok": false, "error": "not_in_channel"}', True),
        ('{"ok": false, "error": "is_archived"}', True),
        ('{"ok": false, "error": "invalid_blocks"}', True),
        ('{"ok": false, "error": "msg_too_long"}', True),
        ('{"ok": false, "error": "msg_blocks_too_long"}', True),
        ('{"ok": false, "error": "no_text"}', True),
        ('{"ok": false, "error": "token_revoked"}', True),
        ('{"ok": false, "error": "account_inactive"}', True),
        ('{"ok": false, "error": "invalid_auth"}', True),
        ('{"ok": false, "error": "missing_scope"}', True),
        ('{"ok": false, "error": "restricted_action"}', True),
        ('{"ok": false, "error": "metadata_too_large"}', True),
        ('{"ok": false, "error": "ratelimited"}', False),
        ('{"ok": false, "error": "internal_error"}', False),
        ('{"ok": false, "error": "something_new"}', False),
        ('{"ok": false}', False),
        ("<html>down for maintenance</html>", False),
        ('"text"', False),
        ("", False),
        ('{"ok": true}', False),
    ],
)
def test_slacks_own_words_say_whether_a_retry_can_help(slack: SlackRig, answer: str, *, permanent: bool) -> None:
    slack.stand_in.fail_next(status=200, body=answer)
    with pytest.raises(DeliveryError) as raised:
        slack.send(notice())
    assert raised.value.permanent is permanent


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_gateways_html_is_a_passing_failure(slack: SlackRig, status: int) -> None:
    slack.stand_in.fail_next(status=status, body="<html>\u00fc Bad gateway</html>")
    with pytest.raises(DeliveryError) as raised:
        slack.send(notice())
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)


def test_a_users_template_speaks_on_the_lock_screen_and_a_broken_one_does_not_lose_the_page(
    slack: SlackRig, tmp_path: Path
) -> None:
    config = settings.Slack(token=SecretStr("xoxb-s3cret"), api_url=f"{slack.url}/api")
    own = SlackNotifier(config, Templates(tmp_path))
    template = tmp_path / "slack.txt.j2"
    for source, said in (
        ("<!here> {{ notification.name }}", "&lt;!here&gt; INC-42"),
        ("{{ nonsense }}", "SEV2 · chat: 21% of LLM calls fail · limit &gt; 5% · 12m · unacknowledged"),
        ("{{ 'a' * 10**9 }}", "SEV2 · chat: 21% of LLM calls fail · limit &gt; 5% · 12m · unacknowledged"),
        ("   ", "SEV2 · chat: 21% of LLM calls fail · limit &gt; 5% · 12m · unacknowledged"),
    ):
        template.write_text(source)
        own = SlackNotifier(config, Templates(tmp_path))
        own.send(replace(notice(), uid=source), slack.destination, Attempt({}, uncertain=False))
        assert slack.stand_in.messages[-1].text == said
