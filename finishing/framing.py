"""Which part of a scene a picture shows, and how large the product stands in it. One plate serves every shape, each framed on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing.colour import Pixels
from finishing.plates import Bytes, PlateFacts
from finishing.specs import Stage

# Share of the picture's width or height that stays free around the product.
MARGIN = 0.025
# How far from its anchor a product may stand on a floor without podium, in scene units: farther, the light map would lie.
STRAY = 1.25
# Share of the stage's area that a product may fill: a squat jar as wide as the stage would shout, a slim bottle as tall never does.
FILL = 0.55


@dataclass(frozen=True)
class Silhouette:
    """A cut-out's size in its own pixels, and its foot: where its middle is and how wide it is."""

    width: int
    height: int
    foot_x: float
    foot_width: float

    @classmethod
    def of(cls, alpha: Bytes) -> Silhouette:
        """Measure a trimmed alpha channel (0 to 255). The foot is what its lowest rows hold, never a handle or a leaf above."""
        height, width = alpha.shape
        solid = alpha > 127
        rows = solid[int(height * 0.955) :].sum(axis=1)
        columns = np.flatnonzero(solid[int(height * 0.92) :].any(axis=0))
        middle = (columns[0] + columns[-1] + 1) / 2 if columns.size else width / 2
        return cls(width, height, float(middle), float(max(rows.max(initial=0), 0.25 * width)))


@dataclass(frozen=True)
class Window:
    """A crop of a plate. `scale` is picture pixels per plate pixel; `left`, `top` the crop's corner in plate pixels (may lie outside).

    `foot` is where the middle of the product's foot stands in the picture, `size` picture pixels per cut-out pixel,
    `units` scene units per cut-out pixel.
    """

    scale: float
    left: float
    top: float
    foot: tuple[float, float]
    size: float
    units: float


def largest_size(shape: tuple[int, int], stage: Stage, body: Silhouette) -> float:
    """Picture pixels per cut-out pixel for the largest product that the stage takes and that no edge of the picture cuts."""
    width, height = shape
    left, right = _reach(stage, body)
    room_left, room_right = (stage.x - MARGIN) * width, (1 - MARGIN - stage.x) * width
    limits: list[float] = [
        stage.height * height / body.height,
        stage.width * width / body.width,
        (stage.ground - MARGIN) * height / body.height,
        room_left / max(left, 1e-6),
        room_right / max(right, 1e-6),
        (FILL * stage.height * height * stage.width * width / (body.height * body.width)) ** 0.5,
    ]
    return float(max(min(limits), 1 / min(body.width, body.height)))


def choose(
    facts: PlateFacts, shape: tuple[int, int], stage: Stage, body: Silhouette, *, zoom: float, share: float | None, dx: float
) -> Window:
    """Frame a scene for a picture of `shape` pixels.

    `zoom` (near 1) moves the camera nearer or farther, `share` is the wished share of the scene's largest product, `dx` moves the
    product off the anchor in scene units where the floor allows. Of many windows the one with the lowest penalty is taken: see `_penalty`.
    """
    asked = largest_size(shape, stage, body)
    candidates = (_window(facts, shape, stage, body, asked, scale, stray) for scale, stray in _trials(facts, shape, stage, dx))
    return min(candidates, key=lambda window: _penalty(facts, shape, stage, body, window, asked, zoom, share or facts.body))


def cut(pixels: Bytes, window: Window, shape: tuple[int, int], *, plain_top: bool = False) -> Pixels:
    """The window's part of a plate (or of a single-channel map) as float values 0 to 255 in a picture of `shape` pixels.

    Beyond the plate the set goes on in its own mirror image; with `plain_top`, upwards, as an even wall.
    """
    width, height = shape
    reach_x, reach_y = width / window.scale, height / window.scale
    edge = 4
    x0, y0 = int(np.floor(window.left)) - edge, int(np.floor(window.top)) - edge
    x1, y1 = int(np.ceil(window.left + reach_x)) + edge, int(np.ceil(window.top + reach_y)) + edge
    full_height, full_width = pixels.shape[:2]
    part = np.ascontiguousarray(pixels[max(y0, 0) : min(y1, full_height), max(x0, 0) : min(x1, full_width)]).astype(np.float32)
    above = max(-y0, 0)
    if above and plain_top:
        part, above = np.concatenate([_wall(part, above), part]), 0
    sides = (above, max(y1 - full_height, 0), max(-x0, 0), max(x1 - full_width, 0))
    if any(sides):
        part = np.asarray(cv2.copyMakeBorder(part, *sides, borderType=cv2.BORDER_REFLECT_101))
    if window.scale < 0.85:
        # Shrinking by interpolation alone would let fine grain flicker.
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.42 / window.scale))
    # Pixel centres: plate pixel p lies at (p + 0.5 - left) * scale - 0.5 of the picture.
    shift_x, shift_y = ((corner + 0.5 - start) * window.scale - 0.5 for corner, start in ((x0, window.left), (y0, window.top)))
    matrix = np.array([[window.scale, 0, shift_x], [0, window.scale, shift_y]], np.float64)
    return np.asarray(cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _reach(stage: Stage, body: Silhouette) -> tuple[float, float]:
    """Cut-out pixels that lie left and right of the stage's x: in the middle the foot stands there, towards a side the whole body's middle."""
    lean = min(1.0, abs(stage.x - 0.5) / 0.08)
    middle = body.foot_x * (1 - lean * 0.9) + body.width / 2 * lean * 0.9
    return middle, body.width - middle


def _trials(facts: PlateFacts, shape: tuple[int, int], stage: Stage, dx: float) -> Iterator[tuple[float, float]]:
    """Scales and strays worth looking at."""
    width, height = shape
    smallest = 0.62 * max(width / facts.width, height / facts.height)
    for scale in np.geomspace(smallest, max(2.0, smallest * 2), 48):
        yield float(scale), dx if facts.free_placement else 0.0
        if facts.free_placement and not dx:
            reach = width / float(scale)
            low, high = stage.x * reach, facts.width - (1 - stage.x) * reach
            inside = min(max(facts.anchor[0], low), high) if low <= high else facts.anchor[0]
            stray = float(np.clip((inside - facts.anchor[0]) / facts.unit[0], -STRAY, STRAY))
            if stray:
                yield float(scale), stray


def _window(facts: PlateFacts, shape: tuple[int, int], stage: Stage, body: Silhouette, asked: float, scale: float, stray: float) -> Window:
    width, height = shape
    largest = min(facts.max_height / body.height, facts.max_width / body.width)
    size = min(asked, largest * facts.unit[0] * scale)
    left, _right = _reach(stage, body)
    foot = (stage.x * width + (body.foot_x - left) * size, stage.ground * height)
    return Window(
        scale=scale,
        left=facts.anchor[0] + stray * facts.unit[0] - foot[0] / scale,
        top=facts.anchor[1] - foot[1] / scale,
        foot=foot,
        size=size,
        units=size / (scale * facts.unit[0]),
    )


def _penalty(
    facts: PlateFacts,
    shape: tuple[int, int],
    stage: Stage,
    body: Silhouette,
    window: Window,
    asked: float,
    zoom: float,
    share: float | None,
) -> float:
    """How bad a window is: a product smaller than asked, ground that the plate does not have, a grazed podium, blown-up pixels."""
    reach_x, reach_y = shape[0] / window.scale, shape[1] / window.scale
    right, bottom = window.left + reach_x, window.top + reach_y
    beyond = (-window.left, -window.top, right - facts.width, bottom - facts.height)
    short = 1 - window.size / asked
    cost = 1.6 * short + 6.0 * short**2
    for missing, allowed in zip(beyond, facts.extend, strict=True):
        if missing > 0:
            cost += 0.4 * missing / max(allowed, 1) + (8 * (missing / max(allowed, 1) - 1) if missing > allowed else 0)
    cost += 2.0 * max(0.0, log(window.scale / 1.2))
    largest = min(facts.max_height / body.height, facts.max_width / body.width)
    cost += 0.45 * log(window.units / ((share or 0.84) * largest * zoom)) ** 2
    stray = abs(window.left + window.foot[0] / window.scale - facts.anchor[0]) / facts.unit[0]
    cost += 0.12 * stray
    if facts.keep:
        cost += _grazing(facts.keep, (window.left, window.top, right, bottom), abs(stage.x - 0.5) < 0.06)
    return cost


def _grazing(keep: tuple[float, float, float, float], frame: tuple[float, float, float, float], centred: bool) -> float:
    """The price of cutting, or nearly touching, what the scene wants kept. Cut clearly at one side reads as meant; a graze never does."""
    reach = frame[2] - frame[0]
    inside = [(keep[0] - frame[0]) / reach, (keep[1] - frame[1]) / reach, (frame[2] - keep[2]) / reach, (frame[3] - keep[3]) / reach]
    cut_price = [0.5, 0.3, 0.5, 0.0] if centred else [0.16, 0.3, 0.16, 0.0]
    cost = 0.0
    for gap, price in zip(inside, cut_price, strict=True):
        if gap < 0:
            cost += price
        if -0.03 < gap < 0.025:
            cost += 0.35 * (1 - abs(gap - -0.0025) / 0.0275)
    return cost


def _wall(part: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Rows that carry an even wall on upwards: the topmost rows' colour without their grain."""
    top = part[:24].mean(axis=0, keepdims=True)
    smooth = cv2.GaussianBlur(top, (0, 0), 24, borderType=cv2.BORDER_REFLECT)
    return np.repeat(np.asarray(smooth, np.float32).reshape(top.shape), rows, axis=0)
