"""The newest look at a picture: kept for a page in another process, lost without harm, shown to those who share the brand."""

from __future__ import annotations

import io
import threading
import time
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as real
from django.core.cache import caches
from django.core.cache.backends.filebased import FileBasedCache
from django.db import connections
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts import ledger
from accounts.models import User
from comfy import pool, starters
from generations import actions, pipeline, previews, states
from generations.models import Generation, Picture
from painting.engine import Progress
from prompting.brief import Brief
from templates_app.models import AdTemplateVersion
from tests.fakes.comfy_server import Simulator
from tests.people import placements


def jpeg(colour: str = "#804020") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def painting(order: Generation) -> Picture:
    """A picture of Mia's that is being painted and can be seen."""
    picture = Picture.objects.filter(generation=order)[0]
    Picture.objects.filter(pk=picture.pk).update(status=Picture.Status.PAINTING, progress=0.4)
    Generation.objects.filter(pk=order.pk).update(status=Generation.Status.MAKING)
    picture.refresh_from_db()
    previews.keep(picture.pk, jpeg())
    return picture


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def phone(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return client


def test_the_newest_preview_takes_the_place_of_the_one_before_and_goes_at_the_end() -> None:
    picture = uuid4()
    assert previews.of(picture) is None
    for colour in ("#ff0000", "#00ff00"):
        previews.keep(picture, jpeg(colour))
        assert previews.of(picture) == jpeg(colour)
    previews.drop(picture)
    assert previews.of(picture) is None


def test_a_preview_that_is_too_large_is_not_kept() -> None:
    picture = uuid4()
    previews.keep(picture, b"x" * (previews.LARGEST + 1))
    assert previews.of(picture) is None


@pytest.mark.skipif(bool(real.CACHES["default"].get("LOCATION")), reason="with Redis, previews live there")
def test_without_a_shared_cache_another_process_of_the_machine_sees_it() -> None:
    picture, told = uuid4(), real.CACHES["previews"]
    previews.keep(picture, jpeg())
    other = FileBasedCache(told["LOCATION"], {})
    assert other.get(f"preview:{picture}") == jpeg()
    previews.drop(picture)


def test_a_cache_that_does_not_work_stops_no_painting(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("disk full")

    for name in ("set", "get", "delete"):
        monkeypatch.setattr(type(caches["previews"]), name, broken)
    previews.keep(uuid4(), jpeg())
    previews.drop(uuid4())
    assert previews.of(uuid4()) is None


def test_progress_carries_a_preview_until_the_picture_is_done(painting: Picture) -> None:
    hold = states.Hold()
    on_progress = pipeline._progress_writer(painting, hold)
    on_progress(Progress(0.5, preview=jpeg("#0000ff")))
    assert previews.of(painting.pk) == jpeg("#0000ff")
    on_progress(Progress(0.6))
    assert previews.of(painting.pk) == jpeg("#0000ff")
    on_progress(Progress(1.0))
    assert previews.of(painting.pk) is None


def test_mia_sees_her_picture_grow_and_nobody_keeps_it(painting: Picture, mia: User, max: User) -> None:
    address = f"/pictures/{painting.pk}/preview"
    for user in (mia, max):
        answer = browser(user).get(address)
        assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "image/jpeg", jpeg())
        assert "no-store" in answer["Cache-Control"] and answer["X-Content-Type-Options"] == "nosniff"
    page = browser(mia).get(f"/generations/{painting.generation_id}/").content.decode()
    assert f'src="{address}?40"' in page


def test_a_stranger_and_nobody_at_all_see_no_preview(painting: Picture, eve: User) -> None:
    address = f"/pictures/{painting.pk}/preview"
    for client in (browser(eve), Client()):
        assert client.get(address).status_code == 404
        assert client.get(address, {"key": "nonsense"}).status_code == 404
        assert client.get(address, {"key": previews.key(uuid4())}).status_code == 404


def test_a_picture_that_is_not_being_painted_has_no_preview(painting: Picture, mia: User) -> None:
    Picture.objects.filter(pk=painting.pk).update(status=Picture.Status.FAILED)
    assert browser(mia).get(f"/pictures/{painting.pk}/preview").status_code == 404
    assert "/preview" not in browser(mia).get(f"/generations/{painting.generation_id}/").content.decode()
    assert browser(mia).get(f"/pictures/{uuid4()}/preview").status_code == 404


def test_a_deleted_order_shows_nothing_any_more(painting: Picture, mia: User) -> None:
    Generation.objects.filter(pk=painting.generation_id).update(deleted_at=painting.created_at)
    assert browser(mia).get(f"/pictures/{painting.pk}/preview").status_code == 404


def test_an_app_gets_an_address_that_needs_no_session_and_runs_out(painting: Picture, mia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {each["id"]: each for each in phone(mia).get(f"/api/v1/generations/{painting.generation_id}").json()["pictures"]}
    address = told.pop(str(painting.pk))["preview_url"]
    assert all(each["preview_url"] is None for each in told.values())
    assert Client().get(address).content == jpeg()
    monkeypatch.setattr(previews, "KEY_SECONDS", -1)
    assert Client().get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_comfyui_paints_can_be_watched(settings, brand, mia, template, photo) -> None:
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    ledger.grant(brand, 50, reason="For the test", by=None)
    starters.load()
    before = template.current
    recipe = {
        "workflow": "sd-inpaint-keep-product",
        "family": "sd15",
        "models": {"checkpoint": "sd15.safetensors"},
        "settings": {"steps": 40},
    }
    data = {**before.data, "engines": {**before.data["engines"], "comfyui": recipe}}
    template.current = AdTemplateVersion.objects.create(template=template, layout=before.layout, number=before.number + 1, data=data)
    template.save()
    with Simulator(previews=True, step_seconds=0.05) as server:
        pool.adopt_from_settings([server.url])
        order = actions.order_generation(
            by=mia,
            brand=brand,
            template=template,
            brief=Brief.read({"headline": "Wake up to glow", "cta": "Shop now", "product": "Radiance serum"}),
            placements=placements("google_display_250x250"),
            photos=[photo],
            engine="comfyui",
        )
        picture = Picture.objects.get(generation=order)

        def work() -> None:
            pipeline.run(order.pk)
            connections.close_all()

        worker = threading.Thread(target=work)
        worker.start()
        client, seen, until = browser(mia), b"", time.monotonic() + 20
        while not seen and worker.is_alive() and time.monotonic() < until:
            answer = client.get(f"/pictures/{picture.pk}/preview")
            seen = answer.content if answer.status_code == 200 else b""
            time.sleep(0.05)
        worker.join(30)
    with Image.open(io.BytesIO(seen), formats=["JPEG"]) as shown:
        assert 0 < max(shown.size) <= 512
    picture.refresh_from_db()
    assert picture.status == Picture.Status.READY and previews.of(picture.pk) is None
