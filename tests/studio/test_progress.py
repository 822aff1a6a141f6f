"""One order's page, from waiting to done."""

from __future__ import annotations

import io
import zipfile
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Brand, User
from generations import actions
from generations.models import Ad, Copy, Generation, Photo, Picture
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import placements


def test_a_waiting_order_moves_by_itself_with_and_without_a_script(as_mia: Client, order: Generation) -> None:
    page = as_mia.get(f"/generations/{order.pk}/").content.decode()
    assert f'hx-get="/generations/{order.pk}/sheet/"' in page and 'hx-trigger="every 2s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert '<b class="big-num num">0</b> of 2 pictures ready' in page and "About " in page
    assert page.count('class="tile wait"') == 2 and "Stop" in page and "Download all" not in page


def test_the_sheet_answers_nothing_new_until_there_is(as_mia: Client, order: Generation) -> None:
    address = f"/generations/{order.pk}/sheet/"
    first = as_mia.get(address)
    assert first.status_code == 200 and "<html" not in first.content.decode() and "0 of 2 ready" in first.content.decode()
    again = as_mia.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Picture.objects.filter(generation=order, shape="1:1").update(status="painting", progress=0.4)
    moved = as_mia.get(address, headers={"If-None-Match": first["ETag"]})
    page = moved.content.decode()
    assert moved.status_code == 200 and moved["ETag"] != first["ETag"] and 'class="tile draw"' in page and "40 %" in page


def test_others_before_her_are_part_of_the_answer(as_mia: Client, order: Generation, template: AdTemplate, eve: User, photo: Photo) -> None:
    address = f"/generations/{order.pk}/sheet/"
    first = as_mia.get(address)
    brand = Brand.objects.get(slug="elsewhere")
    before = actions.order_generation(
        by=eve,
        brand=brand,
        template=AdTemplate.objects.filter(needs_photo=False, published=True).first(),  # type: ignore[arg-type]
        brief=Brief.read({"headline": "First"}),
        placements=placements("google_display_250x250"),
    )
    Picture.objects.filter(generation=before).update(created_at=order.created_at)
    answer = as_mia.get(address, headers={"If-None-Match": first["ETag"]})
    assert answer.status_code == 200 and "1 picture of others before these" in answer.content.decode()
    page = answer.content.decode()
    assert ">2nd</b>in line" in page and ">3rd</b>in line" in page and "Next" not in page


def test_a_ready_order_stops_asking_and_offers_its_files(as_mia: Client, ready: Generation) -> None:
    answer = as_mia.get(f"/generations/{ready.pk}/sheet/")
    page = answer.content.decode()
    assert answer.status_code == 286 and "hx-trigger" not in page and page.count('class="tile done"') == 2
    assert f'href="/generations/{ready.pk}/zip/"' in page and "2 files" in page
    whole = as_mia.get(f"/generations/{ready.pk}/").content.decode()
    assert "http-equiv" not in whole and 'value="Wake up to glow"' in whole and "1 to look at" in whole


def test_each_picture_that_failed_says_why_in_its_place(as_mia: Client, ready: Generation) -> None:
    square = Picture.objects.get(generation=ready, shape="1:1")
    Picture.objects.filter(pk=square.pk).update(status="failed", error_message="The scene could not be opened.")
    Ad.objects.filter(picture=square).update(status="failed", file=None)
    Generation.objects.filter(pk=ready.pk).update(status="partly")
    page = as_mia.get(f"/generations/{ready.pk}/").content.decode()
    assert "1 of 2 ads are ready." in page and "The scene could not be opened." in page and page.count('class="tile fail"') == 1
    assert page.count(f'href="/create/{ready.template_version.template.slug}/?from={ready.pk}"') == 1
    assert f'name="picture" value="{square.pk}"' in page and "Make what is missing" in page


def test_a_file_that_failed_is_not_shown_as_on_its_way(as_mia: Client, ready: Generation) -> None:
    Ad.objects.filter(picture__shape="1:1").update(status="failed", file=None, error_message="The file got too heavy.")
    page = as_mia.get(f"/generations/{ready.pk}/").content.decode()
    assert "The file got too heavy." in page and "Finishing" not in page


def test_stopping_keeps_what_is_ready(as_mia: Client, order: Generation) -> None:
    assert as_mia.get(f"/generations/{order.pk}/stop/").status_code == 405
    page = as_mia.post(f"/generations/{order.pk}/stop/", follow=True).content.decode()
    order.refresh_from_db()
    assert order.status == "cancelled" and "Stopped before anything was ready. It cost nothing." in page
    again = as_mia.post(f"/generations/{order.pk}/stop/", follow=True).content.decode()
    assert "Everything was made already." in again


def test_new_words_are_laid_on_every_picture_and_can_be_undone(as_mia: Client, ready: Generation) -> None:
    page = as_mia.post(f"/generations/{ready.pk}/words/", {"headline": "Glow, on time", "cta": "Shop"}, follow=True).content.decode()
    assert "Text updated on 2 ads." in page and "Undo" in page and page.count('class="tile lay"') == 2
    assert Ad.objects.filter(status="waiting", copy__words__headline="Glow, on time").count() == 2
    assert as_mia.get(f"/generations/{ready.pk}/sheet/").status_code == 200, "the page asks again until they are finished"
    page = as_mia.post(f"/generations/{ready.pk}/undo/", follow=True).content.decode()
    assert "The words from before are back." in page and 'value="Wake up to glow"' in page and page.count('class="tile done"') == 2
    page = as_mia.post(f"/generations/{ready.pk}/undo/", follow=True).content.decode()
    assert "there is nothing to go back to" in page


def test_words_that_do_not_fit_come_back_as_they_were_typed(as_mia: Client, ready: Generation) -> None:
    answer = as_mia.post(f"/generations/{ready.pk}/words/", {"headline": "", "subline": "y" * 141, "cta": "Shop"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Write a headline" in page and f'value="{"y" * 141}"' in page and 'value="Shop"' in page
    assert Copy.objects.count() == 1


def test_words_of_one_variation_lead_back_to_the_same_ad(as_mia: Client, ready: Generation) -> None:
    ad = Ad.objects.get(placement__placement__slug="google_display_250x250")
    answer = as_mia.post(f"/generations/{ready.pk}/words/", {"headline": "Only here", "variation": "1", "ad": str(ad.pk)})
    newer = Ad.objects.get(placement=ad.placement, copy__words__headline="Only here")
    assert answer["Location"] == f"/ads/{newer.pk}/"
    assert f'href="/ads/{newer.pk}/"' in as_mia.get(f"/ads/{ad.pk}/").content.decode(), "the old wording knows the new one"


def test_words_of_one_variation_that_do_not_fit_come_back_on_that_ads_page(as_mia: Client, ready: Generation) -> None:
    ad = Ad.objects.get(placement__placement__slug="google_display_250x250")
    told = {"headline": "", "subline": "Only in A", "variation": "1", "ad": str(ad.pk)}
    answer = as_mia.post(f"/generations/{ready.pk}/words/", told)
    page = answer.content.decode()
    assert answer.status_code == 422 and "Write a headline" in page and 'value="Only in A"' in page
    assert 'name="variation" value="1"' in page and f'name="ad" value="{ad.pk}"' in page, "sent again, it is still for A alone"
    assert 'class="ad-name"' in page and Copy.objects.count() == 1


def test_the_next_in_line_are_numbered_as_they_will_be_made(as_mia: Client, order: Generation) -> None:
    page = as_mia.get(f"/generations/{order.pk}/").content.decode()
    assert ">Next</b>in line" in page and ">2nd</b>in line" in page
    Picture.objects.filter(pk=order.pictures.order_by("created_at")[0].pk).update(status="painting")
    page = as_mia.get(f"/generations/{order.pk}/").content.decode()
    assert ">Next</b>in line" in page and ">2nd</b>in line" not in page


def test_the_zip_holds_every_ready_file_under_its_own_name(as_mia: Client, ready: Generation) -> None:
    answer = as_mia.get(f"/generations/{ready.pk}/zip/")
    assert answer["Content-Type"] == "application/zip" and answer["Cache-Control"] == "private, no-store"
    assert 'filename="radiance-serum-' in answer["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert {"google/google_display_300x250-v1.png", "google/google_display_250x250-v1.png"} < set(archive.namelist())


def test_nothing_ready_is_no_zip(as_mia: Client, order: Generation) -> None:
    page = as_mia.get(f"/generations/{order.pk}/zip/", follow=True).content.decode()
    assert "Nothing is ready to download yet." in page


@pytest.mark.parametrize("part", ["", "sheet/", "zip/"])
def test_eve_finds_no_order_of_mias(as_eve: Client, ready: Generation, part: str) -> None:
    assert as_eve.get(f"/generations/{ready.pk}/{part}").status_code == 404
    assert as_eve.get(f"/generations/{uuid4()}/{part}").status_code == 404


@pytest.mark.parametrize("part", ["stop", "words", "undo"])
def test_eve_changes_no_order_of_mias(as_eve: Client, order: Generation, part: str) -> None:
    assert as_eve.post(f"/generations/{order.pk}/{part}/", {"headline": "Mine now"}).status_code == 404
    order.refresh_from_db()
    assert order.status == "waiting" and Copy.objects.count() == 1


def test_the_page_costs_the_same_for_two_pictures_or_sixteen(
    as_mia: Client, ready: Generation, mia: User, template: AdTemplate, photo: Photo, django_assert_max_num_queries: object
) -> None:
    large = actions.order_generation(
        by=mia,
        brand=ready.brand,
        template=template,
        brief=Brief.read({"headline": "Many"}),
        placements=placements("google_display_300x250", "google_display_250x250", "google_display_728x90"),
        photos=[photo],
        variations=8,
    )
    for order in (ready, large):
        with django_assert_max_num_queries(18):  # type: ignore[operator]
            as_mia.get(f"/generations/{order.pk}/")
