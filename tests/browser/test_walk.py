"""Mia makes an ad with her hands: the walk in a browser, on a real server with a worker beside it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from generations.models import Generation
from tests.people import PASSWORD, PRODUCTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


def sign_in(page: Page, address: str, email: str) -> None:
    page.goto(f"{address}/account/sign-in/")
    page.get_by_label(re.compile("e-?mail", re.IGNORECASE)).fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{address}/")


def look(page: Page) -> None:
    """No violation that axe knows."""
    found = Axe().run(page, options=AXE_RULES)
    assert found.violations_count == 0, found.generate_report()


def test_mia_makes_an_ad_changes_a_word_and_takes_the_files_home(
    live_server: Any, page: Page, worker: None, complaints: list[str], mia: User, tmp_path: Path
) -> None:
    sign_in(page, live_server.url, mia.email)
    expect(page.locator(".wall img").first).to_be_visible()
    page.goto(f"{live_server.url}/templates/leaf-shade/")
    page.get_by_role("main").get_by_role("link", name=re.compile("Use this template|Make an ad", re.IGNORECASE)).first.click()

    page.locator("input[type=file]").first.set_input_files(PRODUCTS / "serum.jpg")
    expect(page.locator(".thumb.checker img")).to_be_visible(timeout=30_000)
    page.get_by_label("Headline").fill("Wake up lit.")
    page.get_by_label(re.compile("^Call to action")).fill("Try it")
    page.locator(".make-bar").get_by_role("button", name=re.compile("^Make")).click()

    expect(page).to_have_url(re.compile("/generations/"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=90_000)
    order = Generation.objects.get()
    assert order.status == "ready"
    tiles = page.locator(".tile.done")
    assert tiles.count() == order.pictures.count()

    page.get_by_text("Edit text").first.click()
    words = page.locator("form[action$='/words/']").first
    words.get_by_label("Headline").fill("Glow, on time")
    words.get_by_role("button", name=re.compile("Update text|Save")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Glow, on time", timeout=15_000)
    expect(page.locator(".tile.done")).to_have_count(order.pictures.count(), timeout=90_000)

    link = page.get_by_role("link", name=re.compile("Download all"))
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as saved:
        link.click()
    archive = tmp_path / "ads.zip"
    saved.value.save_as(archive)
    names = zipfile.ZipFile(archive).namelist()
    assert sum(name.endswith((".jpg", ".png")) for name in names) == order.pictures.count()
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_page_shuts_anybody_out(
    live_server: Any, browser: Browser, worker: None, mia: User, order: Generation, width: int, theme: Any
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(live_server.url)
    look(page)
    page.goto(f"{live_server.url}/account/sign-in/")
    look(page)
    sign_in(page, live_server.url, mia.email)
    page.goto(f"{live_server.url}/generations/{order.pk}/")
    expect(page.get_by_role("link", name=re.compile("Download all"))).to_be_visible(timeout=60_000)
    look(page)
    page.locator(".tile.done a.pic").first.click()
    for address in ("/", "/templates/podium/", "/create/podium/", "/library/", "/not-a-page/"):
        look(page)
        page.goto(f"{live_server.url}{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} scrolls sideways"
    look(page)
    context.close()
