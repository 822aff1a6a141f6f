"""Finished ads and their files by API."""

from __future__ import annotations

import hashlib
import time
import uuid
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import DefaultStorage
from rest_framework.test import APIClient

from generations import pipeline
from generations.models import Ad, Generation
from tests.api.conftest import is_problem

ADS = "/api/v1/ads"


@pytest.fixture
def ad(order: Generation) -> Ad:
    """A finished ad of Mia's."""
    pipeline.run(order.pk)
    return Ad.objects.select_related("file", "placement__placement").filter(picture__generation=order)[0]


def test_mia_downloads_the_file_of_her_ad_whatever_she_accepts(as_mia: APIClient, ad: Ad) -> None:
    for accept in ("*/*", "image/*", "image/jpeg", "application/json"):
        response = as_mia.get(f"{ADS}/{ad.pk}/file", HTTP_ACCEPT=accept)
        assert response.status_code == 200 and ad.file is not None
        assert hashlib.sha256(b"".join(response.streaming_content)).hexdigest() == ad.file.sha256  # type: ignore[attr-defined]
        assert response["Content-Type"] == ad.file.type and response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Disposition"] == f'attachment; filename="{ad.file_name}"'
        assert response["Cache-Control"] == "private, no-store"


def test_an_ad_tells_its_words_and_what_was_checked(as_mia: APIClient, ad: Ad) -> None:
    told = as_mia.get(f"{ADS}/{ad.pk}").json()
    assert told["words"]["headline"] == "Wake up to glow" and told["placement"] == ad.placement.placement.slug
    assert told["checks"] and set(told["checks"][0]) == {"rule", "result", "detail"}
    assert told["generation"] == str(ad.picture.generation_id) and told["pixels"] == ad.pixels


def test_an_ad_that_is_not_ready_has_no_file(as_mia: APIClient, order: Generation) -> None:
    waiting = Ad.objects.filter(picture__generation=order)[0]
    is_problem(as_mia.get(f"{ADS}/{waiting.pk}/file", HTTP_ACCEPT="image/jpeg"), 409)
    assert as_mia.get(f"{ADS}/{waiting.pk}").json()["url"] is None


def test_the_list_shows_the_ads_of_one_order(as_mia: APIClient, ad: Ad) -> None:
    listed = as_mia.get(f"{ADS}?generation={ad.picture.generation_id}").json()["results"]
    assert len(listed) == 2 and str(ad.pk) in [each["id"] for each in listed]
    assert as_mia.get(f"{ADS}?generation={uuid.uuid4()}").json()["results"] == []
    is_problem(as_mia.get(f"{ADS}?generation=nonsense"), 422)


def test_a_strangers_ad_is_a_404_like_one_that_never_was(as_eve: APIClient, anyone: APIClient, ad: Ad) -> None:
    for rest in ("", "/file"):
        hers, never = (as_eve.get(f"{ADS}/{ad.pk}{rest}"), as_eve.get(f"{ADS}/{uuid.uuid4()}{rest}"))
        assert is_problem(hers, 404) == is_problem(never, 404)
        is_problem(anyone.get(f"{ADS}/{ad.pk}{rest}"), 401)
    assert as_eve.get(ADS).json()["results"] == []


def test_a_signed_link_opens_its_own_file_and_for_five_minutes_only(
    as_mia: APIClient, anyone: APIClient, ad: Ad, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = urlsplit(as_mia.get(f"{ADS}/{ad.pk}").json()["url"]).path
    assert anyone.get(path).status_code == 200
    middle = len(path) - 20
    tampered = path[:middle] + ("A" if path[middle] != "A" else "B") + path[middle + 1 :]
    assert anyone.get(tampered).status_code == 404
    later = time.time() + 301
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert anyone.get(path).status_code == 404


def test_the_first_link_of_a_fresh_process_is_a_link_like_any_other(as_mia: APIClient, ad: Ad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keeping.links.default_storage", DefaultStorage())  # not yet set up, as after a start
    assert urlsplit(as_mia.get(f"{ADS}/{ad.pk}").json()["url"]).path.startswith("/files/signed/")
