"""Photographs as sellers take them: the colour of their light is read from white paper, and only from that."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from finishing.balance import cast_of
from finishing.colour import encoded, linear, to_lab
from finishing.plain_ground import _without_scraps
from finishing.plates import Bytes
from painting.builtin import Builtin
from painting.engine import ProductShot
from tests.finishing.composed import GROUNDS, Floats, ground_picture, photograph, product_on_canvas
from tests.painting.orders import order, pixels


def taken(ground: str, light: tuple[float, float, float] | Floats) -> tuple[bytes, bytes]:
    """A serum under some light: the photograph, and the product cut out of it as a WebP."""
    colour, alpha = product_on_canvas("serum")
    with Image.open(io.BytesIO(photograph(colour, alpha, ground_picture(GROUNDS[ground]), GROUNDS[ground]))) as opened:
        clean = np.asarray(opened.convert("RGB")).astype(np.float32) / 255
    lit = np.clip(encoded(linear(clean) * np.asarray(light, np.float32)) * 255, 0, 255).astype(np.uint8)
    photo, cut = io.BytesIO(), io.BytesIO()
    Image.fromarray(lit).save(photo, "JPEG", quality=88)
    Image.fromarray(np.dstack([lit, np.rint(alpha * 255).astype(np.uint8)]), "RGBA").save(cut, "WEBP", lossless=True)
    return photo.getvalue(), cut.getvalue()


def opened(data: bytes) -> Bytes:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("ground", ["warm beige wall and table", "deep red cloth", "dark slate", "grey card under a lamp", "white paper"])
def test_a_coloured_wall_is_no_light_and_white_light_stays(ground: str) -> None:
    assert cast_of(opened(taken(ground, (1, 1, 1))[0])) == pytest.approx(1, abs=0.02)


def test_a_busy_ground_says_nothing() -> None:
    noise = np.random.default_rng(1).integers(120, 255, (300, 300, 3)).astype(np.uint8)
    assert cast_of(np.kron(noise[::20, ::20], np.ones((20, 20, 1), np.uint8))) == pytest.approx(1)


@pytest.mark.parametrize("light", [(1.0, 0.80, 0.52), (0.72, 0.86, 1.0), (0.85, 1.0, 0.8)])
def test_warm_cool_and_green_light_is_taken_out_of_the_product_in_its_scene(light: tuple[float, float, float]) -> None:
    needs = {"scenes": ["cyclorama"], "mirror": False, "palettes": [{}]}
    colours = []
    for each in ((1.0, 1.0, 1.0), light):
        photo, cut = taken("white paper", each)
        painted = Builtin(scale=0.2).paint(order("4:5", needs, ProductShot(photo, cut)), lambda progress: None)
        picture, box = pixels(painted), painted.geometry.product
        assert box is not None
        height, width = picture.shape[:2]
        rows = slice(int((0.45 * box.top + 0.55 * box.bottom) * height), int((0.15 * box.top + 0.85 * box.bottom) * height))
        label = picture[rows, int((0.7 * box.left + 0.3 * box.right) * width) : int((0.3 * box.left + 0.7 * box.right) * width)]
        colours.append(np.median(to_lab(label / np.float32(255)).reshape(-1, 3), axis=0))
    # The label is white paper: lit neutrally it has the colour that it has in a neutral photograph.
    assert np.hypot(*(colours[0] - colours[1])[1:]) < 6


def test_a_scrap_of_ground_on_the_outline_goes_and_a_pale_rim_stays() -> None:
    product = cv2.circle(np.zeros((400, 400), np.uint8), (200, 200), 120, 1, -1)
    scrap = cv2.rectangle(np.zeros_like(product), (305, 190), (345, 202), 1, -1) & (1 - product)
    differs = np.where(product > 0, 90.0, 2.0).astype(np.float32)
    mended = _without_scraps((product | scrap) > 0, differs)
    assert (mended & (scrap > 0)).sum() < 0.2 * scrap.sum() and (mended & (product > 0)).sum() > 0.99 * product.sum()
    rim = cv2.ellipse(np.zeros_like(product), (200, 84), (40, 8), 0, 0, 360, 1, -1) & product
    assert (_without_scraps(product > 0, np.where(rim > 0, 4.0, differs).astype(np.float32)) == (product > 0)).all()
