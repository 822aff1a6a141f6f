"""The built-in engine, from order to picture."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from finishing import grounds
from finishing.colour import luminance, parse_hex, to_lab
from finishing.compose import trim
from finishing.fidelity import measure
from finishing.plates import manifest
from finishing.shapes import SHAPES
from painting.builtin import SCENES, Builtin
from painting.engine import EngineError, ProductShot
from tests.painting.orders import STAGES, cutout, in_pixels, order, pixels, shot

PLATES = sorted(manifest(SCENES))
PODIUM = {"scenes": ["podium"], "palettes": [{"backdrop": "#e8b6a4", "podium": "#f1d3c4", "accent": "#d9927c"}]}


def test_the_same_order_gives_the_same_bytes_and_another_seed_others(paint):
    product = shot("serum")
    first, again, other = (paint("4:5", PODIUM, product, seed=seed).image for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_threads_and_processes_do_not_change_the_picture(paint):
    program = (
        "import sys, hashlib, cv2; cv2.setNumThreads(1)\n"
        "from painting.builtin import Builtin\n"
        "from tests.painting.orders import order, shot\n"
        "image = Builtin(scale=0.2).paint(order('1:1', {'scenes': ['marble_leaf']}, shot('can')), lambda progress: None).image\n"
        "print(hashlib.sha256(image).hexdigest())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=True
    )
    assert cv2.getNumThreads() >= 1
    assert done.stdout.strip() == hashlib.sha256(paint("1:1", {"scenes": ["marble_leaf"]}, shot("can")).image).hexdigest()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_comes_in_its_own_pixels(shape):
    painted = Builtin().paint(order(shape, {"scenes": ["ground:waves"]}), lambda progress: None)
    assert pixels(painted).shape == (SHAPES[shape].height, SHAPES[shape].width, 3)


@pytest.mark.parametrize("scene", PLATES)
def test_products_stand_whole_on_the_ground_line_in_every_shape(paint, scene):
    for number, (shape, stage) in enumerate(STAGES.items()):
        for name in (("serum", "mug"), ("jar", "can"))[number % 2]:
            painted = paint(shape, {"scenes": [scene]}, shot(name), seed=number)
            box, ground = painted.geometry.product, painted.geometry.ground
            assert ground == pytest.approx(stage.ground, abs=0.01), (shape, name)
            assert 0 <= box.bottom - ground < 0.035, (shape, name)
            assert box.left > 0.01 and box.top > 0.01 and box.right < 0.99 and box.bottom < 0.99, (shape, name)
            assert box.bottom - box.top <= stage.height + 0.02, (shape, name)
            assert box.bottom - box.top > 0.45 * stage.height, (shape, name)
            assert abs((box.left + box.right) / 2 - stage.x) < 0.075, (shape, name)
            assert 0.5 < painted.facts["product_units"] < 2.1, (shape, name)


def test_a_product_darkens_the_floor_beside_its_foot_away_from_the_light():
    painted = Builtin(scale=0.5).paint(order("4:5", {"scenes": ["sand_sun"], "mirror": False}, shot("can")), lambda progress: None)
    picture, box = pixels(painted), painted.geometry.product
    height, width = picture.shape[:2]
    row, light = int(painted.geometry.ground * height), luminance(picture)
    left, right, wide = int(box.left * width), int(box.right * width), int((box.right - box.left) * width)
    lit = float(np.median(light[row - 25 : row, left - wide // 2 : left - 8]))
    shaded = float(np.median(light[row - 25 : row, right + 8 : right + wide // 2]))
    under = float(
        np.median(light[int(box.bottom * height) + 1 : int(box.bottom * height) + 4, (left + right) // 2 - 20 : (left + right) // 2 + 20])
    )
    assert shaded < 0.8 * lit
    assert under < 0.8 * lit


def _bands(picture, box, alpha):
    """Median light of a product's outermost 2 pixels, of the next 2, and of the set 3 to 5 and 8 to 12 pixels outside."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (round(edge) for edge in in_pixels(box, width, height))
    alpha = cv2.resize(alpha, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    light = luminance(picture[top:bottom, left:right])
    inside = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform((alpha <= 127).astype(np.uint8), cv2.DIST_L2, 3)
    places = ((inside > 0) & (inside <= 2), (inside > 2) & (inside <= 4), (outside > 2) & (outside <= 5), (outside > 7) & (outside <= 12))
    return [float(np.median(light[place])) for place in places]


NIGHT = {"scenes": ["cyclorama"], "palettes": [{"backdrop": "#14121c"}]}


@pytest.mark.parametrize("name", ["serum", "can", "mug", "jar"])
def test_no_halo_shines_around_a_product_on_black(name):
    painted = Builtin(scale=0.7).paint(order("4:5", NIGHT, shot(name)), lambda progress: None)
    edge, body, near, far = _bands(pixels(painted), painted.geometry.product, trim(cutout(name))[..., 3])
    assert edge <= 1.1 * body
    assert near <= far + 0.01
    assert far < 0.03


def test_a_cutout_that_brings_its_white_background_along_the_edge_gets_no_halo():
    dirty = cutout("mug").copy()
    deep = cv2.distanceTransform((dirty[..., 3] > 127).astype(np.uint8), cv2.DIST_L2, 3)
    dirty[..., :3][deep <= 2] = 255
    file = cv2.imencode(".png", cv2.cvtColor(dirty, cv2.COLOR_RGBA2BGRA))[1].tobytes()
    painted = Builtin(scale=0.7).paint(order("4:5", NIGHT, ProductShot(shot("mug").photo, file)), lambda progress: None)
    edge, body, _near, _far = _bands(pixels(painted), painted.geometry.product, trim(dirty)[..., 3])
    assert edge <= 1.15 * body


@pytest.mark.parametrize(("scene", "least"), [("podium", 0.93), ("marble_leaf", 0.93), ("dark_rim", 0.90)])
def test_the_product_in_the_picture_is_the_product_of_the_photo(scene, least):
    painted = Builtin().paint(order("4:5", {"scenes": [scene]}, shot("serum")), lambda progress: None)
    picture = pixels(painted)
    box = in_pixels(painted.geometry.product, picture.shape[1], picture.shape[0])
    true, wrong = measure(picture, cutout("serum"), box), measure(picture, cutout("can"), box)
    assert true["ssim"] > least and true["mask_overlap"] > 0.95 and true["delta_e"] < 6
    assert wrong["ssim"] < 0.7 and wrong["mask_overlap"] < 0.7 and wrong["delta_e"] > 15


def test_shapes_of_one_variation_share_scene_palette_and_mirror(paint):
    needs = {"scenes": ["podium", "cyclorama", "pastel_steps"]}
    facts = [paint(shape, needs, shot("can"), seed=3, variation=2).facts for shape in ("1:1", "9:16", "1.91:1")]
    assert len({(str(fact["scene"]), str(fact["palette"]), fact["mirror"]) for fact in facts}) == 1


def test_variations_walk_through_scenes_palettes_and_mirrors(paint):
    needs = {"scenes": ["podium", "cyclorama"]}
    facts = [paint("1.91:1", needs, shot("can"), variation=number).facts for number in (1, 2, 3, 4)]
    assert [fact["scene"] for fact in facts[:2]] == [fact["scene"] for fact in facts[2:]]
    assert facts[0]["scene"] != facts[1]["scene"]
    assert {fact["mirror"] for fact in facts} == {True, False}
    assert len({str(fact["palette"]) for fact in facts}) == 4
    assert {paint("1.91:1", needs, variation=number, seed=8 + number, palette={}).facts["mirror"] for number in (1, 2, 3, 4)} == {
        True,
        False,
    }
    still = [paint("1.91:1", {**needs, "mirror": False}, variation=number).facts["mirror"] for number in (1, 2, 3, 4)]
    assert still == [False] * 4


def test_a_mirrored_set_never_mirrors_the_product():
    pictures = {}
    for variation in (1, 2):
        painted = Builtin(scale=0.4).paint(
            order("4:5", {"scenes": ["marble_leaf"]}, shot("can"), variation=variation), lambda progress: None
        )
        picture = pixels(painted)
        pictures[painted.facts["mirror"]] = measure(
            picture, cutout("can"), in_pixels(painted.geometry.product, picture.shape[1], picture.shape[0])
        )
    assert set(pictures) == {True, False}
    assert min(found["ssim"] for found in pictures.values()) > 0.9


def test_the_brands_colour_tints_the_set(paint):
    needs = {"scenes": ["cyclorama"], "tint": "brand"}
    hues = []
    for variation in (1, 2, 3):
        painted = paint("1:1", needs, variation=variation, palette={"primary": "#1769aa"})
        assert painted.facts["tint"] == "brand"
        lab = to_lab(pixels(painted)[:40, :40].reshape(-1, 3).mean(axis=0) / 255)
        hues.append(np.degrees(np.arctan2(lab[2], lab[1])))
    wished = to_lab(np.array(parse_hex("#1769aa")) / 255)
    assert np.abs(np.array(hues) - np.degrees(np.arctan2(wished[2], wished[1]))).max() < 14
    assert paint("1:1", needs).facts["tint"] == "palette"


def test_a_tint_from_the_product_is_light_and_quiet(paint):
    for variation in (1, 2, 3):
        painted = paint("1:1", {"scenes": ["cyclorama"], "tint": "product"}, shot("mug"), variation=variation)
        light, a, b = to_lab(np.array(parse_hex(painted.facts["palette"]["backdrop"])) / 255)
        assert light > 78 and np.hypot(a, b) < 28


@pytest.mark.parametrize("frame", ["arch", "card", "circle"])
def test_a_photo_without_cutout_stands_in_a_frame_inside_every_shape(paint, frame):
    for shape, stage in STAGES.items():
        painted = paint(shape, {"scenes": ["podium"], "frame": frame}, shot("mug", cut=False))
        box = painted.geometry.product
        assert painted.facts["frame"] == frame and painted.facts["scene"] == "cyclorama"
        assert box.left > 0.02 and box.right < 0.98 and box.top > 0.02
        assert box.bottom == pytest.approx(stage.ground, abs=0.01)
        assert (box.left + box.right) / 2 == pytest.approx(stage.x, abs=0.01)


def test_a_full_bleed_photo_fills_the_picture(paint):
    painted = paint("9:16", {"scenes": ["podium"], "frame": "full"}, shot("mug", cut=False))
    assert painted.geometry.product is None
    assert painted.facts["frame"] == "full"
    # The mug's own teal is there, large.
    lab = to_lab(pixels(painted).astype(np.float32) / 255)
    assert (lab[..., 1] < -12).mean() > 0.08


def test_words_get_a_calm_upper_left_on_every_drawn_ground(paint):
    for name in grounds.GROUNDS:
        for shape in ("4:5", "1:1", "9:16", "1.91:1"):
            picture = pixels(paint(shape, {"scenes": [f"ground:{name}"]}))
            height, width = picture.shape[:2]
            zone = luminance(picture[: int(height * 0.42), : int(width * 0.55)])
            whole = luminance(picture)
            assert np.percentile(zone, 95) - np.percentile(zone, 5) < 0.16, (name, shape)
            assert np.percentile(whole, 99) - np.percentile(whole, 1) > 0.05, (name, shape)


def test_a_photo_on_a_drawn_ground_hangs_in_its_frame(paint):
    painted = paint("4:5", {"scenes": ["ground:big-circle"], "frame": "circle"}, shot("can"))
    assert painted.facts["scene"] == "ground:big-circle" and painted.facts["frame"] == "circle"
    assert painted.geometry.product is not None


def test_progress_rises_to_one():
    seen: list[float] = []
    Builtin(scale=0.2).paint(order("1:1", PODIUM, shot("jar")), lambda progress: seen.append(progress.fraction))
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) >= 5


@pytest.mark.parametrize(
    ("needs", "code", "words"),
    [
        ({"scenes": ["moon"]}, "scene_unknown", "no scene called 'moon'"),
        ({"scenes": ["ground:moon"]}, "scene_unknown", "no drawn ground called 'moon'"),
        ({"scenes": []}, "needs_invalid", "'scenes'"),
        ({"scenes": ["podium"], "frame": "star"}, "needs_invalid", "'frame' must be one of arch"),
        ({"scenes": ["podium"], "palettes": [{"backdrop": "reddish"}]}, "needs_invalid", "'backdrop' is no colour"),
        ({"scenes": ["podium"], "body": 7}, "needs_invalid", "'body' must be a number"),
        ({"scenes": ["podium"], "colour": "red"}, "needs_invalid", "no field 'colour'"),
        ({"scenes": ["podium"], "frame_scene": "moon"}, "scene_unknown", "no scene called 'moon'"),
    ],
)
def test_a_wrong_template_is_refused_with_a_sentence(paint, needs, code, words):
    with pytest.raises(EngineError, match=words) as error:
        paint("1:1", needs, shot("can", cut=False))
    assert error.value.code == code and error.value.permanent


def test_a_photo_that_is_none_and_an_empty_cutout_are_refused(paint):
    good = shot("can")
    with pytest.raises(EngineError, match="cannot be read"):
        paint("1:1", PODIUM, ProductShot(b"not a picture", None))
    blank = np.zeros((64, 64, 4), np.uint8)
    with pytest.raises(EngineError, match="empty") as error:
        paint("1:1", PODIUM, ProductShot(good.photo, cv2.imencode(".png", blank)[1].tobytes()))
    assert error.value.code == "cutout_unusable" and error.value.permanent


def test_nothing_is_left_to_resume_or_cancel():
    engine = Builtin()
    plain = order("1:1", PODIUM)
    assert engine.resume(plain) is None
    engine.cancel(plain.job_id)
