"""One ad from click to file: in pages, by API, by make_ad. Every new step of the product joins this walk."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from PIL import Image

from accounts.models import User
from generations import pipeline
from generations.models import Ad, Generation, Photo
from generations.verify import verify
from templates_app.models import AdTemplate
from tests.people import PASSWORD, PRODUCTS

PLACES = ["meta_ig_feed_square", "google_display_250x250", "google_display_728x90"]


def work() -> None:
    """What the workers do: everything that is open, to its end."""
    for generation in Generation.objects.filter(status__in=["waiting", "writing", "making"]):
        pipeline.run(generation.pk)
    for ad in Ad.objects.filter(status="waiting", picture__status="ready"):
        pipeline.finish_ad(ad.pk)


def test_mia_makes_an_ad_in_pages_without_javascript(client: Client, mia: User, template: AdTemplate) -> None:
    answer = client.post("/account/sign-in/", {"username": mia.email, "password": PASSWORD, "next": "/"})
    assert answer.status_code == 302
    gallery = client.get("/").content.decode()
    assert f"/templates/{template.slug}/" in gallery and "<img" in gallery

    form = client.get(f"/create/{template.slug}/").content.decode()
    key = re.search(r'name="key" value="(\w+)"', form)
    assert key is not None
    sent: dict[str, Any] = {
        "key": key[1],
        "headline": "Wake up to glow",
        "subline": "Vitamin C radiance serum",
        "cta": "Shop now",
        "product": "Radiance serum",
        "language": "en",
        "placement": PLACES,
        "variations": "2",
        "engine": "auto",
    }
    photo = SimpleUploadedFile("serum.jpg", (PRODUCTS / "serum.jpg").read_bytes(), "image/jpeg")
    answer = client.post(f"/create/{template.slug}/", {**sent, "photo": photo})
    assert answer.status_code == 302, answer.content.decode()
    page = answer["Location"]
    assert Photo.objects.get().cutout_usable

    waiting = client.get(page).content.decode()
    assert 'http-equiv="refresh"' in waiting, "the page moves by itself without a script"
    work()
    done = client.get(page).content.decode()
    assert 'http-equiv="refresh"' not in done and "Download all" in done
    assert client.get(f"{page}sheet/").status_code == 286

    ads = list(Ad.objects.select_related("file", "placement__placement"))
    assert len(ads) == 6 and {ad.status for ad in ads} == {"ready"}
    file = client.get(f"/files/{ads[0].pk}/full?download")
    data = b"".join(file.streaming_content)  # type: ignore[attr-defined]
    assert ads[0].file is not None and hashlib.sha256(data).hexdigest() == ads[0].file.sha256
    assert "attachment" in file["Content-Disposition"] and file["Cache-Control"] == "private, no-store"

    answer = client.post(f"{page}words/", {"headline": "Glow, on time", "cta": "Shop now"})
    assert answer.status_code == 302
    work()
    assert "Glow, on time" in client.get(page).content.decode()

    archive = zipfile.ZipFile(io.BytesIO(b"".join(client.get(f"{page}zip/").streaming_content)))  # type: ignore[attr-defined]
    assert archive.testzip() is None
    assert not verify().problems, "nothing is left over anywhere"
    pictures = [name for name in archive.namelist() if name.endswith((".jpg", ".png", ".webp"))]
    assert len(pictures) == 6
    assert {"provenance.json", "labels.md"} <= set(archive.namelist())
    assert Image.open(io.BytesIO(archive.read("google/google_display_728x90-v1.jpg"))).size == (728, 90)
    assert archive.read("ads.csv").decode().count("Glow, on time") >= 6


def test_a_phone_makes_an_ad_by_api(client: Client, mia: User, template: AdTemplate) -> None:
    token = client.post("/api/v1/auth/token", {"email": mia.email, "password": PASSWORD}, "application/json").json()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token['access']}"
    with (PRODUCTS / "can.jpg").open("rb") as file:
        photo = client.post("/api/v1/photos", {"file": file}).json()
    assert photo["confidence"] > 0.45 and photo["cutout_url"]
    order = {
        "template": template.slug,
        "photos": [photo["id"]],
        "brief": {"product": "fizzlo", "headline": "Squeeze the day", "cta": "Find a fridge"},
        "placements": PLACES,
    }
    answer = client.post("/api/v1/generations", order, "application/json", headers={"Idempotency-Key": "walk"})
    assert answer.status_code == 202
    made = answer.json()
    assert made["status"] == "waiting" and len(made["ads"]) == 3
    work()
    ended = client.get(made["links"]["self"]).json()
    assert (ended["status"], ended["progress"]) == ("ready", 1.0)
    brand = client.get("/api/v1/me/credits").json()["results"][0]
    statement = client.get(f"/api/v1/me/credits?brand={brand['brand']}").json()
    settled = sorted(transfer["kind"] for transfer in statement["transfers"])
    number = len(ended["pictures"])
    assert settled == ["capture"] * number + ["hold"] * number, "each picture is paid once, and the built-in engine costs 0"
    assert (brand["available"], brand["held"], ended["credits"]) == (0, 0, 0)
    for ad in ended["ads"]:
        file = client.get(f"/api/v1/ads/{ad['id']}/file", follow=True)
        data = b"".join(file.streaming_content)  # type: ignore[attr-defined]
        assert Image.open(io.BytesIO(data)).size == (ad["width"], ad["height"]) and len(data) == ad["bytes"]


def test_a_script_makes_an_ad_by_make_ad(db: None, template: AdTemplate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command(
        "make_ad",
        template=template.slug,
        photo=PRODUCTS / "jar.jpg",
        headline="Sleep on it.",
        cta="Shop",
        placement=PLACES,
        out=tmp_path,
        json=True,
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ads = [line for line in lines if line["event"] == "ad"]
    assert [line["event"] for line in lines][-1] == "done" and lines[-1]["status"] == "ready"
    assert {ad["placement"] for ad in ads} == set(PLACES)
    for ad in ads:
        data = Path(ad["path"]).read_bytes()
        assert Path(ad["path"]).name == f"{ad['placement']}-v1.jpg"
        assert hashlib.sha256(data).hexdigest() == ad["sha256"] and len(data) == ad["bytes"]
        assert ad["checks"] and {"rule", "result", "detail"} == set(ad["checks"][0])
    progress = [line["progress"] for line in lines if line["event"] == "progress"]
    assert progress == sorted(progress) and progress[-1] == 1.0
