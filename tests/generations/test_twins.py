"""Variations that look alike are painted once more, for nothing."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from accounts.models import Brand, User
from generations import actions, pipeline, twins
from generations.models import Generation, Photo, Picture, Step
from painting.builtin import Builtin
from painting.engine import Painted, PictureOrder, Progress
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import placements


def drawn(colour: str, shift: int = 0, size: tuple[int, int] = (400, 400)) -> bytes:
    picture = Image.new("RGB", size, "#d8c8b0")
    ImageDraw.Draw(picture).ellipse((60 + shift, 90, 240 + shift, 330), fill=colour)
    noise = np.random.default_rng(2).integers(-3, 3, (size[1], size[0], 1))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(picture).astype(int) + noise, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_same_picture_is_alike_and_another_colour_or_another_place_is_not() -> None:
    first = twins.looks_of(drawn("#603020"))
    assert twins.alike(first, twins.looks_of(drawn("#623122")))
    assert not twins.alike(first, twins.looks_of(drawn("#2050a0"))) and not twins.alike(first, twins.looks_of(drawn("#603020", 120)))


class Forgetful(Builtin):
    """An engine that paints the same for the first two seeds that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[PictureOrder] = []

    def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
        self.orders.append(order)
        made = super().paint(order, on_progress)
        if len(self.orders) > 2:
            return made
        image = drawn("#603020", size=order.shape.size)
        return Painted(image=image, geometry=made.geometry, facts=made.facts)


def test_a_twin_is_painted_once_more_from_another_seed_and_costs_nothing(
    brand: Brand, template: AdTemplate, photo: Photo, mia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Forgetful()
    monkeypatch.setattr(pipeline, "engine_named", lambda name: engine)
    order = actions.order_generation(
        by=mia,
        brand=brand,
        template=template,
        brief=Brief.read({"headline": "Wake up to glow"}),
        placements=placements("google_display_300x250"),
        photos=[photo],
        variations=2,
        seed=7,
    )
    assert pipeline.run(order.pk).status == Generation.Status.READY
    assert [each.seed for each in engine.orders] == [7, 8, 8 + twins.FAR]
    assert len({each.job_id for each in engine.orders}) == 3
    first, second = Picture.objects.filter(generation=order).order_by("variation")
    assert first.pixels != second.pixels and second.facts["painted_again"] and "painted_again" not in first.facts
    assert Step.objects.filter(picture=second, error=twins.ALIKE).count() == 1
    assert second.credits == first.credits
