"""Cut-outs against known alpha, against the references, on grounds where no edge can be trusted, and by hand."""

from __future__ import annotations

import importlib.machinery
import io
import sys
import types
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from finishing import learned
from finishing.cutout import CONFIDENT, CutOut, NothingFound, Stroke, cut_out, cut_out_marked
from finishing.specs import Box
from finishing.symmetry import mended
from tests.finishing import composed
from tests.finishing.composed import ASSETS, GROUNDS, PRODUCTS, cluttered_grounds, ground_picture, overlap, product_on_canvas

SHELF = Path(__file__).resolve().parents[2] / "templates_app" / "shelf" / "products"


def pixels_of(cut: CutOut) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(cut.data)).convert("RGBA"))


def on_canvas(cut: CutOut, width: int, height: int) -> NDArray[np.uint8]:
    """The cut-out's RGBA where its box says that it was."""
    canvas = np.zeros((height, width, 4), np.uint8)
    left, top = round(cut.box.left * width), round(cut.box.top * height)
    canvas[top : top + cut.height, left : left + cut.width] = pixels_of(cut)
    return canvas


@cache
def photographed(product: str, ground: str) -> bytes:
    colour, alpha = product_on_canvas(product)
    return composed.photograph(colour, alpha, ground_picture(GROUNDS[ground]), GROUNDS[ground])


@cache
def cut_from(product: str, ground: str) -> CutOut:
    return cut_out(photographed(product, ground))


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


# --- known alpha


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_product_is_cut_from_six_plain_grounds(product: str, ground: str) -> None:
    _, alpha = product_on_canvas(product)
    cut = cut_from(product, ground)
    canvas = on_canvas(cut, composed.WIDTH, composed.HEIGHT)
    assert overlap(canvas[..., 3] > 127, alpha > 0.5) >= 0.97
    assert cut.confidence >= CONFIDENT and cut.advice == "" and cut.method == "plain ground"
    # Nothing inside is eaten: labels, print, pale parts.
    inside = cv2.erode((alpha > 0.99).astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    assert (canvas[inside, 3] == 255).mean() > 0.999
    # Nothing far outside is left standing: shadow, ground, specks.
    outside = cv2.dilate((alpha > 0.01).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    assert (canvas[outside, 3] > 0).mean() < 0.001


@pytest.mark.parametrize("ground", ["white paper", "deep red cloth", "dark slate", "pale blue card"])
@pytest.mark.parametrize("product", ["jar", "mug"])
def test_the_edge_carries_none_of_the_grounds_colour(product: str, ground: str) -> None:
    """On a new ground, the cut-out looks as the true product would: no halo of the old one."""
    colour, alpha = product_on_canvas(product)
    canvas = on_canvas(cut_from(product, ground), composed.WIDTH, composed.HEIGHT).astype(np.float32)
    old = ground_picture(GROUNDS[ground])
    new = np.array((255, 0, 255) if old.mean() < 128 else (20, 60, 20), np.float32)
    share = canvas[..., 3:] / 255
    laid = canvas[..., :3] * share + new * (1 - share)
    true = colour * alpha[..., None] + new * (1 - alpha[..., None])
    edge = (cv2.dilate(alpha, np.ones((5, 5))) > 0.05) & (cv2.erode(alpha, np.ones((5, 5))) < 0.95)
    halo = colour * alpha[..., None] + old * (1 - alpha[..., None])
    without_care = np.abs(halo - true)[edge].mean()
    assert np.abs(laid - true)[edge].mean() < 0.35 * without_care


@pytest.mark.parametrize("ground", GROUNDS)
def test_the_ground_is_seen_through_a_mugs_handle(ground: str) -> None:
    _, alpha = product_on_canvas("mug")
    around = np.zeros((composed.HEIGHT + 2, composed.WIDTH + 2), np.uint8)
    outside = (alpha < 0.5).astype(np.uint8)
    cv2.floodFill(outside, around, (0, 0), (2,))
    hole = cv2.erode((outside == 1).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert hole.sum() > 1000
    canvas = on_canvas(cut_from("mug", ground), composed.WIDTH, composed.HEIGHT)
    assert (canvas[hole, 3] < 26).mean() > 0.98


def test_an_edge_is_soft_and_a_products_inside_is_its_own_to_the_bit() -> None:
    photo = np.asarray(Image.open(SHELF / "mug.jpg").convert("RGB"))
    cut = cut_out((SHELF / "mug.jpg").read_bytes())
    canvas = on_canvas(cut, photo.shape[1], photo.shape[0])
    solid = canvas[..., 3] == 255
    assert np.array_equal(canvas[solid][:, :3], photo[solid])
    between = ((canvas[..., 3] > 20) & (canvas[..., 3] < 235)).sum()
    outline = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).sum() / 2
    assert 0.2 * outline < between < 6 * outline


def test_the_same_photograph_gives_the_same_file() -> None:
    photo = photographed("serum", "white paper")
    assert cut_out(photo) == cut_from("serum", "white paper")


# --- the references


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_shelfs_photographs_are_cut_as_their_references(product: str) -> None:
    photo = np.asarray(Image.open(SHELF / f"{product}.jpg").convert("RGB"))
    reference = np.asarray(Image.open(ASSETS / "products" / f"{product}-cutout.webp").convert("RGBA"))
    solid = np.repeat((reference[..., 3:] > 250).astype(np.uint8), 3, axis=2)
    # Where the reference was cut from: looked for at quarter size, then at full size close by.
    small = [cv2.resize(part, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for part in (photo, reference[..., :3].copy(), solid)]
    near = cv2.minMaxLoc(cv2.matchTemplate(small[0], small[1], cv2.TM_SQDIFF, mask=small[2]))[2]
    x0, y0 = max(0, near[0] * 4 - 6), max(0, near[1] * 4 - 6)
    height, width = reference.shape[:2]
    part = photo[y0 : y0 + height + 12, x0 : x0 + width + 12]
    dx, dy = cv2.minMaxLoc(cv2.matchTemplate(part, reference[..., :3].copy(), cv2.TM_SQDIFF, mask=solid))[2]
    wanted = np.zeros(photo.shape[:2], np.bool_)
    wanted[y0 + dy : y0 + dy + height, x0 + dx : x0 + dx + width] = reference[..., 3] > 127
    cut = cut_out((SHELF / f"{product}.jpg").read_bytes())
    found = on_canvas(cut, photo.shape[1], photo.shape[0])[..., 3] > 127
    assert overlap(found, wanted) >= 0.95
    assert cut.confidence >= CONFIDENT


# --- honesty


@pytest.mark.parametrize(("product", "clutter"), list(zip(PRODUCTS, cluttered_grounds(), strict=True)))
def test_on_a_busy_ground_the_cut_out_says_that_it_is_a_guess(product: str, clutter: str) -> None:
    colour, alpha = product_on_canvas(product)
    photo = composed.photograph(colour, alpha, cluttered_grounds()[clutter], GROUNDS["white paper"])
    try:
        cut = cut_out(photo)
        confidence, advice = cut.confidence, cut.advice
    except NothingFound as nothing:
        confidence, advice = 0.0, str(nothing)
    assert confidence < CONFIDENT
    assert "plain ground" in advice and "draw a box" in advice


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_a_real_photograph_with_a_busy_background_is_a_guess(name: str) -> None:
    cut = cut_out((ASSETS / "photos" / f"{name}.jpg").read_bytes())
    assert cut.confidence < CONFIDENT and cut.advice


def test_a_product_that_is_cut_off_by_the_photos_edge_is_less_certain() -> None:
    colour, alpha = product_on_canvas("can")
    ground = GROUNDS["pale blue card"]
    photo = Image.open(io.BytesIO(composed.photograph(colour, alpha, ground_picture(ground), ground)))
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    cropped = photo.crop((0, 0, photo.width, int(rows[0] + 0.6 * (rows[-1] - rows[0]))))
    whole = cut_from("can", "pale blue card")
    cut = cut_out(encoded(cropped, "PNG"))
    assert cut.confidence < whole.confidence and "edge" in cut.advice


def test_an_empty_ground_holds_no_product() -> None:
    ground = GROUNDS["grey card under a lamp"]
    nothing = np.zeros((composed.HEIGHT, composed.WIDTH), np.float32)
    noise = np.random.default_rng(3).normal(0, 2.5, (composed.HEIGHT, composed.WIDTH, 3))
    empty = np.clip(ground_picture(ground) + noise + nothing[..., None], 0, 255).astype(np.uint8)
    with pytest.raises(NothingFound, match="No product stands out"):
        cut_out(encoded(Image.fromarray(empty), "PNG"))


# --- an alpha that came with the picture


def test_an_uploaders_own_alpha_is_kept_as_it_is() -> None:
    given = Image.open(ASSETS / "products" / "mug-cutout.webp").convert("RGBA")
    canvas = Image.new("RGBA", (given.width + 200, given.height + 140))
    canvas.paste(given, (120, 60))
    cut = cut_out(encoded(canvas))
    assert (cut.method, cut.confidence, cut.advice) == ("alpha", 1.0, "")
    whole = np.asarray(canvas)
    found = on_canvas(cut, canvas.width, canvas.height)
    seen = whole[..., 3] >= 8
    inside = np.zeros(seen.shape, np.bool_)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    assert np.array_equal(found[inside], whole[inside])
    assert (cut.width, cut.height) == (columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0])


def test_a_picture_that_is_transparent_all_over_is_refused() -> None:
    with pytest.raises(NothingFound, match="transparent all over"):
        cut_out(encoded(Image.new("RGBA", (300, 300), (200, 10, 10, 0))))


# --- marked by hand


def box_round(alpha: NDArray[np.float32], margin: float = 0.02) -> Box:
    rows, columns = np.flatnonzero((alpha > 0.5).any(axis=1)), np.flatnonzero((alpha > 0.5).any(axis=0))
    height, width = alpha.shape
    return Box(columns[0] / width - margin, rows[0] / height - margin, columns[-1] / width + margin, rows[-1] / height + margin)


@pytest.mark.parametrize(("product", "clutter"), [("can", "planks"), ("jar", "coarse noise")])
def test_a_box_drawn_round_the_product_cuts_it_from_a_busy_ground(product: str, clutter: str) -> None:
    colour, alpha = product_on_canvas(product)
    photo = composed.photograph(colour, alpha, cluttered_grounds()[clutter], GROUNDS["white paper"])
    cut = cut_out_marked(photo, box_round(alpha))
    assert overlap(on_canvas(cut, composed.WIDTH, composed.HEIGHT)[..., 3] > 127, alpha > 0.5) >= 0.95
    assert cut.method == "marked" and cut.confidence >= CONFIDENT
    assert cut_out_marked(photo, box_round(alpha)) == cut, "the same marks give the same file"


def test_strokes_bring_the_spoon_back_and_take_the_table_away() -> None:
    photo = (ASSETS / "photos" / "coffee.jpg").read_bytes()
    box = Box(0.2, 0.05, 0.9, 0.95)
    spoon = Stroke(((0.60, 0.66), (0.61, 0.72), (0.59, 0.78)))
    saucer = Stroke(((0.24, 0.62), (0.28, 0.62)))

    def alpha_at(cut: CutOut, x: float, y: float) -> int:
        return int(on_canvas(cut, 600, 400)[round(y * 400), round(x * 600), 3])

    plain, kept = cut_out_marked(photo, box), cut_out_marked(photo, box, keep=[spoon])
    dropped = cut_out_marked(photo, box, keep=[spoon], drop=[saucer])
    assert alpha_at(plain, 0.60, 0.70) == 0, "without a stroke the spoon is lost"
    assert alpha_at(kept, 0.60, 0.70) == 255
    assert alpha_at(dropped, 0.60, 0.70) == 255 and alpha_at(dropped, 0.26, 0.62) == 0
    assert alpha_at(kept, 0.40, 0.30) == 255, "the coffee is in every cut"


def test_nothing_outside_the_box_is_kept() -> None:
    photo = photographed("can", "white paper")
    cut = cut_out_marked(photo, Box(0.3, 0.3, 0.7, 0.6))
    assert cut.box.left >= 0.28 and cut.box.top >= 0.28 and cut.box.right <= 0.72 and cut.box.bottom <= 0.62


def test_a_box_that_holds_nothing_is_answered_with_a_sentence() -> None:
    with pytest.raises(NothingFound, match="Draw the box a little larger"):
        cut_out_marked(photographed("can", "white paper"), Box(0.1, 0.1, 0.1, 0.1))


# --- the optional learned model


class Told:
    name, shape = "input", [1, 3, 32, "width"]


class Session:
    """A stand-in for onnxruntime's: it sees a product in the middle, half as wide and half as high as the picture."""

    def __init__(self, path: str, providers: list[str]) -> None:
        if b"broken" in Path(path).read_bytes():
            raise RuntimeError("not a model")

    def get_inputs(self) -> list[Told]:
        return [Told()]

    def run(self, _: None, given: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        batch = given["input"]
        assert batch.shape[:3] == (1, 3, 32) and batch.dtype == np.float32 and np.abs(batch).max() < 3
        seen = np.full((1, 1, *batch.shape[2:]), -2.0, np.float32)
        seen[..., 8:24, batch.shape[3] // 4 : 3 * batch.shape[3] // 4] = 5.0
        return [seen, np.zeros_like(seen)]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("onnxruntime")
    module.__spec__ = importlib.machinery.ModuleSpec("onnxruntime", None)
    module.InferenceSession = Session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    learned._session.cache_clear()


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    return str(path)


def test_a_learned_model_is_used_where_it_and_its_runtime_are_there(runtime: None, model: str) -> None:
    cut = cut_out(photographed("can", "white paper"), model_path=model)
    assert cut.method == "learned" and cut.confidence >= CONFIDENT
    assert cut.box == pytest.approx((0.25, 0.25, 0.75, 0.75), abs=0.03)


def test_a_model_that_cannot_be_run_falls_back_to_the_plain_ground(runtime: None, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"broken")
    assert cut_out(photographed("can", "white paper"), model_path=str(path)) == cut_from("can", "white paper")


def test_without_the_runtime_or_the_file_the_plain_ground_is_used_and_a_sentence_says_why(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned.importlib.util, "find_spec", lambda name: None)
    assert "onnxruntime is not installed" in learned.unavailable(model)
    assert "which is not there" in learned.unavailable(model + ".gone")
    for path in (model, model + ".gone"):
        assert cut_out(photographed("can", "white paper"), model_path=path) == cut_from("can", "white paper")


def test_nothing_is_said_against_a_model_that_can_be_used(runtime: None, model: str) -> None:
    assert learned.unavailable(model) == ""


def test_a_bite_in_one_side_of_a_symmetric_body_is_filled_and_a_lone_patch_at_its_foot_goes() -> None:
    body = np.zeros((300, 200), np.bool_)
    body[40:260, 50:150] = True
    hurt = body.copy()
    hurt[120:140, 142:150] = False
    hurt[256:264, 130:158] = True
    alike = np.full((300, 200, 3), 200, np.float32)
    alike[body] = 210  # hardly to be told from its ground
    found = mended(alike, hurt)
    assert found[120:140, 142:149].all()
    assert not found[261:].any() and not found[256:260, 152:].any()


def test_a_body_that_is_not_symmetric_is_left_as_it_is() -> None:
    mug = np.zeros((300, 240), np.bool_)
    mug[40:260, 50:150] = True
    mug[90:200, 150:200] = True
    assert (mended(np.full((300, 240, 3), 200, np.float32), mug) == mug).all()
