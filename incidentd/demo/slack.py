"""Calls of Slack's Web API -> channels with messages, by Slack's rules; a pressed button -> a signed interaction."""

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from incidentd.demo import slack_call, slack_page
from incidentd.demo.server import (
    DEFAULT_TIMEOUT_S,
    NOT_FOUND,
    Answer,
    DemoError,
    Request,
    StandIn,
    html_answer,
    json_answer,
    redirect,
)
from incidentd.demo.slack_message import Content, Ephemeral, Message, controls, send_interaction, signature, with_ids

INTERACTION_TIMEOUT_S = 3.0
RESPONSE_URL_USES = 5


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    archived: bool = False
    member: bool = True
    """Whether our bot is in it."""


class SlackStandIn(StandIn):
    """One workspace with one app. *channels* are names, with or without ``#``; *users* IDs -> names.

    `interactivity_url` is where presses go; it can be set once the service's port is known.
    """

    api = ("/api/", "/response/")
    bot_id = "B0DEMO"
    bot_user = "U0DEMO"
    team = "T0DEMO"

    def __init__(
        self,
        *,
        token: str = "xoxb-demo",  # noqa: S107 - a stand-in's token opens nothing
        signing_secret: str = "demo-signing-secret",  # noqa: S107 - likewise
        channels: tuple[str, ...] = ("incidents", "alerts"),
        users: Mapping[str, str] | None = None,
        interactivity_url: str = "",
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.token = token
        self.signing_secret = signing_secret
        self.channels = [Channel(f"C{n:03}DEMO", name.lstrip("#")) for n, name in enumerate(channels, 1)]
        self.users = dict(users or {"U7": "anna", "U8": "ben"})
        self.interactivity_url = interactivity_url
        self.messages: list[Message] = []
        self.ephemerals: list[Ephemeral] = []
        self._last_ts = 0
        self._numbers = itertools.count(1)
        self._response_urls: dict[str, tuple[Message, str, int]] = {}
        self._methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "chat.postEphemeral": self._post_ephemeral,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.info": lambda arguments: {"channel": _channel_json(self._channel(arguments))},
            "conversations.list": lambda _: {
                "channels": [_channel_json(channel) for channel in self.channels],
                "response_metadata": {"next_cursor": ""},
            },
        }

    @property
    def api_url(self) -> str:
        """What `slack.api_url` of the service is set to."""
        return f"{self.url}/api/"

    def channel(self, name: str) -> Channel:
        """The channel with that name (with or without ``#``) or ID. Raises DemoError."""
        for channel in self.channels:
            if name.lstrip("#") in {channel.name, channel.id}:
                return channel
        raise DemoError(f"no channel {name!r}")

    def channel_name(self, channel_id: str) -> str:
        return self.channel(channel_id).name

    def user_name(self, user: str) -> str:
        return self.users.get(user, user.lower())

    def expect_message(self, channel: str, containing: str, timeout: float = DEFAULT_TIMEOUT_S) -> Message:
        """The first message in *channel* that says *containing*, whatever the case; waits for it.

        Raises NotSeenError.
        """
        channel_id = self.channel(channel).id
        return self.wait_for(
            lambda: next((m for m in self.messages if m.channel == channel_id and m.content.says(containing)), None),
            f"message in {channel} containing {containing!r}",
            timeout,
        )

    def expect_ephemeral(self, user: str, containing: str, timeout: float = DEFAULT_TIMEOUT_S) -> Ephemeral:
        """The first message that only *user* sees and that says *containing*; waits for it. Raises NotSeenError."""
        return self.wait_for(
            lambda: next((e for e in self.ephemerals if e.user == user and e.content.says(containing)), None),
            f"message only for {user} containing {containing!r}",
            timeout,
        )

    def seen(self) -> str:
        said = [f"#{self.channel_name(m.channel)}: {m.content.visible}" for m in self.messages]
        said += [f"only {e.user}: {e.content.visible}" for e in self.ephemerals]
        return "; ".join(said) or super().seen()

    def send_signed(self, body: bytes) -> requests.Response:
        """POST *body* to the interactivity URL with a signature of now. Raises requests.RequestException."""
        if not self.interactivity_url:
            raise DemoError("Slack's stand-in was not told the interactivity URL of the service")
        timestamp = str(int(time.time()))
        with requests.Session() as session:
            session.trust_env = False
            return session.post(
                self.interactivity_url,
                data=body,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "X-Slack-Request-Timestamp": timestamp,
                    "X-Slack-Signature": signature(self.signing_secret, timestamp, body),
                },
                timeout=INTERACTION_TIMEOUT_S,
            )

    def response_url(self, message: Message, user: str) -> str:
        with self.changed:
            number = str(next(self._numbers))
            self._response_urls[number] = (message, user, RESPONSE_URL_USES)
        return f"{self.url}/response/{number}"

    def answer(self, request: Request) -> Answer:
        if request.path == "/":
            with self.changed:
                return html_answer(slack_page.render(self, request.query))
        if request.path == "/press" and request.method == "POST":
            return self._pressed_in_browser(request.form())
        if request.path.startswith("/response/"):
            return self._responded(request)
        method = self._methods.get(request.path.removeprefix("/api/"))
        if method is None:
            return NOT_FOUND
        try:
            self._authorise(request)
            return json_answer({"ok": True, **method(slack_call.arguments(request))})
        except slack_call.ApiError as error:
            messages = [f"[ERROR] {message}" for message in error.messages]
            return json_answer(
                {
                    "ok": False,
                    "error": error.error,
                    "errors": error.messages,
                    "response_metadata": {"messages": messages},
                }
            )

    def _authorise(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise slack_call.ApiError("invalid_auth" if "authorization" in request.headers else "not_authed")

    def _auth_test(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": f"{self.url}/",
            "team": "Demo",
            "user": "incidentd",
            "team_id": self.team,
            "user_id": self.bot_user,
            "bot_id": self.bot_id,
        }

    def _post_message(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(arguments, by_name=True)
        content = slack_call.content(arguments, None, slack_call.MAX_TEXT)
        thread_ts = arguments.get("thread_ts")
        if thread_ts and not any(m.ts == thread_ts and m.channel == channel.id for m in self.messages):
            raise slack_call.ApiError("thread_not_found")
        message = self._add(channel.id, content, thread_ts, slack_call.metadata(arguments))
        return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}

    def _add(
        self, channel_id: str, content: Content, thread_ts: str | None, metadata: dict[str, Any] | None
    ) -> Message:
        """A ts is the time in microseconds, and unique."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        ts = f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"
        message = Message(self, channel_id, ts, thread_ts, with_ids(content), metadata)
        self.messages.append(message)
        return message

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(arguments)
        message = next((m for m in self.messages if (m.channel, m.ts) == (channel.id, arguments.get("ts"))), None)
        if message is None:
            raise slack_call.ApiError("message_not_found")
        content = slack_call.content(arguments, message.content, slack_call.MAX_UPDATE_TEXT)
        message.metadata = slack_call.metadata(arguments) or message.metadata
        message.edit(content)
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_json()}

    def _post_ephemeral(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(arguments, by_name=True)
        if not arguments.get("user"):
            raise slack_call.ApiError("invalid_arguments", "missing required field: user")
        content = with_ids(slack_call.content(arguments, None, slack_call.MAX_TEXT))
        self.ephemerals.append(Ephemeral(channel.id, arguments["user"], content, time.time()))
        return {"message_ts": f"{time.time():.6f}"}

    def _history(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(arguments)
        newest_first = [m for m in reversed(self.messages) if m.channel == channel.id and not m.thread_ts]
        return slack_call.page_of(newest_first, arguments)

    def _replies(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel, ts = self._channel(arguments), arguments.get("ts")
        thread = [m for m in self.messages if m.channel == channel.id and ts in {m.ts, m.thread_ts}]
        if not thread:
            raise slack_call.ApiError("thread_not_found")
        return slack_call.page_of(thread, arguments)

    def _channel(self, arguments: dict[str, Any], *, by_name: bool = False) -> Channel:
        wanted = str(arguments.get("channel", ""))
        for channel in self.channels:
            if wanted == channel.id or (by_name and wanted.removeprefix("#") == channel.name):
                if channel.archived:
                    raise slack_call.ApiError("is_archived")
                if not channel.member:
                    raise slack_call.ApiError("not_in_channel")
                return channel
        raise slack_call.ApiError("channel_not_found")

    def _responded(self, request: Request) -> Answer:
        """A POST to a response_url: at most five uses, as Slack allows."""
        number = request.path.removeprefix("/response/")
        message, user, left = self._response_urls.get(number, (None, "", 0))
        if message is None or left == 0:
            return json_answer({"ok": False, "error": "used_url" if message else "expired_url"}, 404)
        self._response_urls[number] = (message, user, left - 1)
        body = request.json()
        content = Content(body.get("text", ""), tuple(body.get("blocks", ())), tuple(body.get("attachments", ())))
        if body.get("replace_original"):
            message.edit(content)
        elif body.get("response_type") == "in_channel":
            self._add(message.channel, content, message.thread_ts, None)
        else:
            self.ephemerals.append(Ephemeral(message.channel, user, with_ids(content), time.time()))
        return json_answer({"ok": True})

    def _pressed_in_browser(self, form: dict[str, str]) -> Answer:
        """The version that the person saw counts, so that a page left open presses a stale button."""
        message = next((m for m in self.messages if m.ts == form.get("ts")), None)
        if message is None:
            return NOT_FOUND
        content = [*message.history, message.content][int(form["version"])]
        control = controls(content)[int(form["control"])]
        user = form.get("as", "U7")
        try:
            answered = send_interaction(message, content, control, user)
            problem = "" if answered.ok else f"the service answered {answered.status_code}"
        except (requests.RequestException, DemoError) as error:
            problem = f"the service did not answer ({type(error).__name__})"
        return redirect(slack_page.link(channel=message.channel, user=user, problem=problem))


def _channel_json(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_archived": channel.archived,
        "is_member": channel.member,
    }
