"""Parts of a page that change by themselves, or at one click, and what must stay while they do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from accounts.models import User
from generations.models import Ad, Generation, Picture
from tests.browser.test_walk import sign_in
from tests.people import PASSWORD, stored_square

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def half(order: Generation) -> Generation:
    """An order whose square stands ready and whose other picture waits for a worker that is not there."""
    file = stored_square()
    Picture.objects.filter(generation=order, shape="1:1").update(status="ready", progress=1.0, raw=file)
    Ad.objects.filter(picture__generation=order, picture__shape="1:1").update(status="ready", file=file)
    Generation.objects.filter(pk=order.pk).update(status="making")
    return order


def test_the_shape_of_the_gallery_changes_with_mouse_and_keys_and_the_way_back_is_kept(
    live_server: Any, page: Page, mia: User, complaints: list[str]
) -> None:
    sign_in(page, live_server.url, mia.email)
    page.locator("input[name=shape][value='1:1']").check(force=True)
    expect(page).to_have_url(re.compile("shape=1%3A1"))
    assert {"--r:1.0000"} == set(page.eval_on_selector_all("#wall .tile", "tiles => tiles.map(tile => tile.getAttribute('style'))"))
    page.focus("#shape-1")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("shape=4%3A5"))
    expect(page.locator("#shape-2")).to_be_focused()
    page.fill("#q", "marble")
    expect(page).to_have_url(re.compile("q=marble&shape=4%3A5"))
    page.fill("#q", "zebra")
    expect(page.locator("#gallery .empty")).to_be_visible()
    page.go_back()
    expect(page.locator("#q")).to_have_value("marble")
    expect(page.locator("#wall .tile").first).to_be_visible()
    assert complaints == []


def test_a_page_that_moves_asks_at_the_door_when_the_session_runs_out(live_server: Any, page: Page, mia: User, half: Generation) -> None:
    sign_in(page, live_server.url, mia.email)
    address = f"{live_server.url}/generations/{half.pk}/"
    page.goto(address)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    expect(page).to_have_url(f"{live_server.url}/account/sign-in/?next=/generations/{half.pk}/", timeout=10_000)
    page.get_by_label("Email").fill(mia.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(address)


def test_a_photo_that_does_not_get_through_is_said_and_the_words_stay(live_server: Any, page: Page, mia: User) -> None:
    sign_in(page, live_server.url, mia.email)
    page.goto(f"{live_server.url}/create/leaf-shade/")
    page.fill("#headline", "Wake up lit.")
    page.route("**/photos/", lambda route: route.abort())
    page.set_input_files("#photo", {"name": "bottle.png", "mimeType": "image/png", "buffer": b"not looked at"})
    expect(page.locator(".toast.bad")).to_contain_text("did not get through")
    expect(page.locator("#headline")).to_have_value("Wake up lit.")


def test_words_typed_while_new_words_are_laid_are_kept(live_server: Any, page: Page, mia: User, half: Generation) -> None:
    Ad.objects.filter(picture__shape="1:1").update(status="finishing")
    ad = Ad.objects.get(picture__shape="1:1")
    sign_in(page, live_server.url, mia.email)
    page.goto(f"{live_server.url}/ads/{ad.pk}/")
    page.fill("#w-legal", "Half a line")
    with page.expect_response(f"**/ads/{ad.pk}/"):
        pass  # the page asks for itself
    Ad.objects.filter(pk=ad.pk).update(status="ready")
    expect(page.locator(".big-pic img")).to_be_visible(timeout=10_000)
    expect(page.locator("#w-legal")).to_have_value("Half a line")
    expect(page.locator("#w-legal")).to_be_focused()
