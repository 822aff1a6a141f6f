"""What hands do on the pages: without a script, with a mouse on a photo, clicking twice; and every state of a page that axe has not seen yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from generations.models import Generation, Photo
from studio.forms import FIRST_CHOICE
from tests.browser.test_walk import look, sign_in
from tests.people import PRODUCTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_mia_needs_no_script(live_server: Any, browser: Browser, worker: None, mia: User) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, mia.email)
    page.goto(f"{live_server.url}/create/leaf-shade/")
    page.set_input_files("#photo", PRODUCTS / "mug.jpg")
    page.fill("#headline", "Slow is a flavour")
    page.click("button[name=look]")
    expect(page.locator(".photo-row .checker img")).to_be_visible()
    page.click("button[name=mark]")
    page.fill("#b-left", "8")
    page.get_by_role("button", name="Cut out again").click()
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#headline")).to_have_value("Slow is a flavour")
    assert Photo.objects.get().cutout_method == "marked"
    for slug in FIRST_CHOICE:
        page.uncheck(f"input[value={slug}]")
    page.check("input[value=google_display_300x250]")
    page.press("#headline", "Enter")
    page.wait_for_url("**/generations/*/")
    expect(page.locator("#order.results")).to_be_visible(timeout=60_000)  # the page reloads itself
    page.locator("summary", has_text="Edit text").click()
    page.fill("#w-headline", "Slower still")
    page.get_by_role("button", name="Update text").click()
    expect(page.locator("h1")).to_contain_text("Slower still")
    context.close()


def test_frames_chips_and_the_sum_line_agree_and_two_clicks_are_one_order(
    live_server: Any, page: Page, mia: User, photo: Photo, complaints: list[str]
) -> None:
    sign_in(page, live_server.url, mia.email)
    page.goto(f"{live_server.url}/create/leaf-shade/")
    page.locator(".earlier-pick input").click(force=True)  # it goes when its row comes
    expect(page.locator(".photo-row .checker img")).to_be_visible()
    sum_line, make = page.locator("[data-made]"), page.locator("[data-make]")
    expect(sum_line).to_have_text("2 variations × 4 shapes = 8 pictures, 8 ads")
    page.locator("[data-platform=meta]").uncheck(force=True)
    expect(sum_line).to_have_text("Nowhere to run yet")
    page.locator("[data-frame='1:1']").check(force=True)
    page.locator("summary", has_text="Choose placements").click()
    page.check("input[value=google_display_728x90]")
    expect(sum_line).to_have_text("2 variations × 2 shapes = 4 pictures, 4 ads")
    page.locator("#variations").fill("1")
    expect(make).to_have_text("Make 2 ads")
    page.fill("#headline", "Wake up to glow")
    expect(page.locator("output[for=headline]")).to_have_text("15 of 80")
    make.dblclick()
    page.wait_for_url("**/generations/*/")
    order = Generation.objects.get()
    assert {picture.shape for picture in order.pictures.all()} == {"1:1", "1.91:1"} and order.photos.get() == photo
    assert complaints == []


def test_a_box_and_a_stroke_are_drawn_with_the_mouse(live_server: Any, page: Page, mia: User, complaints: list[str]) -> None:
    sign_in(page, live_server.url, mia.email)
    page.goto(f"{live_server.url}/create/leaf-shade/")
    page.set_input_files("#photo", PRODUCTS / "mug.jpg")
    page.locator("button[name=mark]").click()
    page.locator(".mark-stage canvas").scroll_into_view_if_needed()
    stage = page.locator(".mark-stage canvas").bounding_box()
    assert stage is not None

    def drag(*points: tuple[float, float]) -> None:
        first, *rest = ((stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]) for x, y in points)
        page.mouse.move(*first)
        page.mouse.down()
        for place in rest:
            page.mouse.move(*place, steps=4)
        page.mouse.up()

    drag((0.97, 0.92), (0.05, 0.1))
    assert [float(page.input_value(f"#b-{side}")) for side in ("left", "top", "right", "bottom")] == pytest.approx([5, 10, 97, 92], abs=0.4)
    page.locator("input[value=drop]").check(force=True)
    drag((0.08, 0.12), (0.08, 0.16))
    assert page.input_value("input[name=drop]").startswith("[[[0.0")
    page.get_by_role("button", name="Cut out again").click()
    expect(page.locator(".toast")).to_contain_text("Cut out again.")
    assert Photo.objects.get().cutout_method == "marked"
    assert complaints == []


def test_the_theme_is_remembered_from_page_to_page(live_server: Any, page: Page, mia: User) -> None:
    sign_in(page, live_server.url, mia.email)
    page.click(".avatar-btn")
    page.locator("#me input[value=dark]").check(force=True)
    page.goto(f"{live_server.url}/library/")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_no_state_of_a_page_shuts_anybody_out(
    live_server: Any, browser: Browser, mia: User, order: Generation, photo: Photo, width: int, theme: Any
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{live_server.url}/account/sign-in/")
    page.get_by_role("button", name="Sign in").click()
    look(page)
    sign_in(page, live_server.url, mia.email)
    for state in _states(page, live_server.url, order, photo):
        look(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{state} scrolls sideways"
    context.close()


def _states(page: Page, address: str, order: Generation, photo: Photo) -> Iterator[str]:
    page.goto(f"{address}/?q=zebra")
    yield "nothing found"
    page.goto(f"{address}/photos/{photo.pk}/mark/")
    yield "marking"
    page.goto(f"{address}/generations/{order.pk}/")
    yield "waiting"
    page.click("#stop-button")
    yield "the question before stopping"
    page.get_by_role("button", name="Keep going").click()
    page.goto(f"{address}/create/leaf-shade/?from={order.pk}")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    yield "the order form with everything open"
    page.fill("#headline", "x" * 90)
    page.click("[data-make]")
    expect(page.locator("#errors")).to_be_focused()
    yield "the order form, refused"
    page.click(".avatar-btn")
    yield "the menu"
