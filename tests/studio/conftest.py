"""What the tests of the pages share."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from generations.models import Ad, Generation, Picture
from templates_app.models import AdTemplate
from tests.people import bottle_png, stored_square


@pytest.fixture
def as_mia(mia: User) -> Client:
    """Mia's browser."""
    return _browser_of(mia)


@pytest.fixture
def as_eve(eve: User) -> Client:
    """Eve's browser."""
    return _browser_of(eve)


def _browser_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def ready(order: Generation) -> Generation:
    """Mia's order with every file in place; the pictures are plain squares."""
    file = stored_square()
    Picture.objects.filter(generation=order).update(status="ready", progress=1.0, raw=file)
    passed = {"rule": "size", "result": "pass", "detail": "300 × 250 pixels, as it should be."}
    warned = {"rule": "contrast", "result": "warn", "detail": "The sub-line is hard to read."}
    Ad.objects.filter(picture__generation=order).update(
        status="ready", file=file, alt="A serum on marble", checks=[passed, warned], recipe={"seed": 7, "raw": "ab" * 32}
    )
    Generation.objects.filter(pk=order.pk).update(status="ready")
    order.refresh_from_db()
    return order


@pytest.fixture
def filled(template: AdTemplate) -> dict[str, Any]:
    """The order form, filled in well but for the photo."""
    return {
        "key": "0123456789abcdef",
        "product": "Radiance serum",
        "headline": "Wake up to glow",
        "subline": "Vitamin C, rosehip",
        "cta": "Shop now",
        "language": "en",
        "keywords": "morning light, marble",
        "placement": ["google_display_300x250", "google_display_728x90"],
        "variations": "2",
        "engine": "auto",
        "seed": "",
    }


def upload(data: bytes | None = None, name: str = "bottle.png") -> SimpleUploadedFile:
    """A file as a browser sends it."""
    return SimpleUploadedFile(name, bottle_png() if data is None else data, "image/png")
