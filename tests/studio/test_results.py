"""What is done with finished ads on their page: ticking some, stars, comparing, more, taking away, bringing back."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from generations import actions, pipeline
from generations.models import Ad, Generation, Picture
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import placements


@pytest.fixture
def made(order: Generation) -> Generation:
    """Mia's order with its files."""
    return pipeline.run(order.pk)


def some(client: Client, order: Generation, do: str, *ads: Ad) -> Any:
    return client.post(reverse("generation-some", args=[order.pk]), {"do": do, "ad": [str(ad.pk) for ad in ads]})


def said(client: Client, response: Any) -> str:
    page = client.get(response["Location"]).content.decode()
    return " ".join(re.findall(r'<div class="toast[^"]*">([^<]*)', page))


def test_mia_stars_two_ads_and_downloads_those(as_mia: Client, made: Generation) -> None:
    first, second = Ad.objects.filter(picture__generation=made)
    assert some(as_mia, made, "star", first, second).status_code == 302
    assert Ad.objects.filter(starred=True).count() == 2
    response = as_mia.get(reverse("generation-zip-starred", args=[made.pk]))
    names = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).namelist()  # type: ignore[attr-defined]
    assert sum(name.endswith((".jpg", ".png", ".webp")) for name in names) == 2
    some(as_mia, made, "star", first, second)
    assert not Ad.objects.filter(starred=True).exists(), "stars on all of them come off"
    assert "has a star" in said(as_mia, as_mia.get(reverse("generation-zip-starred", args=[made.pk])))


def test_one_star_by_its_own_button(as_mia: Client, made: Generation) -> None:
    ad = Ad.objects.filter(picture__generation=made)[0]
    as_mia.post(reverse("ad-star", args=[ad.pk]))
    assert Ad.objects.get(pk=ad.pk).starred
    page = as_mia.get(reverse("generation", args=[made.pk])).content.decode()
    assert 'aria-pressed="true"' in page and "Download the 1 with a star" in page


def test_what_is_taken_away_comes_back_by_undo(as_mia: Client, made: Generation) -> None:
    first, second = Ad.objects.filter(picture__generation=made)
    response = some(as_mia, made, "delete", first)
    page = as_mia.get(response["Location"]).content.decode()
    assert "1 ad taken away." in page and str(first.pk) in page, "with its undo"
    assert Ad.objects.get(pk=first.pk).deleted_at and Ad.objects.get(pk=second.pk).deleted_at is None
    back = as_mia.post(f"{reverse('ads-restore')}?ad={first.pk}")
    assert said(as_mia, back) == "They are back." and Ad.objects.get(pk=first.pk).deleted_at is None


def test_ticked_files_alone_come_as_a_zip(as_mia: Client, made: Generation) -> None:
    first, _ = Ad.objects.filter(picture__generation=made)
    response = some(as_mia, made, "download", first)
    names = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).namelist()
    assert sum(name.endswith((".jpg", ".png", ".webp")) for name in names) == 1


def test_nothing_ticked_is_said(as_mia: Client, made: Generation) -> None:
    assert said(as_mia, some(as_mia, made, "star")) == "Tick an ad first."
    stranger = Ad(pk=made.pk)
    assert said(as_mia, some(as_mia, made, "delete", stranger)) == "Tick an ad first."


def test_two_variations_are_compared_with_a_slider(as_mia: Client, mia: User, text_template: AdTemplate) -> None:
    order = actions.order_generation(
        by=mia,
        brand=mia.memberships.get().brand,  # type: ignore[attr-defined]
        template=text_template,
        brief=Brief.read({"headline": "Open doors"}),
        placements=placements("google_display_250x250"),
        variations=2,
        seed=7,
    )
    pipeline.run(order.pk)
    first, second = Ad.objects.filter(picture__generation=order).order_by("picture__variation")
    response = some(as_mia, order, "compare", first, second)
    page = as_mia.get(response["Location"]).content.decode()
    assert "A beside B" in page and "data-wipe" in page and str(second.pk) in page
    alone = as_mia.get(f"{reverse('generation-compare', args=[order.pk])}?ad={first.pk}").content.decode()
    assert "A beside B" in alone, "its twin in the other variation"
    assert "Tick two" in said(as_mia, as_mia.get(reverse("generation-compare", args=[order.pk])))


def test_more_like_one_leads_to_the_new_order(as_mia: Client, made: Generation) -> None:
    picture = made.pictures.all()[0]
    response = as_mia.post(reverse("generation-more", args=[made.pk]), {"picture": str(picture.pk)})
    child = Generation.objects.get(parent=made)
    assert response["Location"] == reverse("generation", args=[child.pk])
    assert "More like" in as_mia.get(response["Location"]).content.decode()
    wrong = as_mia.post(reverse("generation-more", args=[made.pk]), {"picture": "x"})
    assert "no such picture" in said(as_mia, wrong)


def test_a_draft_that_nothing_else_can_paint_has_no_raise_button(as_mia: Client, made: Generation) -> None:
    assert "Raise this draft" not in as_mia.get(reverse("generation", args=[made.pk])).content.decode()
    assert "No engine is at hand" in said(as_mia, as_mia.post(reverse("generation-raise", args=[made.pk])))


def test_an_order_is_deleted_and_brought_back(as_mia: Client, made: Generation) -> None:
    response = as_mia.post(reverse("generation-delete", args=[made.pk]))
    page = as_mia.get(response["Location"]).content.decode()
    assert reverse("generation-restore", args=[made.pk]) in page
    assert as_mia.get(reverse("generation", args=[made.pk])).status_code == 404
    back = as_mia.post(reverse("generation-restore", args=[made.pk]))
    assert as_mia.get(back["Location"]).status_code == 200


def test_a_stopped_picture_is_made_after_all_by_its_own_button(as_mia: Client, order: Generation, mia: User) -> None:
    actions.cancel_generation(by=mia, generation=order)
    picture = Picture.objects.filter(generation=order)[0]
    page = as_mia.get(reverse("generation", args=[order.pk])).content.decode()
    assert "Make it after all" in page and "Make what is missing" in page
    as_mia.post(reverse("generation-again", args=[order.pk]), {"picture": str(picture.pk)})
    assert Picture.objects.get(pk=picture.pk).status == "waiting"
    assert Picture.objects.filter(generation=order, status="cancelled").count() == 1


def test_a_reviewer_ticks_and_downloads_but_changes_nothing(client: Client, made: Generation, eve: User) -> None:
    Membership.objects.create(user=eve, brand=made.brand, role=Membership.Role.REVIEWER)
    client.force_login(eve)
    ad = Ad.objects.filter(picture__generation=made)[0]
    assert some(client, made, "download", ad).status_code == 200
    for do in ("star", "delete"):
        assert some(client, made, do, ad).status_code == 403
    for name in ("generation-more", "generation-delete", "generation-raise", "generation-review"):
        assert client.post(reverse(name, args=[made.pk])).status_code == 403
    assert not Ad.objects.filter(starred=True).exists()
