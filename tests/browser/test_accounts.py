"""The account with one's hands: a passkey in place of a password, and pages that shut nobody out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts import brands
from accounts.models import User
from tests.browser.test_walk import look, sign_in
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_mia_adds_a_passkey_and_signs_in_with_it_alone(live_server: Any, page: Page, complaints: list[str], mia: User) -> None:
    # By name: passkeys are never for an address of digits.
    home = live_server.url.replace("127.0.0.1", "localhost")
    keys = page.context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    keys.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    sign_in(page, home, mia.email)
    page.goto(f"{home}/account/second-step/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(f"{home}/account/second-step/")
    expect(page.get_by_text("My laptop")).to_be_visible()
    page.locator(".avatar-btn").click()
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{home}/account/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{home}/")
    page.locator(".avatar-btn").click()
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{home}/account/sign-in/")
    page.get_by_label("Email").fill(mia.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{home}/")
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_page_of_the_account_shuts_anybody_out(live_server: Any, browser: Browser, mia: User, max: User, width: int, theme: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    brand = mia.brands.get()
    invitation = brands.invite(by=mia, brand=brand, email="ines@example.com", role="reviewer")

    def visit(*addresses: str) -> None:
        for address in addresses:
            page.goto(f"{live_server.url}{address}")
            look(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} scrolls sideways"

    visit("/account/register/", "/account/confirm/", "/account/password/reset/", f"/invitations/{brands.token_of(invitation)}/")
    page.goto(f"{live_server.url}/account/register/")
    page.get_by_role("button", name="Create account").click()
    look(page)
    sign_in(page, live_server.url, mia.email)
    visit(
        "/account/", "/account/password/", "/account/email/", "/account/second-step/", f"/brands/{brand.pk}/people/", f"/brands/{brand.pk}/"
    )
    page.goto(f"{live_server.url}/account/second-step/app/")
    look(page)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name=re.compile("authenticator app"))).to_be_visible()
    look(page)
    context.close()
