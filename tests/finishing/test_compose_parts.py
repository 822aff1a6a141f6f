"""Parts of a composed picture: edge, frames, drawn shapes, fidelity."""

from __future__ import annotations

import numpy as np
import pytest

from finishing import grounds
from finishing.compose import ComposeError, trim
from finishing.drawing import Canvas, Shadow, circle, rectangle
from finishing.fidelity import measure
from finishing.frames import crop_on_detail, detail_box, frame_box, frame_mask, full_bleed
from finishing.light import Body, clean_edge
from finishing.specs import Stage


def _disc(size: int, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    return np.clip(radius - np.hypot(rows, columns) + 0.5, 0, 1).astype(np.float32)


def test_a_white_rim_of_the_old_background_is_painted_over_from_inside():
    alpha = _disc(200, 90)
    rgb = np.full((200, 200, 3), 0.2, np.float32)
    rgb[_disc(200, 88.5) < 0.9] = 0.95
    before = Body(rgb, alpha, 0, 0, 100)
    ring = (alpha > 0.9) & (_disc(200, 88.5) < 0.9)
    after = clean_edge(before).rgb
    assert after[ring].mean() < 0.65 * before.rgb[ring].mean()
    assert np.abs(after[_disc(200, 80) > 0.5] - 0.2).max() < 0.01


def test_a_cutout_is_trimmed_and_an_empty_one_refused():
    cut = np.zeros((60, 80, 4), np.uint8)
    cut[10:50, 20:70] = 255
    assert trim(cut).shape == (40, 50, 4)
    with pytest.raises(ComposeError, match="empty"):
        trim(np.zeros((60, 80, 4), np.uint8))
    with pytest.raises(ComposeError, match="alpha"):
        trim(cut[..., :3])


def _photo_with_a_subject() -> np.ndarray:
    photo = np.full((200, 400, 3), 230, np.uint8)
    photo[60:150, 290:370] = np.random.default_rng(2).integers(0, 120, (90, 80, 3))
    return photo


def test_a_crop_follows_the_subject_to_the_side_and_never_cuts_what_fits():
    photo = _photo_with_a_subject()
    box = detail_box(photo)
    assert (box.left, box.right) == pytest.approx((290 / 400, 370 / 400), abs=0.03)
    assert (box.top, box.bottom) == pytest.approx((60 / 200, 150 / 200), abs=0.05)
    for zoom in (1.0, 1.1, 9.0):
        part = crop_on_detail(photo, 1.0, zoom)
        assert part.shape[0] == part.shape[1]
        assert (part.astype(int).sum(axis=-1) < 3 * 200).sum() >= 0.98 * 90 * 80


def test_a_plain_photo_is_cropped_about_its_middle():
    assert detail_box(np.full((100, 300, 3), 128, np.uint8)) == (0, 0, 1, 1)


def test_a_full_bleed_subject_that_the_shape_would_cut_is_shown_whole():
    photo = np.full((500, 400, 3), 225, np.uint8)
    photo[50:450, 60:340] = (30, 90, 110)
    picture = full_bleed(photo, (600, 314), Stage(0.74, 0.89, 0.36, 0.76))
    assert picture.shape == (314, 600, 3)
    dark = picture[..., 0] < 0.45
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    assert rows[0] > 4 and rows[-1] < 309
    assert (rows[-1] - rows[0]) / (columns[-1] - columns[0]) == pytest.approx(400 / 280, rel=0.06)
    # The photograph's ground goes on without a seam.
    assert np.abs(np.diff(picture[150, :300], axis=0)).max() < 0.02
    assert picture[:, :300].min() > 0.8


@pytest.mark.parametrize("frame", ["arch", "card", "circle"])
def test_a_frame_stays_inside_and_its_edge_is_smooth(frame):
    for shape in ((1200, 1500), (1200, 628), (1080, 1920)):
        box = frame_box(frame, shape, Stage(0.74, 0.88, 0.9, 0.8), (1600, 900))
        assert box.left > 0.02 and box.right < 0.98 and box.top > 0.02 and box.bottom <= 0.885
    mask = frame_mask(frame, 120, 140 if frame != "circle" else 120)
    assert mask.min() < 0.1 and mask.max() == 1
    assert ((mask > 0.05) & (mask < 0.95)).any()


def test_a_circle_has_its_area_and_a_shadow_darkens_below_it():
    canvas = Canvas(200, 200, (255, 255, 255))
    canvas.fill(circle(100, 100, 60), (0, 0, 0))
    dark = float((1 - canvas.pixels[..., 0]).sum())
    assert dark == pytest.approx(np.pi * 60**2, rel=0.02)
    paper = Canvas(200, 200, (240, 200, 180))
    paper.fill(rectangle(50, 50, 150, 150), (240, 200, 180), shadow=Shadow(0, 0.02, 0.02, 0.4))
    assert paper.pixels[156, 100, 0] < 0.93 * paper.pixels[20, 20, 0]
    assert paper.pixels[100, 100, 0] == pytest.approx(240 / 255, abs=0.01)


def test_shapes_beyond_the_canvas_are_cut_and_nothing_breaks():
    canvas = Canvas(100, 60, (10, 20, 30))
    canvas.fill(circle(500, 500, 50), (255, 0, 0))
    assert (canvas.pixels == np.array([10, 20, 30], np.float32) / 255).all()
    canvas.fill(circle(100, 60, 30), (255, 0, 0))
    assert canvas.pixels[59, 99, 0] == pytest.approx(1, abs=0.02)


def test_there_is_a_shelf_of_grounds_and_each_seed_draws_its_own():
    assert len(grounds.GROUNDS) >= 8
    for name in grounds.GROUNDS:
        one, again, other = (grounds.paint(name, (160, 200), grounds.PALETTES[1], np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert (one == again).all(), name
        assert np.abs(one - other).mean() > 0.002, name


def test_a_ground_with_one_colour_finds_the_others_and_an_unknown_one_is_refused():
    for backdrop in ("#000000", "#ffffff", "#808080", "#e9432b"):
        picture = grounds.paint("big-circle", (160, 200), {"backdrop": backdrop}, np.random.default_rng(1))
        assert picture.std() > 0.02, backdrop
    with pytest.raises(grounds.GroundError, match="no drawn ground called 'moon'.*arches"):
        grounds.paint("moon", (100, 100), {}, np.random.default_rng(1))


def _product() -> np.ndarray:
    rng = np.random.default_rng(4)
    cut = np.zeros((300, 200, 4), np.uint8)
    cut[10:290, 20:180, :3] = (40, 110, 120)
    cut[10:290, 20:180, 3] = 255
    for _ in range(40):
        y, x = rng.integers(20, 270), rng.integers(30, 160)
        cut[y : y + 12, x : x + 14, :3] = rng.integers(60, 250, 3)
    return cut


def test_fidelity_is_perfect_for_the_product_itself_and_bears_other_light():
    cut = _product()
    picture = np.full((400, 400, 3), 200, np.uint8)
    picture[50:330, 100:260] = cut[10:290, 20:180, :3]
    box = (100, 50, 260, 330)
    same = measure(picture, cut, box)
    assert same["mask_overlap"] == 1 and same["delta_e"] < 0.5 and same["ssim"] > 0.99
    dim = picture.copy()
    dim[50:330, 100:260] = np.rint(dim[50:330, 100:260] * np.linspace(0.95, 0.75, 160)[None, :, None])
    lit = measure(dim, cut, box)
    assert lit["ssim"] > 0.95 and lit["delta_e"] < 8 and lit["mask_overlap"] > 0.97


def test_fidelity_falls_when_the_product_is_covered_recoloured_or_moved():
    cut = _product()
    picture = np.full((400, 400, 3), 200, np.uint8)
    picture[50:330, 100:260] = cut[10:290, 20:180, :3]
    box = (100, 50, 260, 330)
    covered = picture.copy()
    covered[50:190, 100:260] = (240, 40, 40)
    assert measure(covered, cut, box)["mask_overlap"] < 0.7
    assert measure(picture, cut, (130, 50, 290, 330))["ssim"] < 0.7
    recoloured = picture[..., [2, 0, 1]]
    assert measure(recoloured, cut, box)["delta_e"] > 8
    with pytest.raises(ValueError, match="does not lie on the picture"):
        measure(picture, cut, (300, 50, 460, 330))
    with pytest.raises(ValueError, match="empty"):
        measure(picture, np.zeros((50, 50, 4), np.uint8), box)
