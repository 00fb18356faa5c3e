"""A responder and the public in Chromium: read, sign in, acknowledge, press in Slack, read the status page.

With INCIDENTD_SCREENSHOTS set to a folder the pictures of the documentation are made anew there (`make screenshots`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.conftest import TOKEN

if TYPE_CHECKING:
    from tests.acceptance.conftest import World

pytestmark = [pytest.mark.acceptance, pytest.mark.browser]

WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


class Eyes:
    """Opens pages as a person would see them; a message in the console or a failed request is a failure."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.complaints: list[str] = []

    def open(self, url: str, *, size: dict[str, int], scheme: str = "light", javascript: bool = True) -> Page:
        context = self._browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(f"{url}: {message.text}"))
        page.on("requestfailed", lambda request: self.complaints.append(f"{url}: {request.url} failed"))
        page.goto(url)
        return page

    def keep(self, page: Page, name: str) -> None:
        """A picture of the whole page, which must not be wider than the screen."""
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide"
        page.screenshot(path=self._folder / f"{name}.png", full_page=True)
        assert (self._folder / f"{name}.png").stat().st_size > 5_000


@pytest.fixture
def eyes(chromium: Browser, tmp_path: Path) -> Eyes:
    folder = Path(os.environ.get("INCIDENTD_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return Eyes(chromium, folder)


def test_a_responder_signs_in_reads_acknowledges_and_resolves(world: World, eyes: Eyes) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.03, service="search")
    world.gauges.set("llm_error_ratio", 0.2)
    world.gauges.set("llm_cosmetic", 1.0, service="dashboard")
    world.slack.expect_message("#incidents", "chat")
    world.slack.expect_message("#alerts", "search")
    world.mail.expect("dashboard looks odd")
    number = world.service.expect("chat: 20%", "detected")["number"]
    world.wait_for_status("partial_outage")

    page = eyes.open(world.service.url, size=WIDE)
    expect(page.get_by_role("link", name="chat: 20% of calls fail")).to_be_visible()
    eyes.keep(page, "incidents")
    page.get_by_role("link", name="chat: 20% of calls fail").click()
    expect(page).to_have_url(f"{world.service.url}/incidents/INC-{number}")
    expect(page.get_by_text("Switch to the fallback provider.").first).to_be_visible()
    expect(page.get_by_text("Look at the <model> that fails.")).to_be_visible()
    expect(page.get_by_text("PagerDuty (page) was told")).to_be_visible()

    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("API token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("not").first).to_be_visible()
    page.get_by_label("Your name").fill("Anna")
    page.get_by_label("API token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{world.service.url}/incidents/INC-{number}")
    page.get_by_role("button", name="Acknowledge").click()
    world.pagerduty.expect("acknowledge")
    expect(page.get_by_role("button", name="Acknowledge", exact=True)).to_have_count(0)
    page.get_by_role("textbox").first.fill("Rolled back to 1.4")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("Rolled back to 1.4").first).to_be_visible()
    eyes.keep(page, "incident")

    dark = eyes.open(page.url, size=PHONE, scheme="dark", javascript=False)
    expect(dark.get_by_role("heading", level=1, name="chat: 20% of calls fail")).to_be_visible()
    dark.context.close()
    dark = eyes.open(page.url, size=PHONE, scheme="dark")
    eyes.keep(dark, "incident-phone-dark")

    page.get_by_role("button", name="Resolve").click()
    world.service.expect("chat: 20%", "resolved")
    expect(page.get_by_text("Resolved by Anna").first).to_be_visible()
    complaints = [one for one in eyes.complaints if "401" not in one]
    assert complaints == [], "the console is silent, but for the wrong token"


def test_somebody_presses_the_button_in_slack(world: World, eyes: Eyes) -> None:
    world.service.start()
    world.gauges.set("llm_error_ratio", 0.2)
    world.slack.expect_message("#incidents", "chat")
    slack = eyes.open(world.slack.url, size=WIDE)
    eyes.keep(slack, "slack")
    slack.get_by_role("button", name="Acknowledge").click()
    world.pagerduty.expect("acknowledge")
    assert world.service.expect("chat", "acknowledged")["acknowledged_at"] is not None


def test_the_public_reads_the_status_page(world: World, eyes: Eyes) -> None:
    world.service.start()
    world.wait_for_status("operational")
    address = f"{world.service.url}/status/"
    calm = eyes.open(address, size=WIDE)
    eyes.keep(calm, "status-operational")
    world.gauges.set("llm_error_ratio", 0.2)
    world.wait_for_status("partial_outage")

    page = eyes.open(address, size=WIDE)
    expect(page.get_by_text("Partial outage").first).to_be_visible()
    assert "calls fail" not in page.content(), "nothing internal is public"
    eyes.keep(page, "status")
    phone = eyes.open(address, size=PHONE, scheme="dark", javascript=False)
    expect(phone.get_by_text("Partial outage").first).to_be_visible()
    phone.context.close()
    eyes.keep(eyes.open(address, size=PHONE, scheme="dark"), "status-phone-dark")
    assert eyes.complaints == []
