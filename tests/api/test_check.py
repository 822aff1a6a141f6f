"""POST /api/v1/check/: the same answers for programs."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from generations import pipeline
from generations.models import Ad, Generation
from keeping import store
from tests.people import PRODUCTS


@pytest.mark.django_db
def test_a_program_learns_whether_a_file_is_ours_and_how_sure_that_is(order: Generation) -> None:
    pipeline.run(order.pk)
    ad = Ad.objects.select_related("file").get(placement__placement__slug="google_display_250x250")
    assert ad.file is not None
    client = APIClient()
    sent = {"file": SimpleUploadedFile("ad.jpg", store.read(ad.file), ad.file.type)}
    answer = client.post("/api/v1/check/", sent, format="multipart")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["ours"], told["ai"], told["source_type"], told["edited"]) == ("certain", "no", "compositeSynthetic", False)
    found = {each["mark"]: each["found"] for each in told["evidence"]}
    assert found == dict.fromkeys(("registry", "credentials", "watermark", "metadata", "looks"), "yes")
    assert str(ad.pk) not in answer.content.decode()

    photo = {"file": SimpleUploadedFile("serum.jpg", (PRODUCTS / "serum.jpg").read_bytes(), "image/jpeg")}
    told = client.post("/api/v1/check/", photo, format="multipart").json()
    assert told["ours"] == "none" and told["ai"] == "unknown" and told["made_at"] is None

    text = {"file": SimpleUploadedFile("notes.txt", b"not a picture", "text/plain")}
    answer = client.post("/api/v1/check/", text, format="multipart")
    assert answer.status_code == 422 and answer.json()["errors"]["file"] == ["Only JPEG, PNG and WebP pictures can be checked."]
