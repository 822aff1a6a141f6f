"""Marking a product by hand."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from generations.models import Photo
from tests.people import PRODUCTS


@pytest.fixture
def mug(as_mia: Client) -> Photo:
    """A photograph whose product stands on a plain ground."""
    as_mia.post("/photos/", {"photo": SimpleUploadedFile("mug.jpg", (PRODUCTS / "mug.jpg").read_bytes(), "image/jpeg")})
    return Photo.objects.get()


def test_four_numbers_cut_the_product_out_again(as_mia: Client, mug: Photo) -> None:
    page = as_mia.get(f"/photos/{mug.pk}/mark/").content.decode()
    for side in ("left", "top", "right", "bottom"):
        assert f'id="b-{side}" name="{side}"' in page, "works without a script"
    box = {"left": "5", "top": "10,5", "right": "98", "bottom": "92", "keep": "[]", "drop": "[[[0.01,0.01],[0.02,0.9]]]"}
    answer = as_mia.post(f"/photos/{mug.pk}/mark/?next=/create/leaf-shade/", box)
    assert answer.status_code == 302 and answer["Location"] == f"/photos/{mug.pk}/mark/?next=/create/leaf-shade/"
    again = Photo.objects.get()
    assert again.cutout_method == "marked" and again.cutout_id not in (None, mug.cutout_id)
    assert 'href="/create/leaf-shade/"' in as_mia.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"left": "60", "right": "40"},
        {"left": "-5"},
        {"bottom": "120"},
        {"top": "high"},
        {"left": "nan"},
        {"keep": "[[1,2"},
        {"drop": '{"a": 1}'},
        {"keep": "[[[0.1]]]"},
        {"keep": "7"},
        {"keep": "[[[1" + "0" * 400 + ",1]]]"},
        {"drop": "[" * 100_000},
    ],
)
def test_a_box_or_stroke_that_is_none_is_refused_in_words(as_mia: Client, photo: Photo, wrong: dict[str, str]) -> None:
    box = {"left": "10", "top": "10", "right": "90", "bottom": "90", "keep": "[]", "drop": "[]"}
    answer = as_mia.post(f"/photos/{photo.pk}/mark/", {**box, **wrong})
    page = answer.content.decode()
    assert answer.status_code == 422 and 'role="alert"' in page and ("four numbers" in page or "Draw the box" in page)
    assert Photo.objects.get().cutout_id == photo.cutout_id


def test_eve_cannot_mark_or_fetch_mias_photo(as_eve: Client, photo: Photo) -> None:
    assert as_eve.get(f"/photos/{photo.pk}/mark/").status_code == 404
    assert as_eve.post(f"/photos/{photo.pk}/mark/", {"left": "1", "top": "1", "right": "99", "bottom": "99"}).status_code == 404
    assert as_eve.get(f"/photos/{photo.pk}/").status_code == 404


def test_the_way_back_is_a_page_of_ours(as_mia: Client, photo: Photo) -> None:
    assert "evil.example" not in as_mia.get(f"/photos/{photo.pk}/mark/?next=https://evil.example/").content.decode()


def test_max_may_use_what_his_team_uploaded(client: Client, max: User, photo: Photo) -> None:
    client.force_login(max)
    assert client.get(f"/photos/{photo.pk}/mark/").status_code == 200
