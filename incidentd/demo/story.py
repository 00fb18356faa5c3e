"""The story that `incidentd demo` tells: a service breaks, somebody is paged, takes it, mends it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import requests

from incidentd.app import App
from incidentd.catalog.load import load
from incidentd.catalog.report import counted
from incidentd.clock import SystemClock
from incidentd.demo.jira import JiraStandIn
from incidentd.demo.llm_service import LLMService
from incidentd.demo.mail import MailSink
from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.prometheus import Prometheus
from incidentd.demo.server import DemoError
from incidentd.demo.setup import API_TOKEN, Vendors, free_port, write_config
from incidentd.demo.slack import SlackStandIn
from incidentd.demo.teller import Teller
from incidentd.lifecycle import State
from incidentd.store import incidents, timeline
from incidentd.store.tables import Incident

T = TypeVar("T")

_PORT = 9720
_HEALTHY_SAMPLES = 2
_OUTAGE = 1.0
_WATCHED_WITHIN_S = 30.0
_OPENS_WITHIN_S = 90.0
_ATTENDED_S = 120.0
_PRESSED_WITHIN_S = 30.0
_PRESS_AGAIN_S = 5.0
_SHOW_S = 4.0
_POLL_S = 0.25
_CHANNEL = "#incidents"
_PRESSER = "U7"
_ORDER = (State.DETECTED, State.ACKNOWLEDGED, State.MITIGATING, State.RESOLVED)
_PROXIES = {"http_proxy", "https_proxy", "all_proxy"}

_OTHER_FAILURES = (
    ("outage", "1", "every model is down: sev1 within a minute, to everybody"),
    ("errors", "0.2", "a fifth of the calls fail: sev2 after about 3 minutes, a page"),
    ("rate_limited", "0.2", "the quota is used up: sev2 after about 3 minutes, a page"),
    ("latency_factor", "10", "answers take 8 s: sev2 after about 3 minutes, a page"),
)


class Story:
    """Everything that the demo runs, on free ports and in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._teller = Teller()
        self._shown = 0
        self.llm = LLMService()
        self.vendors = Vendors(SlackStandIn(), PagerDutyStandIn(), JiraStandIn(), MailSink())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Starts every part, in the order in which they need each other, and ends what it started.

        Raises DemoError, and what the service raises when it cannot start.
        """
        _forget_proxies()
        with ExitStack() as parts:
            for part in (self.llm, self.vendors.slack, self.vendors.pagerduty, self.vendors.jira, self.vendors.mail):
                parts.enter_context(part)
            scraped = Prometheus({"llm": self.llm.target}, data_dir=self._folder / "prometheus")
            self.prometheus = parts.enter_context(scraped)
            config = write_config(
                self._folder,
                port=free_port(_PORT),
                prometheus=self.prometheus,
                vendors=self.vendors,
            )
            self.app = App(config, load(config), SystemClock())
            parts.callback(self.app.stop)
            self.app.start()
            self.vendors.slack.interactivity_url = f"{self.app.address}/slack/interactions"
            yield

    def tell(self, *, attended: bool) -> None:
        """From healthy to resolved. *attended* waits for a person to press the buttons, and presses them in the end.

        Raises DemoError when something that must happen does not.
        """
        self._teller.heading("Where to look")
        self._teller.table(self._addresses())
        self._teller.heading("What happens (seconds since the start)")
        self._wait_for(self._is_watched, "the first samples in Prometheus", _WATCHED_WITHIN_S)
        self._say("The LLM service is healthy: about 50 calls a second.")
        self._say("Now a provider goes down: every call to claude-sonnet fails with 503.")
        self._teller.add("When most calls have failed for 15 s, a rule opens an incident. That takes about 20 s.")
        self.llm.set("outage_anthropic", _OUTAGE)
        number = self._wait_for(self._opened, "an incident", _OPENS_WITHIN_S).number or 0
        self._acknowledge(number, attended=attended)
        self._say("The provider is back.")
        self.llm.heal()
        self._resolve(number, attended=attended)
        self._pause(_SHOW_S)
        self._teller.heading("What everybody holds now")
        self._teller.table(self._holdings())

    def stay(self) -> None:
        """Until Ctrl-C: to look around, and to turn the service's knobs."""
        self._teller.heading(f"Break it another way: turn a knob at {self.llm.url}/")
        self._teller.table(_OTHER_FAILURES)
        self._teller.heading("Everything goes on until you press Ctrl-C.")
        while True:
            self._pause(_POLL_S)

    def _acknowledge(self, number: int, *, attended: bool) -> None:
        if attended:
            self._ask("Acknowledge", number)
            self._teller.add("If nobody does within 2 minutes, a simulated colleague, anna, does.")
            if self._look(lambda: self._reached(number, State.ACKNOWLEDGED), _ATTENDED_S):
                return
        self._press("Acknowledge", number, State.ACKNOWLEDGED)

    def _resolve(self, number: int, *, attended: bool) -> None:
        if attended and not self._reached(number, State.RESOLVED):
            self._ask("Resolve", number)
            self._teller.add(
                "If nobody does within 2 minutes, anna does. Left alone, the rules resolve it by themselves about "
                "10 minutes later, when the failures have left their windows."
            )
            if self._look(lambda: self._reached(number, State.RESOLVED), _ATTENDED_S):
                return
        self._press("Resolve", number, State.RESOLVED)

    def _ask(self, button: str, number: int) -> None:
        self.vendors.slack.expect_message(_CHANNEL, f"INC-{number}")
        self._show_news()
        self._teller.ask(f'NOW YOU: press "{button}" in Slack: {self.vendors.slack.url}/')
        self._teller.add(f"or at {self.app.address}/incidents/INC-{number} (sign in with the token {API_TOKEN!r})")

    def _press(self, button: str, number: int, state: State) -> None:
        """As a person would: again, if the message changed under the finger."""
        self._pause(_SHOW_S)
        if self._reached(number, state):
            return
        self._say(f'anna presses "{button}" in Slack.')
        message = self.vendors.slack.expect_message(_CHANNEL, f"INC-{number}")
        deadline = time.monotonic() + _PRESSED_WITHIN_S
        while time.monotonic() < deadline:
            if button in message.buttons:
                with suppress(requests.RequestException):
                    message.press(button, user=_PRESSER)
            if self._look(lambda: self._reached(number, state), _PRESS_AGAIN_S):
                return
        raise DemoError(f"INC-{number} is not {state} {_PRESSED_WITHIN_S:g} s after {button!r} was pressed")

    def _reached(self, number: int, state: State) -> Incident | None:
        """The incident, once it is that far or farther."""
        found = next((one for one in self._incidents() if one.number == number), None)
        return found if found and _ORDER.index(State(found.state)) >= _ORDER.index(state) else None

    def _addresses(self) -> list[tuple[str, ...]]:
        return [
            ("Incidents", f"{self.app.address}/", f"to act there, sign in with {API_TOKEN!r}"),
            ("Status page", f"{self.app.address}/status/", "what the public sees"),
            ("Slack", f"{self.vendors.slack.url}/", "press the buttons here"),
            ("PagerDuty", f"{self.vendors.pagerduty.url}/", "who is woken"),
            ("Jira", f"{self.vendors.jira.url}/", "the ticket"),
            ("Mail", f"{self.vendors.mail.url}/", "the inbox of oncall@example.com"),
            ("LLM service", f"{self.llm.url}/", "a knob for each failure"),
            ("Prometheus", f"{self.prometheus.url}/", "a real one"),
            ("Files", str(self._folder)),
        ]

    def _holdings(self) -> list[tuple[str, str]]:
        slack, pagerduty, jira, mails = (
            self.vendors.slack,
            self.vendors.pagerduty,
            self.vendors.jira,
            self.vendors.mail.mails,
        )
        top = [one for one in slack.messages if one.thread_ts is None]
        edits = sum(len(one.history) for one in top)
        notes = len(slack.messages) - len(top)
        components = _get(f"{self.app.address}/status/api/v2/summary.json")["components"]
        return [
            ("Status page", ", ".join(f"{one['name']}: {one['status'].replace('_', ' ')}" for one in components)),
            (
                "Slack",
                f"{counted(len(top), 'message')}, {counted(edits, 'edit')}, {counted(notes, 'note')} in the thread",
            ),
            ("PagerDuty", f"{counted(pagerduty.pages, 'page')}: {', '.join(e.action for e in pagerduty.events)}"),
            ("Jira", ", ".join(f"{one.key}: {one.status}" for one in jira.issues)),
            ("Mail", f"{counted(len(mails), 'mail')} in one thread: {mails[0].subject}" if mails else "none"),
        ]

    def _is_watched(self) -> bool | None:
        """Asked of the calls that succeed: they are in every scrape, a rare status may appear much later."""
        query = 'min(count_over_time(llm_requests_total{status="200"}[1m]))'
        result = _get(f"{self.prometheus.url}/api/v1/query", query=query)["data"]["result"]
        return True if result and float(result[0]["value"][1]) >= _HEALTHY_SAMPLES else None

    def _opened(self) -> Incident | None:
        return next(iter(self._incidents()), None)

    def _incidents(self) -> list[Incident]:
        with self.app.database.reading() as session:
            return incidents.recent(session)

    def _wait_for(self, find: Callable[[], T | None], what: str, seconds: float) -> T:
        found = self._look(find, seconds)
        if found is None:
            raise DemoError(f"{what}: not seen within {seconds:g} s; is this machine very busy? Try again.")
        return found

    def _look(self, find: Callable[[], T | None], seconds: float) -> T | None:
        deadline = time.monotonic() + seconds
        while (found := find()) is None and time.monotonic() < deadline:
            self._pause(_POLL_S)
        return found

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_S))
            self._show_news()

    def _say(self, text: str) -> None:
        self._show_news()
        self._teller.say(text)

    def _show_news(self) -> None:
        """What the timelines say since the last time."""
        with self.app.database.reading() as session:
            numbers = [one.number for one in incidents.recent(session) if one.number is not None]
            entries = [entry for of_one in timeline.of_all(session, numbers).values() for entry in of_one]
        new = sorted((entry for entry in entries if (entry.id or 0) > self._shown), key=lambda entry: entry.id or 0)
        for entry in new:
            self._shown = entry.id or 0
            self._teller.say(f"INC-{entry.incident_number}: {entry.text}")


def _get(url: str, **params: str) -> Any:
    answer = requests.get(url, params=params, timeout=5)
    answer.raise_for_status()
    return answer.json()


def _forget_proxies() -> None:
    """Everything that the demo talks to is on this machine, where no proxy leads."""
    for name in [name for name in os.environ if name.lower() in _PROXIES]:
        del os.environ[name]
