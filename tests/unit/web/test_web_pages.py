"""The pages, as a responder without JavaScript uses them."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
import requests
from structlog.testing import capture_logs

from incidentd.store.tables import Incident, TimelineEntry
from incidentd.web.context import RuleState
from tests.unit.web.site import TOKEN, Site, delivery, minutes, open_incident, outbox

HTML = {"Accept": "text/html,application/xhtml+xml"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href='javascript:alert(3)'>{{ 7 * 7 }}"


class Anna:
    """A browser that is signed in."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._headers = HTML | {"Cookie": site.sign_in("anna"), "Sec-Fetch-Site": "same-origin"}

    def sees(self, path: str) -> str:
        return self._site.get(path, headers=self._headers).text

    def sends(self, path: str, **fields: str) -> requests.Response:
        return self._site.post(path, data=fields, headers=self._headers)


def buttons(html: str) -> list[str]:
    """The captions of the actions."""
    group = html.partition('aria-label="Actions"')[2].partition("</header>")[0]
    return re.findall(r">([A-Z][\w ]+)</(?:button|a)>", group)


def words(html: str) -> str:
    """What a person reads, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<body")[1]).split())


class Elements(HTMLParser):
    """The elements of a page as a browser would build them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_an_empty_house_says_that_all_is_quiet(site: Site) -> None:
    assert "Nothing is open" in words(site.get("/").text)
    assert "1 rule loaded, none evaluated yet" in words(site.get("/").text)


def test_the_list_shows_the_worst_and_oldest_first_and_what_was_resolved_below(site: Site) -> None:
    site.states = {"a": RuleState(minutes(9.8), health="ok"), "b": RuleState(minutes(5), health="err")}
    resolved = {"state": "resolved", "opened_at": minutes(-90), "resolved_at": minutes(-60), "resolved_by": "the rule"}
    site.write(
        *open_incident(40, title="long over", **resolved),
        *open_incident(41, title="cosmetic", severity="sev4"),
        *open_incident(42, title="younger", opened_at=minutes(5)),
        *open_incident(43, title="older", state="acknowledged", acknowledged_by="anna"),
        *open_incident(44, title="outage", severity="sev1"),
    )
    page = site.get("/").text
    said = words(page)
    places = [
        said.index(title) for title in ("outage", "older", "younger", "cosmetic", "Recently resolved", "long over")
    ]
    assert places == sorted(places)
    assert "4 open incidents" in said
    assert "1 rule evaluated, last 12s ago ; 1 without an answer" in said
    assert "Acknowledged by anna" in said
    assert "SEV1" in said
    assert 'href="/incidents/INC-44"' in page
    assert '<meta http-equiv="refresh"' in page


def test_an_incident_shows_value_condition_runbook_deliveries_and_what_came_before(site: Site) -> None:
    site.write(*open_incident(37), *open_incident(previous_number=37, key="other"))
    told = delivery(42, "slack", "Slack #incidents", told_at=minutes(9))
    site.write(told)
    assert told.id is not None
    site.write(outbox(told.id, 42, status="sent"))
    page = site.get("/incidents/INC-42").text
    said = words(page)
    for text in (
        "SEV2",
        "open for 10m",
        "31% &gt; 20%",
        "peak 42%",
        "service chat",
        "Next step Split the failures by status.",
        "Opened as sev2",
        "Slack #incidents delivered 1m ago",
        "INC-37 , the same trouble",
    ):
        assert text in said
    assert "<h1>Calls fail</h1>" in page
    assert 'datetime="2026-11-20T18:00:00Z" title="2026-11-20 18:00:00 UTC"' in page
    assert "refresh" not in page.split("<body")[0]


@pytest.mark.parametrize(
    ("state", "captions"),
    [
        ("detected", ["Acknowledge", "Mitigate", "Resolve"]),
        ("acknowledged", ["Mitigate", "Resolve", "Unacknowledge"]),
        ("mitigating", ["Resolve", "Back to acknowledged"]),
        ("resolved", ["Reopen"]),
    ],
)
def test_only_the_buttons_that_are_valid_now_are_shown(site: Site, state: str, captions: list[str]) -> None:
    site.write(*open_incident(state=state, resolved_at=minutes(9) if state == "resolved" else None))
    assert buttons(Anna(site).sees("/incidents/42")) == captions
    assert buttons(site.get("/incidents/42").text) == captions


def test_a_guest_who_wants_to_act_is_led_to_sign_in_and_back(site: Site) -> None:
    site.write(*open_incident())
    page = site.get("/incidents/42").text
    assert '<a href="/sign-in?next=/incidents/42"' in page
    assert "<textarea" not in page
    for path in ("/incidents/42/acknowledge", "/incidents/42/notes"):
        answer = site.post(path, data={"note": "x"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/incidents/INC-42")
    assert site.incident(42).state == "detected"


def test_a_press_takes_the_note_along_and_shows_the_incident_again(site: Site) -> None:
    site.write(*open_incident())
    anna = Anna(site)
    answer = anna.sends("/incidents/INC-42/acknowledge", version="1", note="looking")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/INC-42")
    assert "Acknowledged by anna: looking" in words(anna.sees("/incidents/42"))


def test_a_stale_press_changes_nothing_says_why_and_keeps_the_note(site: Site) -> None:
    site.write(*open_incident())
    site.post("/api/v1/incidents/42/acknowledge", token=TOKEN, json={"by": "bert"})
    site.clock.at += timedelta(seconds=2)
    answer = Anna(site).sends("/incidents/42/resolve", version="1", note="half a sentence")
    assert answer.status_code == 409
    assert "INC-42 was acknowledged 2s earlier by bert" in words(answer.text)
    assert ">half a sentence</textarea>" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert site.incident(42).state == "acknowledged"


def test_notes_appear_in_the_timeline_newest_first(site: Site) -> None:
    site.write(*open_incident())
    anna = Anna(site)
    anna.sends("/incidents/42/notes", note="one thing")
    assert anna.sends("/incidents/42/notes", note="another thing").status_code == 303
    said = words(anna.sees("/incidents/42"))
    assert said.index("another thing") < said.index("one thing") < said.index("Opened as sev2")


@pytest.mark.parametrize("note", ["", "   ", "x" * 4001])
def test_an_empty_or_endless_note_is_not_taken(site: Site, note: str) -> None:
    site.write(*open_incident())
    answer = Anna(site).sends("/incidents/42/notes", note=note)
    assert answer.status_code == 422
    assert "A note has between 1 and 4000 characters." in words(answer.text)


@pytest.mark.parametrize("path", ["/incidents/43", "/incidents/nonsense", "/runbooks/nothing", "/nowhere"])
def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(site: Site, path: str) -> None:
    page = site.get(path, headers=HTML)
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Not Found" in words(page.text)
    problem = site.get(path)
    assert (problem.status_code, problem.headers["Content-Type"]) == (404, "application/problem+json")


def test_an_action_that_does_not_exist_is_not_found(site: Site) -> None:
    site.write(*open_incident())
    assert Anna(site).sends("/incidents/42/explode").status_code == 404


def test_a_runbook_has_a_page_of_its_own(site: Site) -> None:
    said = words(site.get("/runbooks/Errors").text)
    assert "usually solved within 45m · ai-platform" in said
    assert "Look at &lt;namespace&gt; ." in said


def test_label_values_are_shown_and_never_run(site: Site) -> None:
    incident, alert, entry = open_incident(
        title=HOSTILE, labels={"service": HOSTILE}, owner=HOSTILE, component=HOSTILE, runbook=HOSTILE
    )
    alert.labels, alert.summary, alert.description, alert.rule = {"x": HOSTILE}, HOSTILE, HOSTILE, HOSTILE
    entry.text = entry.who = HOSTILE
    site.write(incident, alert, entry, delivery(42, "slack", HOSTILE, last_error=HOSTILE, due_at=minutes(11)))
    anna = Anna(site)
    answered = anna.sends("/incidents/42/notes", note=HOSTILE + "x" * 4000).text
    for html in (anna.sees("/"), anna.sees("/incidents/42"), answered):
        assert "&lt;script&gt;alert(1)" in html
        elements = Elements(html)
        assert not {"script", "img"} & set(elements.tags)
        assert not [name for name, _ in elements.attributes if name.startswith("on")]
        assert not [value for name, value in elements.attributes if name == "href" and "javascript" in (value or "")]
        assert "49" not in html.split("alert(3)")[1][:30]


def test_a_name_typed_at_sign_in_is_text(site: Site) -> None:
    cookie = site.sign_in(HOSTILE)
    assert "<script" not in site.get("/", headers={"Cookie": cookie}).text


def test_an_incident_with_thousands_of_entries_stays_a_page(site: Site) -> None:
    site.write(*open_incident())
    with site.database.transaction() as session:
        for number in range(1000):
            session.add(
                TimelineEntry(
                    incident_number=42,
                    at=minutes(number / 100),
                    kind="alert",
                    who="the rule",
                    origin="rule",
                    text=f"happening {number}.",
                    state="detected",
                    severity="sev2",
                )
            )
    said = words(site.get("/incidents/42").text)
    assert "happening 999." in said
    assert "happening 100." not in said
    assert "and 701 earlier" in said


def test_a_template_of_the_user_replaces_the_shipped_one(site: Site) -> None:
    folder = site.folder / "templates" / "pages"
    folder.mkdir(parents=True)
    (folder / "runbook.html.j2").write_text("House style: {{ runbook.front.title }}")
    site.restart(templates=site.folder / "templates")
    assert site.get("/runbooks/errors").text == "House style: Calls fail"
    assert "Nothing is open" in site.get("/").text


def test_a_template_that_fails_is_an_error_that_says_nothing_of_its_inside(site: Site) -> None:
    folder = site.folder / "templates" / "pages"
    folder.mkdir(parents=True)
    (folder / "base.html.j2").write_text("{{ secret_thing }}")
    site.restart(templates=site.folder / "templates")
    with capture_logs() as logged:  # what is printed without a configuration takes many seconds
        answer = site.get("/", headers=HTML)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret_thing" not in answer.text
    assert [one["action"] for one in logged] == ["request_failed"]


def test_reading_changes_nothing(site: Site) -> None:
    """Mail scanners follow every link."""
    site.write(*open_incident())
    before: Incident = site.incident(42)
    cookie = site.sign_in()
    for path in ("/incidents/42/acknowledge", "/incidents/42/notes"):
        answer = site.get(path, headers={"Cookie": cookie})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/INC-42")
    for path in ("/sign-out", "/api/v1/incidents/42/resolve"):
        assert site.get(path, headers={"Cookie": cookie}).status_code == 405
    assert site.incident(42).model_dump() == before.model_dump()
