"""Who may change something, and through which door."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr

from incidentd.settings import Api, Settings, Source
from incidentd.store import tokens
from incidentd.web.auth import may_listen
from incidentd.web.sign_in import local_path
from tests.unit.web.site import TOKEN, Site, open_incident

CHANGES = [
    *(f"/api/v1/incidents/42/{one}" for one in ("acknowledge", "unacknowledge", "mitigate", "resolve", "reopen")),
    "/api/v1/incidents/INC-42/notes",
    "/-/reload",
]
UNSENT = "https://attacker.example"


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [(None, "Bearer"), ("Bearer wrong", 'Bearer error="invalid_token"'), (f"Basic {TOKEN}", "Bearer")],
)
def test_nothing_is_changed_without_a_good_token(
    site: Site, path: str, authorization: str | None, challenge: str
) -> None:
    site.write(*open_incident())
    headers = {"Authorization": authorization} if authorization else {}
    answer = site.post(path, json={"note": "x"}, headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (site.incident(42).state, site.incident(42).version) == ("detected", 1)


def test_the_configured_token_and_a_stored_one_may_act_and_give_their_names(site: Site) -> None:
    site.write(*open_incident())
    assert site.post("/api/v1/incidents/42/acknowledge", token=TOKEN).json()["acknowledged_by"] == "api token"
    stored = site.new_token("ci")
    assert (
        site.post("/api/v1/incidents/42/notes", token=stored, json={"note": "x"}).json()["timeline"][-1]["who"] == "ci"
    )


def test_a_revoked_token_may_not_act(site: Site) -> None:
    stored = site.new_token("ci")
    with site.database.transaction() as session:
        assert tokens.revoke(session, "ci")
    assert site.post("/-/reload", token=stored).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://incidents.example.com"}, 403),
        ({"Origin": "https://incidents.example.com"}, 200),
        ({"Origin": "https://incidents.example.com.attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": UNSENT}, 403),
        ({}, 403),
    ],
)
def test_a_cookie_counts_only_for_requests_of_our_own_pages(site: Site, headers: dict[str, str], status: int) -> None:
    site.write(*open_incident())
    headers = headers | {"Cookie": site.sign_in()}
    assert site.post("/api/v1/incidents/42/acknowledge", headers=headers).status_code == status
    assert site.incident(42).state == ("acknowledged" if status == 200 else "detected")


@pytest.mark.parametrize("path", ["/incidents/42/acknowledge", "/incidents/42/notes", "/sign-out", "/sign-in"])
def test_a_form_of_another_site_does_nothing(site: Site, path: str) -> None:
    site.write(*open_incident())
    cookie = site.sign_in()
    fields = {"note": "x", "version": "1", "token": TOKEN}
    answer = site.post(path, data=fields, headers={"Cookie": cookie, "Origin": UNSENT})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)
    assert site.incident(42).state == "detected"
    assert "anna" in site.get("/", headers={"Cookie": cookie}).text


def test_our_own_address_counts_as_origin(site: Site) -> None:
    site.write(*open_incident())
    headers = {"Cookie": site.sign_in(), "Origin": site.url}
    assert site.post("/incidents/42/acknowledge", headers=headers).status_code == 303
    assert site.incident(42).acknowledged_by == "anna"


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(site: Site) -> None:
    site.settings = site.settings.model_copy(update={"base_url": "https://incidents.example.com"})
    answer = site.post("/sign-in", data={"token": TOKEN}, headers={"Origin": site.url})
    attributes = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert attributes == {"httponly", "secure", "samesite=strict", "path=/", "max-age=604800"}


def test_plain_http_gets_a_cookie_that_it_can_send_back(site: Site) -> None:
    site.settings = site.settings.model_copy(update={"base_url": "http://127.0.0.1:9720"})
    answer = site.post("/sign-in", data={"token": TOKEN}, headers={"Origin": site.url})
    assert "secure" not in answer.headers["Set-Cookie"].lower()


def test_a_session_ends_after_a_week_with_its_token_or_with_sign_out(site: Site) -> None:
    lasting = site.sign_in("anna")
    ended = site.sign_in("bert")
    assert site.post("/sign-out", headers={"Cookie": ended, "Origin": site.url}).status_code == 303
    of_token = site.sign_in("carla", site.new_token("laptop"))
    with site.database.transaction() as session:
        tokens.revoke(session, "laptop")

    def shown(cookie: str) -> str:
        return site.get("/", headers={"Cookie": cookie}).text

    assert "Sign out" not in shown(ended)
    assert "Sign out" not in shown(of_token)
    assert "anna" in shown(lasting)
    site.clock.at += timedelta(days=7)
    assert "Sign out" not in shown(lasting)


def test_another_configured_token_ends_the_sessions_of_the_old_one(site: Site) -> None:
    cookie = site.sign_in()
    site.restart(api=Api(token=SecretStr("the-next-one")))
    assert "Sign out" not in site.get("/", headers={"Cookie": cookie}).text


def test_guessing_is_slowed_down_and_then_allowed_again(site: Site) -> None:
    own = {"Origin": site.url}
    tries = [site.post("/sign-in", data={"token": f"guess {n}"}, headers=own) for n in range(6)]
    assert [answer.status_code for answer in tries] == [401, 401, 401, 401, 401, 429]
    assert 0 < int(tries[-1].headers["Retry-After"]) <= 61
    assert site.post("/sign-in", data={"token": TOKEN}, headers=own).status_code == 429
    site.clock.at += timedelta(minutes=1)
    assert site.post("/sign-in", data={"token": TOKEN}, headers=own).status_code == 303


def test_sign_in_leads_back_to_where_the_person_came_from(site: Site) -> None:
    page = site.get("/sign-in?next=/incidents/INC-42").text
    assert 'name="next" value="/incidents/INC-42"' in page
    form = {"token": TOKEN, "next": "/incidents/INC-42"}
    answer = site.post("/sign-in", data=form, headers={"Origin": site.url})
    assert answer.headers["Location"] == "/incidents/INC-42"


def test_a_browser_that_came_from_elsewhere_is_sent_on_once_its_strict_cookie_is_there(site: Site) -> None:
    answer = site.get("/sign-in?next=/incidents/INC-42", headers={"Cookie": site.sign_in()})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/INC-42")


@pytest.mark.parametrize("path", ["https://attacker.example", "//attacker.example", "/\\attacker.example", "", "/\n/x"])
def test_sign_in_leads_nowhere_else(path: str) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize(
    ("listen", "token", "stored", "allowed"),
    [
        ("127.0.0.1:9720", None, False, True),
        ("localhost:9720", None, False, True),
        ("[::1]:9720", None, False, True),
        ("0.0.0.0:9720", None, False, False),
        ("incidents.internal:9720", None, False, False),
        ("0.0.0.0:9720", "secret", False, True),
        ("0.0.0.0:9720", None, True, True),
    ],
)
def test_others_may_reach_the_service_only_where_a_token_guards_it(
    *, listen: str, token: str | None, stored: bool, allowed: bool
) -> None:
    api = Api(token=SecretStr(token)) if token else Api()
    settings = Settings(listen=listen, api=api, sources={"prometheus": Source(url="http://127.0.0.1:9090")})
    reason = may_listen(settings, has_token=stored)
    assert (reason is None) is allowed
    if reason:
        assert "incidentd token create" in reason
