"""Who the tests are about: Mia owns the ads, Max is in her team, Eve is a stranger, Sam is staff. And what they work with."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from django.apps import apps
from django.core.management import call_command
from PIL import Image, ImageDraw

from accounts.models import Brand, Membership, User
from generations import actions
from generations.models import Generation, Photo
from keeping import store
from prompting.brief import Brief
from templates_app.models import AdTemplate, Placement

ROOT = Path(__file__).parent.parent
PRODUCTS = ROOT / "templates_app" / "shelf" / "products"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    """Every test starts with the starter shelf in place, loaded once."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("load_shelf", verbosity=0)


@pytest.fixture
def brand(db: None) -> Brand:
    """Mia's brand."""
    return Brand.objects.create(name="Miravel", slug="miravel")


@pytest.fixture
def mia(brand: Brand) -> User:
    """Owns the ads."""
    return _person("mia@example.com", "Mia Miravel", brand, Membership.Role.OWNER)


@pytest.fixture
def max(brand: Brand) -> User:
    """Is in Mia's team."""
    return _person("max@example.com", "Max Miravel", brand, Membership.Role.EDITOR)


@pytest.fixture
def eve(db: None) -> User:
    """A stranger with a brand of her own."""
    return _person("eve@example.com", "Eve", Brand.objects.create(name="Elsewhere", slug="elsewhere"), Membership.Role.OWNER)


@pytest.fixture
def sam(db: None) -> User:
    """A member of staff."""
    return User.objects.create_superuser("sam@example.com", PASSWORD, name="Sam Staff")


def _person(email: str, name: str, brand: Brand, role: str) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name)
    Membership.objects.create(user=user, brand=brand, role=role)
    return user


@pytest.fixture
def serum_jpeg() -> bytes:
    """A real product photograph, as a marketer would drop it."""
    return (PRODUCTS / "serum.jpg").read_bytes()


@lru_cache(maxsize=1)
def bottle_png() -> bytes:
    """A product that comes already cut out, quick to take in."""
    picture = Image.new("RGBA", (240, 480), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((30, 120, 210, 470), radius=30, fill=(150, 60, 40, 255))
    draw.rectangle((90, 20, 150, 130), fill=(30, 30, 34, 255))
    grain = np.random.default_rng(5).integers(-12, 12, (480, 240, 1))
    pixels = np.asarray(picture).astype(np.int16)
    pixels[..., :3] = np.clip(pixels[..., :3] + grain, 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8), "RGBA").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photo(brand: Brand) -> Photo:
    """A photo of Mia's brand with a sure cut-out."""
    return actions.add_photo(by=None, brand=brand, data=bottle_png(), name="bottle.png")


@pytest.fixture
def template(db: None) -> AdTemplate:
    """A template that needs a photo."""
    return AdTemplate.objects.filter(published=True, needs_photo=True).select_related("current").first()  # type: ignore[return-value]


@pytest.fixture
def text_template(db: None) -> AdTemplate:
    """A template that needs no photo."""
    return AdTemplate.objects.filter(published=True, needs_photo=False).select_related("current").first()  # type: ignore[return-value]


def placements(*slugs: str) -> list[Placement]:
    """Placements by slug, in this order."""
    found = {placement.slug: placement for placement in Placement.objects.filter(slug__in=slugs).select_related("current")}
    return [found[slug] for slug in slugs]


@pytest.fixture
def order(brand: Brand, mia: User, template: AdTemplate, photo: Photo) -> Generation:
    """Mia's order: one variation for a small banner and a feed square, written down and not yet made."""
    return actions.order_generation(
        by=mia,
        brand=brand,
        template=template,
        brief=Brief.read({"headline": "Wake up to glow", "cta": "Shop now", "product": "Radiance serum"}),
        placements=placements("google_display_300x250", "google_display_250x250"),
        photos=[photo],
        seed=7,
    )


def stored_square(colour: str = "#c08060") -> object:
    """A kept picture, for rows that need any file."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return store.keep(buffer.getvalue(), type="image/png", width=64, height=64)


@pytest.fixture(autouse=True)
def leases(request: pytest.FixtureRequest, settings: object) -> None:
    """Short leases where a test may really write from two connections; elsewhere the test's own transaction would lock a heartbeat out.

    Tests that commit empty every table at their end, so each of them is given the shelf anew.
    """
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS = 60, 10  # type: ignore[attr-defined]
        return
    request.getfixturevalue("transactional_db")
    if not Placement.objects.exists():
        import_module("accounts.migrations.0003_first_prices").fill(apps, None)
        import_module("prompting.migrations.0002_first_instructions_and_rules").fill(apps, None)
        import_module("templates_app.migrations.0002_placements").fill(apps, None)
        call_command("load_shelf", verbosity=0)
