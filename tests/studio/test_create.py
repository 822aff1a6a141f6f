"""Ordering an ad."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from accounts.models import Brand, Membership, User
from generations.models import Ad, Generation, Photo, Picture
from templates_app.models import AdTemplate
from tests.studio.conftest import upload


def test_a_filled_form_becomes_an_order(as_mia: Client, template: AdTemplate, filled: dict[str, Any], mia: User) -> None:
    answer = as_mia.post(f"/create/{template.slug}/", {**filled, "photo": upload()})
    order = Generation.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/generations/{order.pk}/")
    assert (order.created_by, order.brief.headline, order.brief.keywords) == (mia, "Wake up to glow", ("morning light", "marble"))
    assert order.photos.get().name == "bottle.png" and order.use_cutout
    assert (Picture.objects.count(), Ad.objects.count()) == (4, 4)


def test_everything_wrong_is_named_at_once_and_nothing_is_lost(as_mia: Client, template: AdTemplate, filled: dict[str, Any]) -> None:
    wrong = {**filled, "headline": "x" * 81, "placement": [], "seed": "tomorrow", "photo": upload()}
    answer = as_mia.post(f"/create/{template.slug}/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422 and "Three things to fix" in page and 'role="alert"' in page
    for anchor in ("headline", "placements", "seed"):
        assert f'<a href="#{anchor}">' in page and f'id="{anchor}"' in page and f'id="{anchor}-e"' in page
    for typed in ("x" * 81, "Vitamin C, rosehip", "Shop now", "morning light, marble", "tomorrow"):
        assert f'value="{typed}"' in page
    assert "81 of 80" in page
    photo = Photo.objects.get()
    assert f'name="photo_id" value="{photo.pk}"' in page
    assert not Generation.objects.exists() and not Picture.objects.exists()

    mended = {**filled, "photo_id": str(photo.pk), "key": _key(page)}
    assert as_mia.post(f"/create/{template.slug}/", mended).status_code == 302
    assert Generation.objects.get().photos.get() == photo and Photo.objects.count() == 1


def test_a_double_click_is_one_order(as_mia: Client, template: AdTemplate, filled: dict[str, Any], photo: Photo) -> None:
    sent = {**filled, "photo_id": str(photo.pk)}
    first, second = (as_mia.post(f"/create/{template.slug}/", sent) for _ in range(2))
    assert first["Location"] == second["Location"] and Generation.objects.count() == 1
    other = as_mia.post(f"/create/{template.slug}/", {**sent, "headline": "Another one"})
    assert other.status_code == 302 and other["Location"] != first["Location"] and Generation.objects.count() == 2


def test_a_double_click_with_a_file_is_one_order_too(as_mia: Client, template: AdTemplate, filled: dict[str, Any]) -> None:
    first, second = (as_mia.post(f"/create/{template.slug}/", {**filled, "photo": upload()}) for _ in range(2))
    assert second.status_code == 302 and first["Location"] == second["Location"] and Generation.objects.count() == 1


def test_a_photo_that_cannot_be_used_is_refused_and_the_words_stay(as_mia: Client, template: AdTemplate, filled: dict[str, Any]) -> None:
    answer = as_mia.post(f"/create/{template.slug}/", {**filled, "photo": upload(b"just words", "photo.jpg")})
    page = answer.content.decode()
    assert answer.status_code == 422 and 'href="#photo"' in page and "photo.jpg" in page and 'value="Wake up to glow"' in page
    assert not Photo.objects.exists() and not Generation.objects.exists()


def test_a_template_with_a_product_needs_a_photo_and_one_of_words_does_not(
    as_mia: Client, template: AdTemplate, text_template: AdTemplate, filled: dict[str, Any]
) -> None:
    answer = as_mia.post(f"/create/{template.slug}/", filled)
    assert answer.status_code == 422 and "This template needs a product photo." in answer.content.decode()
    assert as_mia.post(f"/create/{text_template.slug}/", filled).status_code == 302


def test_limits_of_an_order_are_said_in_words(as_mia: Client, text_template: AdTemplate, filled: dict[str, Any]) -> None:
    address = f"/create/{text_template.slug}/"
    many = re.findall(r'name="placement" value="(\w+)"', as_mia.get(address).content.decode())
    page = as_mia.post(address, {**filled, "placement": many, "variations": "9", "engine": "openai"}).content.decode()
    assert f"{len(many)} placements are too many for one order." in page and "Choose 1 to 8." in page and "No OpenAI key" in page
    assert "Choose how many variations" in as_mia.post(address, {**filled, "variations": "many"}).content.decode()
    assert not Generation.objects.exists()


def test_eves_form_cannot_use_mias_photo_or_brand(as_eve: Client, template: AdTemplate, filled: dict[str, Any], photo: Photo) -> None:
    sent = {**filled, "photo_id": str(photo.pk), "brand": str(photo.brand_id)}
    answer = as_eve.post(f"/create/{template.slug}/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422 and str(photo.pk) not in page and photo.brand.name not in page
    assert not Generation.objects.exists()
    assert str(photo.pk) not in as_eve.get(f"/create/{template.slug}/").content.decode()


def test_a_photo_of_her_other_brand_is_explained(
    as_mia: Client, mia: User, template: AdTemplate, filled: dict[str, Any], photo: Photo
) -> None:
    second = Brand.objects.create(name="Second Brand", slug="second")
    Membership.objects.create(user=mia, brand=second)
    answer = as_mia.post(f"/create/{template.slug}/", {**filled, "brand": str(second.pk), "photo_id": str(photo.pk)})
    assert answer.status_code == 422 and "This photo belongs to Miravel." in answer.content.decode()
    answer = as_mia.post(f"/create/{template.slug}/", {**filled, "brand": str(photo.brand_id), "photo_id": str(photo.pk)})
    assert answer.status_code == 302 and Generation.objects.get().brand == photo.brand


def test_without_a_script_she_can_look_at_the_cutout_first_and_take_it_away_again(
    as_mia: Client, template: AdTemplate, filled: dict[str, Any]
) -> None:
    address = f"/create/{template.slug}/"
    page = as_mia.post(address, {**filled, "photo": upload(), "look": "1"}).content.decode()
    photo = Photo.objects.get()
    assert f"/files/{photo.pk}/cutout" in page and "to fix before" not in page and 'value="Wake up to glow"' in page
    page = as_mia.post(address, {**filled, "photo_id": str(photo.pk), "remove": "1"}).content.decode()
    assert f"/files/{photo.pk}/cutout" not in page and 'value="Wake up to glow"' in page
    assert not Generation.objects.exists()


def test_the_switch_leaves_the_cutout_out(as_mia: Client, template: AdTemplate, filled: dict[str, Any], photo: Photo) -> None:
    as_mia.post(f"/create/{template.slug}/", {**filled, "photo_id": str(photo.pk), "cutout-shown": "1"})
    assert Generation.objects.get().use_cutout is False


def test_marking_the_product_comes_back_to_the_words(as_mia: Client, template: AdTemplate, filled: dict[str, Any], photo: Photo) -> None:
    address = f"/create/{template.slug}/"
    answer = as_mia.post(address, {**filled, "photo_id": str(photo.pk), "mark": "1"})
    assert answer["Location"] == f"/photos/{photo.pk}/mark/?next=%2Fcreate%2F{template.slug}%2F"
    page = as_mia.get(address).content.decode()
    assert 'value="Wake up to glow"' in page and f'value="{photo.pk}"' in page
    assert _ticked(page) == {"google_display_300x250", "google_display_728x90"}
    as_mia.post(address, {**filled, "photo_id": str(photo.pk), "key": _key(page)})
    assert 'value="Wake up to glow"' not in as_mia.get(address).content.decode(), "an ordered form is empty again"


def test_making_it_again_fills_the_form_in(as_mia: Client, as_eve: Client, order: Generation, template: AdTemplate) -> None:
    address = f"/create/{template.slug}/?from={order.pk}"
    page = as_mia.get(address).content.decode()
    for value in ("Wake up to glow", "Radiance serum", str(order.seed), str(order.photos.get().pk)):
        assert f'value="{value}"' in page
    assert _ticked(page) == {"google_display_300x250", "google_display_250x250"}
    assert "Wake up to glow" not in as_eve.get(address).content.decode()


def test_the_form_says_how_much_it_makes(as_mia: Client, template: AdTemplate) -> None:
    page = as_mia.get(f"/create/{template.slug}/").content.decode()
    assert "2 variations × 4 shapes = 8 pictures, 8 ads" in page and "Make 8 ads" in page


def test_a_dropped_photo_comes_back_as_its_row(as_mia: Client, db: None) -> None:
    answer = as_mia.post("/photos/", {"photo": upload()}, headers={"HX-Request": "true"})
    photo = Photo.objects.get()
    page = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in page
    assert f'name="photo_id" value="{photo.pk}"' in page and "Use the cut-out" in page and "edges look clean" in page
    assert as_mia.get(f"/photos/{photo.pk}/").content.decode().count(str(photo.pk)) >= 2


def test_a_refused_drop_keeps_the_photo_before_it(as_mia: Client, photo: Photo) -> None:
    answer = as_mia.post("/photos/", {"photo": upload(b"", "empty.png"), "photo_id": str(photo.pk)})
    assert answer.status_code == 422 and f'value="{photo.pk}"' in answer.content.decode()
    assert "empty.png is empty (0 bytes)" in answer.content.decode() and Photo.objects.count() == 1
    answer = as_mia.post("/photos/", {"photo": upload(b"words", "words.png"), "photo_id": str(photo.pk)})
    page = answer.content.decode()
    assert answer.status_code == 422 and f'value="{photo.pk}"' in page and "words.png" in page


def _ticked(page: str) -> set[str]:
    return set(re.findall(r'name="placement" value="(\w+)"[^>]* checked>', page))


def _key(page: str) -> str:
    found = re.search(r'name="key" value="(\w+)"', page)
    assert found is not None
    return found[1]
