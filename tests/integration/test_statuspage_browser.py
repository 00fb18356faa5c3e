"""The status page in Chromium, under the strictest policy, at a desk and on a phone."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.unit.statuspage.town import Town

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


class _Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")  # a page written twice in a second has one modification time
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Town]:
    """A page as of now, with one open and one past incident, below /status/ of a folder that is served."""
    now = datetime.now(UTC)
    town = Town(tmp_path, now)
    town.out = tmp_path / "site" / "status"
    town.page = town.page.model_copy(update={"out": town.out})
    ago = timedelta(days=3)
    town.story("chat-api", [(now - timedelta(minutes=20), "opened", "detected", "sev2")])
    town.story("login", [(now - ago, "opened", "detected", "sev1"), (now - ago / 2, "resolved", "resolved", "sev1")])
    town.publish()
    yield town
    town.database.close()


@pytest.fixture
def site(busy: Town) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(busy.out.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/status/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("width", [360, 1280])
def test_it_obeys_the_policy_and_fits_the_screen(browser: Browser, site: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("", "history.html"):
        page.goto(site + path)
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.click("article a")
    expect(page.locator("h1")).to_have_text("Chat API: partial outage")
    assert said == []
    page.close()


def test_without_javascript_and_from_a_folder_it_says_the_same(browser: Browser, busy: Town) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((busy.out / "index.html").as_uri())
    expect(page.locator("h1")).to_have_text("Chat API has a partial outage")
    page.get_by_role("link", name="History").click()
    expect(page.locator("h1")).to_have_text("History")
    page.close()


def test_the_bars_can_be_reached_and_opened_with_the_keyboard(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.goto(site)
    page.get_by_role("link", name="Chat API: partial outage").first.focus()
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert ": partial outage " in focused
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/*.html")
    expect(page.locator("h1")).to_have_text("Chat API: partial outage")
    page.close()


def test_it_says_by_itself_that_it_is_stale(browser: Browser, busy: Town, site: str) -> None:
    """At once when it was generated long ago; else, without a script, when it has been open for ten minutes."""
    page = browser.new_page()
    page.goto(site)
    assert not page.locator(".stale").is_visible()
    page.evaluate("document.getAnimations().forEach((one) => { one.currentTime = 600_100 })")
    assert page.locator(".stale").is_visible()
    busy.clock.at -= timedelta(minutes=6)
    busy.publish()
    page.goto(site)
    assert page.locator(".stale.shown").is_visible()
    assert "may be out of date" in page.locator(".stale").inner_text()
    page.close()
