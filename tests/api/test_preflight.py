"""Preflight, new words and the brand's kit by API."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import Brand
from generations import pipeline
from generations.models import Ad, Copy, Generation
from tests.api.conftest import is_problem
from tests.people import bottle_png

pytestmark = pytest.mark.django_db
PREFLIGHT = "/api/v1/preflight"
BRIEF = {"headline": "Wake up to glow every single morning of the year", "cta": "Shop now"}


def refused(answer: Any, field: str) -> dict[str, Any]:
    """A problem that names this field."""
    told = is_problem(answer, 422)
    assert field in told["errors"], told
    return told


def test_mia_is_told_before_she_orders_what_each_network_says_and_how_to_mend_it(as_mia: APIClient, brand: Brand) -> None:
    body = {"brief": BRIEF, "placements": ["google_display_320x50", "meta_ig_stories", "google_dg_logo"]}
    told = as_mia.post(PREFLIGHT, body, format="json").json()
    assert told["result"] == "fail" and [each["id"] for each in told["placements"]] == body["placements"]
    small, story, logo = told["placements"]
    headline = next(each for each in small["findings"] if each["rule"] == "headline")
    assert headline["fix"]["fit"] == {"field": "headline", "limit": 33} and len(headline["fix"]["words"]["headline"]) <= 33
    assert next(each for each in story["findings"] if each["rule"] == "left out")["detail"].endswith("the network brings its own button.")
    assert logo["result"] == "fail" and logo["findings"][0]["fix"]["logo"] is True
    assert not Generation.objects.exists()


def test_an_unknown_placement_and_an_empty_brief_are_problems(as_mia: APIClient, brand: Brand) -> None:
    refused(as_mia.post(PREFLIGHT, {"brief": BRIEF, "placements": ["moon"]}, format="json"), "placements")
    assert as_mia.post(PREFLIGHT, {"brief": {}, "placements": ["meta_ig_stories"]}, format="json").status_code == 422


def test_new_words_for_one_ad_and_back(as_mia: APIClient, as_eve: APIClient, order: Generation) -> None:
    pipeline.run(order.pk)
    ad = Ad.objects.filter(picture__generation=order).first()
    assert ad is not None
    where = f"/api/v1/ads/{ad.pk}/copy"
    answer = as_mia.post(where, {"words": {"headline": "Glow, on time"}}, format="json")
    assert answer.status_code == 202 and len(answer.json()) == 1
    made = answer.json()[0]
    assert made["words"] == {"headline": "Glow, on time", "subline": "", "cta": "Shop now", "badge": "", "legal": ""}
    everywhere = as_mia.post(where, {"words": {"headline": "Strahle"}, "over": "all", "language": "de"}, format="json").json()
    assert len(everywhere) == 2 and {each["language"] for each in everywhere} == {"de"}
    assert as_eve.post(where, {"words": {"headline": "Mine"}}, format="json").status_code == 404
    assert as_mia.delete(f"/api/v1/ads/{made['id']}/copy").status_code == 204
    assert Copy.objects.filter(undone_at=None).count() == 2
    is_problem(as_mia.delete(where), 422)


def test_a_brand_has_a_logo_for_light_and_one_for_dark_grounds(as_mia: APIClient, as_eve: APIClient, brand: Brand) -> None:
    where = f"/api/v1/brands/{brand.pk}/logo"
    upload = lambda data: {"file": SimpleUploadedFile("logo.png", data)}  # noqa: E731
    told = as_mia.post(where, upload(bottle_png()), format="multipart").json()
    assert told["logo_url"] and told["logo_on_dark_url"] is None
    assert as_mia.post(where, {**upload(bottle_png()), "on_dark": "true"}, format="multipart").json()["logo_on_dark_url"]
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
    told = refused(as_mia.post(where, upload(drawing), format="multipart"), "file")
    assert "SVG files can carry programs" in str(told)
    flat = io.BytesIO()
    Image.effect_noise((300, 200), 60).convert("RGB").save(flat, "PNG")
    refused(as_mia.post(where, upload(flat.getvalue()), format="multipart"), "file")
    assert as_eve.post(where, upload(bottle_png()), format="multipart").status_code == 404
    assert as_mia.delete(f"{where}?on_dark=1").json()["logo_on_dark_url"] is None


def test_colours_clear_space_and_truth_are_checked(as_mia: APIClient, brand: Brand) -> None:
    where = f"/api/v1/brands/{brand.pk}"
    told = as_mia.patch(where, {"colours": {"primary": "#006746"}, "clear_space": 0.5, "truth": {"ssim": 0.9}}, format="json").json()
    assert (told["colours"], told["clear_space"], told["truth"]) == ({"primary": "#006746"}, 0.5, {"ssim": 0.9})
    for wrong in ({"colours": {"primary": "green"}}, {"clear_space": 9}, {"truth": {"beauty": 1}}, {"truth": {"ssim": 7}}):
        refused(as_mia.patch(where, wrong, format="json"), next(iter(wrong)))
