"""A picture as far as it is painted: small, encoded anew, and from every engine that shows it."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from PIL import Image

from comfy import pool, starters
from painting.comfyui import ComfyUI
from painting.engine import Progress
from painting.openai_images import OpenAIImages
from painting.preview import small_jpeg
from tests.fakes.comfy_server import Simulator
from tests.painting.orders import order
from tests.painting.test_openai_images import NEEDS, PictureServer

SCENE = {"workflow": "sd-text2img", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}, "settings": {"steps": 30}}


def encoded(size: tuple[int, int], kind: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
        opened.load()
        return opened.size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("size", "small"), [((1600, 800), (512, 256)), ((64, 96), (64, 96))])
def test_a_preview_is_a_jpeg_of_at_most_512_pixels(kind: str, size: tuple[int, int], small: tuple[int, int]) -> None:
    jpeg = small_jpeg(encoded(size, kind))
    assert jpeg is not None and size_of(jpeg) == small and len(jpeg) < 200_000


def test_what_is_transparent_becomes_a_jpeg_too() -> None:
    assert small_jpeg(encoded((80, 80), "PNG", "RGBA")) is not None


@pytest.mark.parametrize(
    "data", [b"", b"<html>", encoded((400, 400), "PNG")[:500], encoded((400, 400), "GIF"), encoded((4100, 4100), "PNG")]
)
def test_what_is_no_picture_or_too_large_is_no_preview(data: bytes) -> None:
    assert small_jpeg(data) is None


@pytest.mark.django_db
def test_comfyui_shows_what_it_paints_not_more_often_than_twice_a_second(settings) -> None:
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    starters.load()
    seen: list[Progress] = []
    with Simulator(previews=True, step_seconds=0.05) as server:
        pool.adopt_from_settings([server.url])
        ComfyUI().paint(order("1:1", SCENE, job_id=uuid4(), scene_prompt="wet stone"), seen.append)
    shown = [progress.preview for progress in seen if progress.preview is not None]
    assert 1 <= len(shown) <= 5 < len(seen) and all(max(size_of(jpeg)) <= 512 for jpeg in shown)


@pytest.mark.django_db
def test_comfyui_without_previews_paints_all_the_same(settings) -> None:
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1}
    starters.load()
    seen: list[Progress] = []
    with Simulator() as server:
        pool.adopt_from_settings([server.url])
        assert ComfyUI().paint(order("1:1", SCENE, job_id=uuid4(), scene_prompt="wet stone"), seen.append).image
    assert seen and all(progress.preview is None for progress in seen)


@pytest.mark.django_db
def test_openai_shows_its_partial_pictures(settings) -> None:
    seen: list[Progress] = []
    with PictureServer() as server:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.OPENAI_IMAGE_MODEL = f"sk-{uuid4()}", server.url, "gpt-image-2"
        OpenAIImages().paint(order("1:1", NEEDS, job_id=uuid4(), scene_prompt="wet stone"), seen.append)
    shown = [progress.preview for progress in seen if progress.preview is not None]
    assert shown and all(max(size_of(jpeg)) <= 512 for jpeg in shown)
