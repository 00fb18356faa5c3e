"""A notification -> one Slack message that is edited in place, with a thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from incidentd.notify import wording
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Remote
from incidentd.notify.render import Templates
from incidentd.notify.slack import failure, message
from incidentd.notify.slack.config import SlackDestination
from incidentd.settings import Slack

_LOG = structlog.get_logger(__name__)

_PAGE = 200
_MAX_PAGES = 25
# The vendor's clock may be behind ours.
_BEFORE = timedelta(minutes=5)
# An edit makes no sound: these are also said in the thread, and shown in the channel.
_BROADCAST = (Kind.OPENED, Kind.ESCALATED, Kind.REMINDED)


class SlackNotifier:
    """Posts once, then edits. The remote keys are the ``channel`` ID and the message's ``ts``."""

    def __init__(self, config: Slack, templates: Templates) -> None:
        self._templates = templates
        self._client = WebClient(
            token=config.token.get_secret_value(),
            base_url=f"{config.api_url}/",
            timeout=math.ceil(config.timeout.total_seconds()),
            retry_handlers=[],  # the default one posts twice after a reset
        )
        self._client.proxy = None  # urllib honours HTTPS_PROXY by itself and, unlike the SDK, NO_PROXY

    def send(self, notification: Notification, destination: SlackDestination, attempt: Attempt) -> Remote:
        lock_screen = self._templates.text(
            "slack.txt.j2", fallback=wording.lock_screen(notification), **wording.values(notification)
        )
        content = message.build(notification, lock_screen)
        remote = self._edited(content, attempt.remote) if attempt.remote else {}
        again = bool(remote) and not attempt.begun
        if not remote:
            remote = self._posted(content, notification, destination, attempt)
        try:
            self._reply(notification, remote, again=again, uncertain=attempt.uncertain)
        except DeliveryError as exc:
            exc.uncertain = True  # some replies may be there: look before telling again
            exc.remote = remote
            raise
        return remote

    def _edited(self, content: message.Message, remote: Remote) -> dict[str, str]:
        """The keys of the message, edited; empty when it is no longer there to be edited."""
        try:
            self._call(
                "chat.update",
                self._client.chat_update,
                channel=remote["channel"],
                ts=remote["ts"],
                text=content.text,
                blocks=content.blocks,
                attachments=content.attachments,
                metadata=content.metadata,
            )
        except failure.SlackDeliveryError as exc:
            if exc.code not in failure.GONE:
                raise
            return {}
        return dict(remote)

    def _posted(
        self, content: message.Message, n: Notification, destination: SlackDestination, attempt: Attempt
    ) -> dict[str, str]:
        """The keys of the message: of the one that an uncertain attempt did post, edited, or of a new one."""
        found = self._found(n, destination.channel, attempt.remote) if attempt.uncertain else {}
        if found and (edited := self._edited(content, found)):
            return edited
        answer = self._call(
            "chat.postMessage",
            self._client.chat_postMessage,
            channel=destination.channel,
            text=content.text,
            blocks=content.blocks,
            attachments=content.attachments,
            metadata=content.metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        return _keys(answer)

    def _found(self, n: Notification, channel: str, gone: Remote) -> dict[str, str]:
        """The keys of our message about this incident, if an earlier attempt posted it; not those of the one that is
        *gone*."""
        try:
            channel_id = gone.get("channel") or self._channel_id(channel)
            posted = self._pages(
                "conversations.history",
                self._client.conversations_history,
                "messages",
                channel=channel_id,
                oldest=f"{(n.opened_at - _BEFORE).timestamp():.6f}",
                include_all_metadata=True,
            )
            for one in posted:
                payload = _payload(one, message.EVENT_TYPE)
                if payload.get("uid") == n.uid and one.get("ts") != gone.get("ts"):
                    return {"channel": channel_id, "ts": str(one["ts"])}
        except failure.SlackDeliveryError as exc:
            self._unseen(exc)
        return {}

    def _channel_id(self, channel: str) -> str:
        """The history is told by ID only. Raises SlackDeliveryError; an unknown name stays a name."""
        if not channel.startswith("#"):
            return channel
        listed = self._pages(
            "conversations.list",
            self._client.conversations_list,
            "channels",
            types="public_channel,private_channel",
            exclude_archived=True,
        )
        return next((str(one["id"]) for one in listed if one.get("name") == channel[1:]), channel)

    def _reply(self, n: Notification, remote: Remote, *, again: bool, uncertain: bool) -> None:
        loud = again and n.kind in _BROADCAST
        texts = n.thread_texts or ((n.headline,) if loud else ())
        told = self._parts_told(n, remote) if uncertain and texts else frozenset()
        for part, text in enumerate(texts):
            if part in told:
                continue
            self._call(
                "chat.postMessage",
                self._client.chat_postMessage,
                channel=remote["channel"],
                thread_ts=remote["ts"],
                text=message.reply_text(text),
                reply_broadcast=True if loud and part == len(texts) - 1 else None,
                metadata=message.reply_metadata(n, part),
                unfurl_links=False,
                unfurl_media=False,
            )
        self._answer_privately(n, remote)

    def _parts_told(self, n: Notification, remote: Remote) -> frozenset[int]:
        """Which of the replies are already in the thread."""
        try:
            replies = list(
                self._pages(
                    "conversations.replies",
                    self._client.conversations_replies,
                    "messages",
                    channel=remote["channel"],
                    ts=remote["ts"],
                    include_all_metadata=True,
                )
            )
        except failure.SlackDeliveryError as exc:
            self._unseen(exc)
            return frozenset()
        payloads = [_payload(reply, message.REPLY_EVENT_TYPE) for reply in replies]
        return frozenset(one["part"] for one in payloads if one.get("notification") == n.id and "part" in one)

    def _answer_privately(self, n: Notification, remote: Remote) -> None:
        """Somebody who left the channel cannot be told: that is no failure of the channel's message."""
        for reply in n.private_replies:
            try:
                self._call(
                    "chat.postEphemeral",
                    self._client.chat_postEphemeral,
                    channel=remote["channel"],
                    user=reply.user,
                    text=message.reply_text(reply.text),
                )
            except failure.SlackDeliveryError as exc:
                if not exc.permanent:
                    raise
                _LOG.warning("a private answer was refused", action="private_reply_failed", error=str(exc))

    def _unseen(self, exc: failure.SlackDeliveryError) -> None:
        """Looking is forbidden for good: tell once more rather than never. Raises what may pass."""
        if not exc.permanent:
            exc.uncertain = True
            raise exc
        _LOG.warning("Slack does not let us look for our message; it may appear twice", action="lookup_refused",
                     error=str(exc))  # fmt: skip

    def _pages(
        self, name: str, method: Callable[..., SlackResponse], key: str, **arguments: Any
    ) -> Iterator[Mapping[str, Any]]:
        """What is listed under *key* on each page, as long as there are more, within bounds."""
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            answer = self._call(name, method, limit=_PAGE, cursor=cursor, **arguments)
            yield from answer.get(key) or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _call(self, name: str, method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
        try:
            return method(**arguments)
        except failure.RAISED as exc:
            raise failure.translated(name, exc) from exc


def _keys(answer: SlackResponse) -> dict[str, str]:
    channel, ts = answer.get("channel"), answer.get("ts")
    if not channel or not ts:
        raise DeliveryError("Slack took the message but did not say where it is", permanent=False, uncertain=True)
    return {"channel": str(channel), "ts": str(ts)}


def _payload(one: Mapping[str, Any], event_type: str) -> Mapping[str, Any]:
    """The metadata of a message if it is of that type and whole; empty otherwise."""
    metadata = one.get("metadata") or {}
    payload = metadata.get("event_payload") if metadata.get("event_type") == event_type else None
    return payload if isinstance(payload, Mapping) else {}
