"""The page that tells everybody whether a file is ours, and whether it was made with AI."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.models import User
from generations import pipeline
from generations.models import Ad, Fingerprint, Generation
from keeping import store
from tests.people import PRODUCTS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_minute() -> None:
    cache.clear()


@pytest.fixture
def ad(order: Generation) -> Ad:
    """A finished 300 × 250 of Mia's."""
    pipeline.run(order.pk)
    return Ad.objects.select_related("file").get(placement__placement__slug="google_display_300x250")


def data_of(ad: Ad) -> bytes:
    assert ad.file is not None
    return store.read(ad.file)


def dropped(client: Client, data: bytes, **headers: str) -> str:
    answer = client.post("/check/", {"file": SimpleUploadedFile("ad.jpg", data, "image/jpeg")}, headers=headers)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def test_a_stranger_is_told_that_a_file_is_ours_and_nothing_of_it_is_kept(client: Client, ad: Ad) -> None:
    kept = sorted(path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file() and "sqlite" not in path.name)
    page = dropped(client, data_of(ad))
    assert "Yes, made with AdsGem" in page and "Signed by us, and not changed since." in page and "Not made with AI" in page
    assert f"/ads/{ad.pk}/" not in page, "which ad it is, only its own people are told"
    assert ad.picture.generation.brand.name not in page
    assert kept == sorted(path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file() and "sqlite" not in path.name)


def test_mia_is_led_to_her_ad(client: Client, mia: User, ad: Ad) -> None:
    client.force_login(mia)
    assert f"/ads/{ad.pk}/" in dropped(client, data_of(ad))


def test_saved_anew_an_ad_is_still_known_by_its_invisible_mark(client: Client, ad: Ad) -> None:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data_of(ad))).convert("RGB").save(buffer, "JPEG", quality=85)
    page = dropped(client, buffer.getvalue())
    assert "Very likely made with AdsGem" in page and "It names an ad on our record." in page and "Saved anew or changed" in page


def test_a_file_that_was_changed_is_told_apart_from_one_that_was_not(client: Client, ad: Ad) -> None:
    data = bytearray(data_of(ad))
    data[-40] ^= 1
    page = dropped(client, bytes(data))
    assert "They do not fit the file" in page and "Yes, made with AdsGem" not in page


def test_the_record_outlives_the_ad(client: Client, ad: Ad) -> None:
    data = data_of(ad)
    Generation.objects.all().delete()
    assert Fingerprint.objects.filter(ad=ad.pk).exists() and "Yes, made with AdsGem" in dropped(client, data)


def test_a_plain_photo_is_not_ours_and_that_proves_nothing(client: Client) -> None:
    page = dropped(client, (PRODUCTS / "serum.jpg").read_bytes(), HX_Request="true")
    assert "Nothing here says that we made it" in page and "AI: not told" in page and "<html" not in page


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "Choose a picture"), (b"GIF89a" + bytes(40), "Only JPEG, PNG and WebP"), (b"\xff\xd8\xff" + bytes(90), "damaged")],
)
def test_what_is_no_picture_gets_a_sentence(client: Client, data: bytes, said: str) -> None:
    files = {"file": SimpleUploadedFile("x.jpg", data)} if data else {}
    answer = client.post("/check/", files)
    assert answer.status_code == 422 and said in answer.content.decode()


def test_whoever_drops_many_files_in_a_minute_is_asked_to_wait(client: Client) -> None:
    told = [client.post("/check/", {}).status_code for _ in range(21)]  # ten a minute, and a minute may begin meanwhile
    assert set(told) == {422, 429} and 10 <= told.count(422) <= 20


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: Client) -> None:
    answer = client.generic("POST", "/check/", b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="99999999")
    assert answer.status_code == 413 and "15 MB" in answer.content.decode()
