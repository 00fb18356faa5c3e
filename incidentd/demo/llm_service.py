"""A simulated service that calls large language models: metrics for Prometheus, and a knob for each failure."""

import html
import threading
import time
from dataclasses import dataclass

from incidentd.demo.llm_traffic import Traffic
from incidentd.demo.page import page
from incidentd.demo.server import NOT_FOUND, Answer, DemoError, Request, StandIn, html_answer, json_answer, redirect

TICK_S = 0.25
STYLE = """
.off { color: var(--bad); font-weight: 700 } input { font: inherit; width: 6em } td form { white-space: nowrap }
td, th { padding-block: 6px; vertical-align: middle } th { overflow-wrap: normal }
@media (max-width: 640px) { tr { display: block; border-top: 1px solid var(--line); padding: 6px 0 }
  td, th { display: block; border: 0; padding-block: 2px } }
"""
LONGEST_STEP_S = 5.0  # after a sleep of the machine, not all that was missed


@dataclass(frozen=True, slots=True)
class Knob:
    usual: float
    most: float
    meaning: str


KNOBS = {
    "outage": Knob(0.0, 1.0, "share of calls that the provider answers with 503"),
    "outage_anthropic": Knob(0.0, 1.0, "the same for Anthropic alone (claude-sonnet)"),
    "errors": Knob(0.002, 1.0, "share of calls that end with 500"),
    "rate_limited": Knob(0.001, 1.0, "share of calls that are refused with 429"),
    "latency_factor": Knob(1.0, 100.0, "times the usual duration (median 0.8 s, p95 1.7 s)"),
    "cost_factor": Knob(1.0, 100.0, "times the usual price (70 % of the budget per hour is usual)"),
    "tokens_factor": Knob(1.0, 100.0, "times the usual number of tokens (50 % of the quota is usual); costs follow"),
    "quality": Knob(0.92, 1.0, "score of the answers, 0 to 1"),
    "fallback_share": Knob(0.05, 1.0, "share of requests that take the branch `fallback`"),
    "quota_factor": Knob(1.0, 100.0, "times the usual quota of tokens per minute"),
    "day_budget_factor": Knob(1.0, 100.0, "times the usual budget of the day (40 % are spent at the start)"),
}


class LLMService(StandIn):
    """Plays about *rate* requests a second between `start` and `stop`, at `/metrics`; knobs at `/`."""

    api = ("/metrics",)

    def __init__(self, *, rate: float = 50.0, port: int = 0) -> None:
        super().__init__(port=port)
        self.knobs = {name: knob.usual for name, knob in KNOBS.items()}
        self._traffic = Traffic(self.knobs, rate=rate)
        self._stopped = threading.Event()
        self._player: threading.Thread | None = None

    @property
    def target(self) -> str:
        """What Prometheus is told to scrape: host and port."""
        return self.url.removeprefix("http://")

    def set(self, name: str, value: float) -> None:
        """Turn a knob. Raises DemoError for one that does not exist and for a value out of range."""
        if name not in KNOBS:
            raise DemoError(f"no knob {name!r}; there are {', '.join(KNOBS)}")
        if not 0 <= value <= KNOBS[name].most:
            raise DemoError(f"{name} is between 0 and {KNOBS[name].most:g}, not {value:g}")
        with self.changed:
            self.knobs[name] = value

    def heal(self) -> None:
        """All knobs as they were at the start."""
        for name, knob in KNOBS.items():
            self.set(name, knob.usual)

    def play(self, seconds: float) -> None:
        """The traffic of that time, at once."""
        with self.changed:
            self._traffic.play(seconds)

    def start(self) -> None:
        super().start()
        self._stopped.clear()
        self._player = threading.Thread(target=self._play_on, name="LLM traffic", daemon=True)
        self._player.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._player is not None:
            self._player.join()
            self._player = None
        super().stop()

    def answer(self, request: Request) -> Answer:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["metrics"]:
                return Answer(200, self._traffic.exposition(), {"Content-Type": "text/plain; version=0.0.4"})
            case "GET", ["knobs"]:
                return json_answer(self.knobs)
            case "POST", ["knobs", name]:
                return self._turned(name, request)
            case "POST", ["heal"]:
                self.heal()
                return redirect("/")
            case "GET", [""]:
                return html_answer(page("LLM service", "simulated", self._knobs_html(), colour="#0b525b", style=STYLE))
            case _:
                return NOT_FOUND

    def _play_on(self) -> None:
        before = time.monotonic()
        while not self._stopped.wait(TICK_S):
            now = time.monotonic()
            self.play(min(now - before, LONGEST_STEP_S))
            before = now

    def _turned(self, name: str, request: Request) -> Answer:
        """`?value=` from a program, a form from the page."""
        form = request.form()
        try:
            self.set(name, float(request.query.get("value") or form["value"]))
        except (DemoError, ValueError, KeyError) as error:
            return json_answer({"error": str(error)}, 400)
        return redirect("/") if form else json_answer({name: self.knobs[name]})

    def _knobs_html(self) -> str:
        rows = "".join(
            f"<tr><th>{name}<td>{html.escape(knob.meaning)}<td>"
            f'<form method=post action="/knobs/{name}"><input type=number name=value step=any min=0 max={knob.most:g} '
            f'value="{self.knobs[name]:g}" size=6> <button>Set</button></form>'
            f"<td>{'' if self.knobs[name] == knob.usual else f'<span class=off>usual: {knob.usual:g}</span>'}"
            for name, knob in KNOBS.items()
        )
        return (
            f"<section class=card><h2>What goes wrong</h2><table>{rows}</table>"
            '<form method=post action="/heal"><p><button>All as usual</button></p></form></section>'
            "<p class=dim>A rule waits until a failure has lasted, mostly 2 minutes for a page and 5 for a warning; "
            "an outage opens an incident within a minute. Metrics: <a href=/metrics>/metrics</a>. From a program: "
            "<code>POST /knobs/outage?value=0.9</code></p>"
        )
