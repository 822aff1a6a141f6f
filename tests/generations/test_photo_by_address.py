"""A photo that lies on the web is fetched by its address, safely."""

from __future__ import annotations

from functools import partial

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Brand, User
from generations import actions
from generations.actions import photos
from generations.models import Photo
from keeping.fetch import safe_fetch
from tests.keeping.servers import Answer, receiver, say
from tests.people import bottle_png


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own server lies on this machine, where no other address may lead."""
    monkeypatch.setattr(photos, "safe_fetch", partial(safe_fetch, allow_private=True, ports=range(1, 65_536)))


def test_a_photo_is_fetched_made_safe_and_cut_out(near: None, brand: Brand, mia: User) -> None:
    with receiver(say(200, bottle_png(), Content_Type="image/png")) as shop:
        photo = actions.fetch_photo(by=mia, brand=brand, url=f" {shop.url}/img/my%20bottle.png?v=2 ")
    assert (photo.name, photo.brand, photo.created_by) == ("my bottle.png", brand, mia) and photo.cutout_usable


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (say(404), "the server answered 404"),
        (say(200, b"<html>a shop</html>", Content_Type="text/html"), "not of a type that can be used"),
        (say(200, b"\x89PNG\r\n\x1a\n" + b"0" * 100, Content_Type="image/png"), "damaged or not complete"),
        (say(302, Location="ftp://example.com/a.png"), "must begin with https"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_sentence(near: None, brand: Brand, answer: Answer, sentence: str) -> None:
    with receiver(answer) as shop, pytest.raises(actions.PhotoRefused) as refusal:
        actions.fetch_photo(by=None, brand=brand, url=f"{shop.url}/a.png")
    assert sentence in str(refusal.value)
    assert not Photo.objects.exists()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/a.png", "http://169.254.169.254/", "file:///etc/passwd", "nonsense", "http://localhost:8188/view"]
)
def test_an_address_that_leads_inside_is_not_asked(brand: Brand, url: str) -> None:
    with pytest.raises(actions.PhotoRefused) as refusal:
        actions.fetch_photo(by=None, brand=brand, url=url)
    assert refusal.value.code == "url" and not Photo.objects.exists()


def test_a_phone_names_the_address_and_the_same_key_fetches_once(near: None, mia: User, brand: Brand) -> None:
    phone = APIClient()
    phone.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(mia)}")
    with receiver(say(200, bottle_png(), Content_Type="image/png")) as shop:
        told = [
            phone.post("/api/v1/photos", {"url": f"{shop.url}/a.png"}, format="json", headers={"Idempotency-Key": "k1"}) for _ in range(2)
        ]
        assert len(shop.asked) == 1
    assert [each.status_code for each in told] == [201, 201] and told[0].json()["id"] == told[1].json()["id"]
    refused = phone.post("/api/v1/photos", {"url": "http://10.0.0.7/a.png"}, format="json")
    assert refused.status_code == 422 and set(refused.json()["errors"]) == {"url"}


def test_mia_types_the_address_into_the_form(near: None, mia: User, brand: Brand) -> None:
    browser = Client()
    browser.force_login(mia)
    with receiver(say(200, bottle_png(), Content_Type="image/png")) as shop:
        row = browser.post("/photos/", {"photo_url": f"{shop.url}/bottle.png"})
    assert row.status_code == 200 and str(Photo.objects.get().pk) in row.content.decode()
    wrong = browser.post("/photos/", {"photo_url": "http://10.0.0.7/bottle.png"})
    assert wrong.status_code == 422 and 'value="http://10.0.0.7/bottle.png"' in wrong.content.decode()
