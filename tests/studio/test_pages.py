"""What holds for every page: no script in the page itself, a title, one heading, and errors in the voice of the house."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.views.defaults import server_error

from accounts.models import User
from generations.models import Ad, Generation, Photo


@pytest.fixture
def addresses(ready: Generation, photo: Photo) -> list[str]:
    """Every page that Mia may open."""
    ad, slug = Ad.objects.filter(picture__generation=ready).first(), ready.template_version.template.slug
    assert ad is not None
    pages = ["/", f"/templates/{slug}/", f"/create/{slug}/", f"/generations/{ready.pk}/", f"/ads/{ad.pk}/", "/library/"]
    return [*pages, f"/photos/{photo.pk}/mark/", "/nowhere/"]


def test_every_page_lives_under_the_content_security_policy(as_mia: Client, addresses: list[str]) -> None:
    for address in [*addresses, "/account/sign-in/"]:
        client = Client() if "sign-in" in address else as_mia
        answer = client.get(address)
        page = answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"], address
        assert not re.search(r"<script(?![^>]*\ssrc=)", page), f"{address}: a script inside the page"
        assert not re.search(r'\son[a-z]+\s*=\s*["\']', page), f"{address}: a handler inside the page"
        assert "<style" not in page and "javascript:" not in page, address
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), f"{address}: something from another site"


def test_every_page_has_a_title_one_heading_and_a_way_past_the_bar(as_mia: Client, addresses: list[str]) -> None:
    for address in addresses:
        page = as_mia.get(address).content.decode()
        assert page.count("<h1") == 1, address
        assert re.search(r"<title>[^<]+AdsGem\s*</title>", page), address
        assert 'class="skip" href="#main"' in page and '<main id="main"' in page, address


def test_a_lost_address_is_answered_in_a_human_voice(as_mia: Client, client: Client) -> None:
    for browser in (as_mia, client):
        answer = browser.get("/nowhere/")
        assert answer.status_code == 404 and "This page was cropped out" in answer.content.decode()


def test_the_page_for_our_own_faults_needs_no_database(rf: object, db: None) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("The database was asked.")

    with connection.execute_wrapper(refuse):
        answer = server_error(rf.get("/"))  # type: ignore[attr-defined]
    assert answer.status_code == 500 and "That was us" in answer.content.decode()


def test_the_menu_says_who_is_in(as_mia: Client, mia: User) -> None:
    page = as_mia.get("/library/").content.decode()
    assert "Mia Miravel" in page and mia.email in page and 'action="/account/sign-out/"' in page and ">MM<" in page
