"""Scene plates: reading, mirroring, and how each shape is framed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from finishing.framing import Silhouette, choose, cut, largest_size
from finishing.plates import PlateError, facts_of, manifest, plate
from finishing.shapes import SHAPES
from finishing.specs import Stage
from painting.builtin import SCENES

BOTTLE = Silhouette(width=430, height=1230, foot_x=215, foot_width=400)
MUG = Silhouette(width=1100, height=1000, foot_x=400, foot_width=620)


def test_every_scene_of_the_manifest_can_be_read():
    for name, facts in manifest(SCENES).items():
        scene = plate(SCENES, name)
        assert scene.rgb.shape == (facts.height, facts.width, 3)
        assert len(scene.shadows) == 3
        assert (scene.labels is None) == (not facts.groups)
        assert len(scene.references) == len(facts.groups)


def test_every_pixel_of_a_tintable_set_belongs_to_a_group():
    for name, facts in manifest(SCENES).items():
        labels = plate(SCENES, name).labels
        if labels is not None:
            assert set(np.unique(labels)) == set(range(1, len(facts.groups) + 1)), name


def test_a_plate_stays_in_memory_and_a_mirrored_one_mirrors_all_of_it():
    scene = plate(SCENES, "pastel_steps")
    assert plate(SCENES, "pastel_steps") is scene
    mirror = scene.mirrored()
    assert np.shares_memory(mirror.rgb, scene.rgb)
    assert (mirror.rgb[:, 0] == scene.rgb[:, -1]).all()
    assert (mirror.labels[:, 0] == scene.labels[:, -1]).all()
    assert (mirror.shadows[0].factor[:, 0] == scene.shadows[0].factor[:, -1]).all()
    assert (mirror.light[:, 0] == scene.light[:, -1]).all()
    assert "right" in mirror.facts.light_from and "left" in scene.facts.light_from
    assert mirror.facts.keep[0] == scene.facts.width - scene.facts.keep[2]
    assert mirror.mirrored().facts == scene.facts


def test_an_unknown_scene_names_those_there_are_and_a_broken_folder_says_so(tmp_path: Path):
    with pytest.raises(PlateError, match=r"no scene called 'moon'.*cyclorama.*podium"):
        plate(SCENES, "moon")
    with pytest.raises(PlateError, match="cannot be read"):
        facts_of(tmp_path, "podium")
    data = json.loads((SCENES / "manifest.json").read_text())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text(json.dumps(data))
    with pytest.raises(PlateError, match="'podium' cannot be read"):
        plate(tmp_path / "broken", "podium")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["podium", "dark_rim", "marble_leaf", "wood_window"])
@pytest.mark.parametrize("x", [0.27, 0.5, 0.74])
def test_the_anchor_lies_under_the_foot_wherever_the_stage_puts_it(name, shape, x):
    facts = facts_of(SCENES, name)
    size = SHAPES[shape].size
    for body in (BOTTLE, MUG):
        window = choose(facts, size, Stage(x, 0.8, 0.4, 0.5), body, zoom=1.0, share=None, dx=0.0)
        stray = (window.left + window.foot[0] / window.scale - facts.anchor[0]) / facts.unit[0]
        assert abs(stray) <= (1.26 if facts.free_placement else 0.001)
        assert window.top + window.foot[1] / window.scale == pytest.approx(facts.anchor[1])
        assert window.units * body.height <= facts.max_height + 1e-6
        assert window.units * body.width <= facts.max_width + 1e-6
        # Ground that the plate does not have is invented in moderation only.
        reach = (size[0] / window.scale, size[1] / window.scale)
        beyond = (-window.left, -window.top, window.left + reach[0] - facts.width, window.top + reach[1] - facts.height)
        for missing, allowed in zip(beyond, facts.extend, strict=True):
            assert missing <= 1.25 * allowed


def test_a_podium_in_the_middle_is_not_grazed_by_the_edge():
    facts = facts_of(SCENES, "podium")
    for shape in ("4:5", "9:16", "2:3"):
        size = SHAPES[shape].size
        window = choose(facts, size, Stage(0.5, 0.8 if shape != "9:16" else 0.575, 0.7, 0.44), BOTTLE, zoom=1.0, share=None, dx=0.0)
        free = ((facts.keep[0] - window.left), (window.left + size[0] / window.scale - facts.keep[2]))
        assert min(free) > 0.02 * size[0] / window.scale, shape


def test_the_largest_size_keeps_every_product_inside_the_picture():
    for shape in SHAPES.values():
        for x in (0.2, 0.5, 0.8):
            for body in (BOTTLE, MUG):
                size = largest_size(shape.size, Stage(x, 0.9, 0.9, 0.9), body)
                assert body.height * size <= 0.9 * shape.height
                assert body.width * size <= shape.width * 2 * min(x, 1 - x) * 1.2


def test_a_crop_lands_pixel_for_pixel_and_a_plain_wall_goes_on_upwards():
    scene = plate(SCENES, "podium")
    facts = scene.facts
    window = choose(facts, (400, 400), Stage(0.5, 0.8, 0.5, 0.5), BOTTLE, zoom=1.0, share=None, dx=0.0)
    part = cut(scene.rgb, window, (400, 400), plain_top=True)
    assert part.shape == (400, 400, 3)
    y, x = 330, 200
    there = scene.rgb[int(window.top + (y + 0.5) / window.scale), int(window.left + (x + 0.5) / window.scale)]
    assert np.abs(part[y, x] - there).max() < 6
    if window.top < 0:
        seam = int(-window.top * window.scale)
        assert np.abs(part[max(seam - 3, 0)].mean(axis=0) - part[seam + 3].mean(axis=0)).max() < 3


def test_a_foot_is_measured_at_the_floor_and_not_at_the_handle():
    alpha = np.zeros((200, 150), np.uint8)
    alpha[:, :100] = 255
    alpha[40:140, 100:150] = 255
    body = Silhouette.of(alpha)
    assert body.foot_x == pytest.approx(50)
    assert body.foot_width == pytest.approx(100)
