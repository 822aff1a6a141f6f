"""Colour sums, and rendered sets in a brand's colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from finishing import colour
from finishing.framing import Window
from finishing.plates import plate
from finishing.tint import brand_palette, dominant, jittered, product_palette, tinted
from painting.builtin import SCENES

WHOLE = Window(scale=0.25, left=0, top=0, foot=(240, 261), size=1, units=1)
SIZE = (480, 468)


def test_a_colour_is_read_with_and_without_hash_and_in_short():
    assert colour.parse_hex("#1a2b3c") == colour.parse_hex("1A2B3C") == (26, 43, 60)
    assert colour.parse_hex("#abc") == (170, 187, 204)
    assert colour.to_hex((26.2, 42.7, 400)) == "#1a2bff"


@pytest.mark.parametrize("text", ["", "red", "#12", "#1234567", "#gggggg"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(ValueError, match="is not a colour"):
        colour.parse_hex(text)


def test_contrast_is_what_wcag_says():
    black, white, grey = colour.luminance((0, 0, 0)), colour.luminance((255, 255, 255)), colour.luminance((119, 119, 119))
    assert colour.contrast(white, black) == pytest.approx(21)
    assert colour.contrast(grey, white) == pytest.approx(4.48, abs=0.01)


def test_light_and_lab_come_back_as_they_went():
    values = np.random.default_rng(1).random((50, 3)).astype(np.float32)
    assert np.abs(colour.encoded(colour.linear(values)) - values).max() < 1e-5
    assert np.abs(colour.from_lab(colour.to_lab(values)) - values).max() < 1e-4
    assert colour.to_lab(np.array([1.0, 0.0, 0.0])) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)


def test_lighter_is_lighter_and_keeps_the_hue():
    red = (200, 40, 40)
    lab = [colour.to_lab(np.array(part) / 255) for part in (red, colour.lighten(red, 0.4), colour.darken(red, 0.4))]
    assert lab[2][0] < lab[0][0] < lab[1][0]
    hues = [np.degrees(np.arctan2(part[2], part[1])) for part in lab]
    assert max(hues) - min(hues) < 12


@pytest.mark.parametrize("wished", ["#e8b6a4", "#1f3f8f", "#0f4c43", "#ffd23f"])
def test_the_lit_part_of_a_set_takes_the_wished_colour(wished):
    scene = plate(SCENES, "cyclorama")
    picture = tinted(scene, WHOLE, SIZE, {"backdrop": wished})
    neutral = tinted(scene, WHOLE, SIZE, {}) @ colour.WEIGHTS
    lit = np.abs(colour.linear(neutral) - scene.references[0]) < 0.01
    assert lit.sum() > 100
    found = colour.to_lab(np.median(picture[lit], axis=0))
    assert np.linalg.norm(found - colour.to_lab(np.array(colour.parse_hex(wished)) / 255)) < 3


def test_each_group_takes_its_own_colour_and_the_others_stay():
    scene = plate(SCENES, "podium")
    picture, neutral = tinted(scene, WHOLE, SIZE, {"accent": "#1f3f8f"}), tinted(scene, WHOLE, SIZE, {})
    assert np.abs(picture[:40] - neutral[:40]).max() < 0.01
    disc = picture[120, 240]
    assert disc[2] > 1.5 * disc[0]
    # No seam of a third colour between disc and wall.
    assert picture.min() > 0.02


def test_a_brand_gives_a_light_a_full_and_a_deep_set_of_one_hue():
    groups = ("backdrop", "podium", "accent")
    lights = []
    for tone in (0, 1, 2):
        palette = brand_palette(groups, "#c2185b", None, tone)
        assert set(palette) == set(groups)
        labs = [colour.to_lab(np.array(colour.parse_hex(code)) / 255) for code in palette.values()]
        hues = [np.degrees(np.arctan2(lab[2], lab[1])) for lab in labs]
        assert max(hues) - min(hues) < 20
        lights.append(labs[0][0])
    assert lights[0] > lights[1] > lights[2]
    assert colour.parse_hex(brand_palette(groups, "#c2185b", "#00897b", 1)["accent"]) == (0, 137, 123)


def test_the_dominant_colour_is_the_products_and_not_its_labels():
    body = np.zeros((100, 60, 4), np.uint8)
    body[:] = (20, 110, 120, 255)
    body[40:60, 15:45] = (250, 250, 250, 255)
    hue, chroma = dominant(body)
    wished = colour.to_lab(np.array([20, 110, 120]) / 255)
    assert hue == pytest.approx(float(np.arctan2(wished[2], wished[1])), abs=0.15)
    assert chroma > 15
    for tone in (0, 1, 2):
        light = colour.luminance(colour.parse_hex(product_palette(("backdrop",), body, tone)["backdrop"]))
        assert light > 0.5


def test_a_grey_product_gives_a_quiet_set_and_jitter_keeps_the_family():
    grey = np.full((40, 40, 4), 128, np.uint8)
    grey[..., 3] = 255
    palette = product_palette(("backdrop",), grey, 0)
    lab = colour.to_lab(np.array(colour.parse_hex(palette["backdrop"])) / 255)
    assert np.hypot(lab[1], lab[2]) < 9
    moved = jittered({"backdrop": "#c2185b"}, 1.5, 3)
    one, other = (colour.to_lab(np.array(colour.parse_hex(code)) / 255) for code in ("#c2185b", moved["backdrop"]))
    assert 0 < np.linalg.norm(one - other) < 7
    assert Image.new("RGB", (1, 1), moved["backdrop"]).getpixel((0, 0)) == colour.parse_hex(moved["backdrop"])
