"""The story that `incidentd demo` tells: a service breaks, somebody is paged, takes it, mends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import requests

from incidentd.app import App
from incidentd.catalog.load import load
from incidentd.clock import SystemClock
from incidentd.demo.jira import JiraStandIn
from incidentd.demo.llm_service import LLMService
from incidentd.demo.mail import MailSink
from incidentd.demo.pagerduty import PagerDutyStandIn
from incidentd.demo.prometheus import Prometheus
from incidentd.demo.server import DemoError
from incidentd.demo.setup import API_TOKEN, Vendors, free_port, write_config
from incidentd.demo.slack import SlackStandIn
from incidentd.lifecycle import State
from incidentd.store import incidents, timeline
from incidentd.store.tables import Incident

T = TypeVar("T")

_PORT = 9720
_HEALTHY_SAMPLES = 2
_OUTAGE = 1.0
_OPENS_WITHIN_S = 90.0
_ATTENDED_S = 120.0
_SHOW_S = 4.0
_POLL_S = 0.25
_PRESSER = "U7"


class Story:
    """Everything that the demo runs, on free ports and in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun = time.monotonic()
        self._shown = 0
        self._stopped = threading.Event()
        self.llm = LLMService()
        self.vendors = Vendors(SlackStandIn(), PagerDutyStandIn(), JiraStandIn(), MailSink())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Starts every part, in the order in which they need each other, and ends what it started.

        Raises DemoError, and what the service raises when it cannot start.
        """
        with ExitStack() as parts:
            for part in (self.llm, self.vendors.slack, self.vendors.pagerduty, self.vendors.jira, self.vendors.mail):
                parts.enter_context(part)
            self.prometheus = parts.enter_context(Prometheus({"llm": self.llm.target}))
            config = write_config(
                self._folder,
                port=free_port(_PORT),
                prometheus=self.prometheus,
                vendors=self.vendors,
            )
            self.app = App(config, load(config), SystemClock())
            self.app.start()
            parts.callback(self.app.stop)
            self.vendors.slack.interactivity_url = f"{self.app.address}/slack/interactions"
            yield

    def tell(self, *, attended: bool) -> None:
        """From healthy to resolved. *attended* waits for a person to press the buttons, and presses them in the end.

        Raises DemoError when something that must happen does not.
        """
        self._say("Everything runs. Where to look:")
        self._show_addresses()
        self._wait_for(self._is_watched, "the first samples in Prometheus", 30)
        self._say("The service is healthy. Now one of its providers breaks: every call to claude-sonnet gets a 503.")
        self.llm.set("outage_anthropic", _OUTAGE)
        incident = self._wait_for(self._opened, "an incident", _OPENS_WITHIN_S)
        self._say(f"INC-{incident.number} is open: {self.app.address}/incidents/INC-{incident.number}")
        number = incident.number or 0
        self._let_a_person_act(number, "Acknowledge", State.ACKNOWLEDGED, attended=attended)
        self._say("The provider is back.")
        self.llm.heal()
        self._let_a_person_act(number, "Resolve", State.RESOLVED, attended=attended)
        self._pause(_SHOW_S)
        self._sum_up()

    def stay(self) -> None:
        """Until Ctrl-C: to look around, and to turn the service's knobs."""
        self._say(f"Everything goes on. Break it yourself: {self.llm.url}   End: Ctrl-C")
        while not self._stopped.is_set():
            self._pause(1)

    def _let_a_person_act(self, number: int, button: str, state: State, *, attended: bool) -> None:
        """Waits until the incident is in *state*, or presses the button in Slack itself."""

        def reached() -> Incident | None:
            return next((one for one in self._incidents() if one.number == number and one.state == state), None)

        if attended:
            self._say(f'Press "{button}" in Slack ({self.vendors.slack.url}); else it is pressed for you.')
            if self._look(reached, _ATTENDED_S) is not None:
                return
        self._pause(_SHOW_S)
        self._say(f'anna presses "{button}" in Slack.')
        message = self.vendors.slack.expect_message("#incidents", f"INC-{number}")
        message.press(button, user=_PRESSER)
        self._wait_for(reached, f"INC-{number} {state}", 15)

    def _sum_up(self) -> None:
        told = self.vendors
        self._say("What the vendors hold:")
        print(f"      Slack      {len(told.slack.messages)} messages and replies; the first is edited in place")
        print(
            f"      PagerDuty  {told.pagerduty.pages} pages; {', '.join(one.action for one in told.pagerduty.events)}"
        )
        print(f"      Jira       {', '.join(f'{one.key} {one.status}' for one in told.jira.issues)}")
        print(f"      mail       {', '.join(one.subject for one in told.mail.mails)}")

    def _show_addresses(self) -> None:
        for name, address in (
            ("incidents", f"{self.app.address}/   (to press buttons there, sign in with the token {API_TOKEN!r})"),
            ("status page", f"{self.app.address}/status/"),
            ("Slack", self.vendors.slack.url),
            ("PagerDuty", self.vendors.pagerduty.url),
            ("Jira", self.vendors.jira.url),
            ("mail", self.vendors.mail.url),
            ("the service", self.llm.url),
            ("Prometheus", self.prometheus.url),
            ("files", str(self._folder)),
        ):
            print(f"      {name:<12}{address}")

    def _is_watched(self) -> bool | None:
        query = "min(count_over_time(llm_requests_total[1m]))"
        answer = requests.get(f"{self.prometheus.url}/api/v1/query", params={"query": query}, timeout=5).json()
        result = answer["data"]["result"]
        return True if result and float(result[0]["value"][1]) >= _HEALTHY_SAMPLES else None

    def _opened(self) -> Incident | None:
        return next(iter(self._incidents()), None)

    def _incidents(self) -> list[Incident]:
        with self.app.database.reading() as session:
            return incidents.recent(session)

    def _wait_for(self, find: Callable[[], T | None], what: str, seconds: float) -> T:
        found = self._look(find, seconds)
        if found is None:
            raise DemoError(f"{what}: not seen within {seconds:g} s; the files are in {self._folder}")
        return found

    def _look(self, find: Callable[[], T | None], seconds: float) -> T | None:
        deadline = time.monotonic() + seconds
        while (found := find()) is None and time.monotonic() < deadline:
            self._pause(_POLL_S)
        return found

    def _pause(self, seconds: float) -> None:
        """Shows what the timelines say meanwhile."""
        self._stopped.wait(seconds)
        with self.app.database.reading() as session:
            numbers = [one.number for one in incidents.recent(session) if one.number is not None]
            entries = [entry for of_one in timeline.of_all(session, numbers).values() for entry in of_one]
        new = sorted((entry for entry in entries if (entry.id or 0) > self._shown), key=lambda entry: entry.id or 0)
        for entry in new:
            self._shown = entry.id or 0
            self._say(f"  INC-{entry.incident_number} [{entry.severity} {entry.state}] {entry.text}")

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._begun:5.1f} s  {text}", flush=True)
