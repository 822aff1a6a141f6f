"""Uploading photos by API."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import Brand, Membership, User
from generations.models import Photo
from keeping.models import StoredFile
from tests.api.conftest import is_problem
from tests.people import bottle_png

PHOTOS = "/api/v1/photos"


def upload(client: APIClient, data: bytes, name: str = "serum.jpg", type: str = "image/jpeg", **more: Any) -> Any:
    headers = {key: more.pop(key) for key in list(more) if key.startswith("HTTP_")}
    return client.post(PHOTOS, {"file": SimpleUploadedFile(name, data, type), **more}, format="multipart", **headers)


def fetched(client: APIClient, url: str) -> Image.Image:
    """The picture behind a signed link."""
    response = client.get(url)
    assert response.status_code == 200
    return Image.open(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]


def test_an_uploaded_photo_comes_back_safe_and_cut_out(as_mia: APIClient, anyone: APIClient, serum_jpeg: bytes, brand: Brand) -> None:
    answer = upload(as_mia, serum_jpeg)
    assert answer.status_code == 201
    told = answer.json()
    assert set(told) >= {"id", "width", "height", "url", "cutout_url", "confidence"}
    assert answer["Location"].endswith(f"/photos/{told['id']}")
    photo, cutout = fetched(anyone, told["url"]), fetched(anyone, told["cutout_url"])
    assert photo.size == (told["width"], told["height"]) and not photo.getexif()
    assert cutout.mode == "RGBA" and cutout.getextrema()[3] == (0, 255)  # type: ignore[comparison-overlap]
    assert 0 < told["confidence"] <= 1
    row = Photo.objects.get()
    assert row.brand == brand and row.created_by is not None and row.created_by.email == "mia@example.com" and row.name == "serum.jpg"
    assert as_mia.get(f"{PHOTOS}/{told['id']}").json()["id"] == told["id"]


def test_max_sees_mias_photo_in_the_list(as_max: APIClient, photo: Photo) -> None:
    assert [each["id"] for each in as_max.get(PHOTOS).json()["results"]] == [str(photo.pk)]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"I am a text file, whatever I am called.", "photo.jpg"),
        (b"", "empty.png"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "broken.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "drawing.svg"),
    ],
    ids=["text", "nothing", "broken", "svg"],
)
def test_what_is_no_photo_is_refused_and_nothing_is_kept(as_mia: APIClient, data: bytes, name: str) -> None:
    kept = StoredFile.objects.count()
    assert is_problem(upload(as_mia, data, name), 422)["errors"]["file"]
    assert not Photo.objects.exists() and StoredFile.objects.count() == kept


def test_a_form_without_a_file_says_so(as_mia: APIClient) -> None:
    assert "file" in is_problem(as_mia.post(PHOTOS, {"name": "x"}, format="multipart"), 422)["errors"]


def test_a_photo_comes_as_a_form_or_by_its_address(as_mia: APIClient) -> None:
    assert set(is_problem(as_mia.post(PHOTOS, {"file": "aGVsbG8="}), 422)["errors"]) == {"url"}
    is_problem(as_mia.generic("POST", PHOTOS, b"aGVsbG8=", content_type="text/plain"), 415)


def test_an_upload_that_is_far_too_large_is_refused_before_it_is_read(as_mia: APIClient) -> None:
    is_problem(upload(as_mia, b"\xff\xd8\xff" + b"\0" * 16_500_000), 413)
    assert not Photo.objects.exists()


def test_a_wild_file_name_stays_text(as_mia: APIClient) -> None:
    told = upload(as_mia, bottle_png(), "../../etc/passwd\u202egpj.png").json()
    assert "/" not in told["name"] and told["url"].count("passwd") == 0


@pytest.mark.parametrize(("method", "rest"), [("get", ""), ("post", "/mark")])
def test_a_strangers_photo_is_a_404_like_one_that_never_was(
    as_eve: APIClient, anyone: APIClient, photo: Photo, method: str, rest: str
) -> None:
    body = {"box": [0.1, 0.1, 0.9, 0.9]} if method == "post" else None
    hers = is_problem(getattr(as_eve, method)(f"{PHOTOS}/{photo.pk}{rest}", body), 404)
    never = is_problem(getattr(as_eve, method)(f"{PHOTOS}/{uuid.uuid4()}{rest}", body), 404)
    assert hers == never
    is_problem(getattr(anyone, method)(f"{PHOTOS}/{photo.pk}{rest}", body), 401)
    assert as_eve.get(PHOTOS).json()["results"] == []


def test_nobody_uploads_into_a_strangers_brand(as_eve: APIClient, brand: Brand) -> None:
    assert "brand" in is_problem(upload(as_eve, bottle_png(), brand=str(brand.pk)), 422)["errors"]
    assert not Photo.objects.exists()


def test_somebody_without_a_brand_is_told_so(anyone: APIClient, db: None) -> None:
    from tests.api.conftest import client_of

    loner = User.objects.create_user("leo@example.com", "a long password")
    assert "brand" in is_problem(upload(client_of(loner), bottle_png()), 422)["errors"]


def test_a_viewer_uploads_nothing(as_max: APIClient, max: User) -> None:
    Membership.objects.filter(user=max).update(role=Membership.Role.REVIEWER)
    is_problem(upload(as_max, bottle_png()), 403)
    assert not Photo.objects.exists()


def test_the_same_key_uploads_once(as_mia: APIClient, serum_jpeg: bytes) -> None:
    first = upload(as_mia, bottle_png(), HTTP_IDEMPOTENCY_KEY="p1").json()
    again = upload(as_mia, bottle_png(), HTTP_IDEMPOTENCY_KEY="p1")
    assert again.status_code == 201 and again.json()["id"] == first["id"]
    assert "Idempotency-Key" in is_problem(upload(as_mia, serum_jpeg, HTTP_IDEMPOTENCY_KEY="p1"), 422)["errors"]
    assert Photo.objects.count() == 1


def test_a_person_shows_where_the_product_is(as_mia: APIClient, serum_jpeg: bytes) -> None:
    small = Image.open(io.BytesIO(serum_jpeg))
    small.thumbnail((480, 480))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=92)
    photo = upload(as_mia, buffer.getvalue()).json()
    marks = {"box": [0.2, 0.05, 0.8, 0.98], "keep": [[[0.5, 0.4], [0.5, 0.7]]], "drop": [[[0.02, 0.02], [0.1, 0.02]]]}
    answer = as_mia.post(f"{PHOTOS}/{photo['id']}/mark", marks)
    assert answer.status_code == 200 and answer.json()["cutout_url"]
    assert Photo.objects.get().steps.filter(who="marked").count() == 1


@pytest.mark.parametrize(
    ("marks", "field"),
    [
        ({}, "box"),
        ({"box": [0.9, 0.1, 0.2, 0.8]}, "box"),
        ({"box": [0.1, 0.1, 1.2, 0.8]}, "box.2"),
        ({"box": [0.1, 0.1, 0.9]}, "box"),
        ({"box": [0.1, 0.1, 0.9, 0.9], "keep": [[[0.5]]]}, "keep.0.0"),
    ],
)
def test_marks_outside_the_photo_are_refused(as_mia: APIClient, photo: Photo, marks: dict[str, Any], field: str) -> None:
    before = photo.cutout_id
    assert field in is_problem(as_mia.post(f"{PHOTOS}/{photo.pk}/mark", marks), 422)["errors"]
    photo.refresh_from_db()
    assert photo.cutout_id == before
