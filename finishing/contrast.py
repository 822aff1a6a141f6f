"""Which ink can be read on a picture, and the fade of light or shade that helps when none can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing.colour import contrast, encoded, luminance, parse_hex

Rgb = tuple[int, int, int]
Pixels = NDArray[np.uint8]
Shares = NDArray[np.float32]
Frame = tuple[float, float, float, float]  # left, top, right, bottom in pixels

LARGE, SMALL = 3.0, 4.5  # WCAG 2.2, 1.4.3: contrast of large and of other text
WHITE, BLACK = (255, 255, 255), (22, 20, 24)
DEEPER = (0.85, 0.7, 0.55, 0.4)
STRENGTHS = (0.0, 0.12, 0.25, 0.4, 0.6, 0.8, 1.0)  # tried in turn: what is above what the mean asks for
LIGHT = 0.35  # luminance from which an ink counts as light
COARSE = 180  # pixels of the shorter side at which light is looked at: single letters of a pattern are not
# The darkest and brightest of what lies below a line decide; the mean would lie about a shadow's edge.
PERCENTILES = (4, 96)


@dataclass(frozen=True)
class Ink:
    """A colour for words and its WCAG contrast with what lies below."""

    colour: Rgb
    contrast: float


def extremes(pixels: Pixels, frame: Frame) -> tuple[float, float]:
    """The 4th and 96th percentile of WCAG luminance under a frame; the frame is clipped to the picture."""
    low, high = np.percentile(_luminances(pixels, frame), PERCENTILES)
    return float(low), float(high)


def middle(pixels: Pixels, frame: Frame) -> float:
    """The median of WCAG luminance under a frame."""
    return float(np.median(_luminances(pixels, frame)))


def _luminances(pixels: Pixels, frame: Frame) -> Shares:
    under = pixels[_clipped(frame, pixels.shape[:2])]
    step = max(1, int((under.shape[0] * under.shape[1] / 40_000) ** 0.5))
    return np.asarray(luminance(under[::step, ::step]), np.float32)


def least_contrast(colour: Rgb, under: tuple[float, float]) -> float:
    """WCAG contrast with the worse of the two extremes."""
    own = float(luminance(colour))
    return min(contrast(own, under[0]), contrast(own, under[1]))


def choose_ink(under: tuple[float, float], wishes: Sequence[str], need: float) -> Ink:
    """The first wished ink that can be read; the first may deepen or lighten a little before another takes its place. Else the best."""
    colours = [parse_hex(wish) for wish in wishes] or [WHITE, BLACK]
    first = colours[0]
    dark = not is_light(first)
    shades = [_deepened(first, factor) if dark else _lightened(first, factor) for factor in DEEPER]
    best: Ink | None = None
    for colour in [first, *shades, *colours[1:], WHITE, BLACK]:
        ink = Ink(colour, least_contrast(colour, under))
        if ink.contrast >= need:
            return ink
        if best is None or ink.contrast > best.contrast:
            best = ink
    assert best is not None
    return best


def is_light(colour: Rgb) -> bool:
    """Whether an ink counts as light."""
    return float(luminance(colour)) > LIGHT


def ink_on(fill: Rgb) -> Rgb:
    """White or near-black, whichever reads on a plain fill; white wherever it reads at all."""
    return WHITE if contrast(1.0, float(luminance(fill))) >= SMALL else BLACK


def fade_for(
    pixels: Pixels, frame: Frame, ink: Rgb, need: float, product: Frame | None = None, spare: Shares | None = None
) -> tuple[Pixels, float]:
    """The picture with a frame made readable in an ink, and the contrast that was reached.

    Light is taken from (or shade lifted off) only what is too bright (or dark) for the ink, from the nearest edge on, in the picture's own
    hues: it reads as light in the scene, not as a box behind words. `spare` (0 to 1, of the picture's size) says what stays untouched:
    the product.
    """
    mask = _reach(pixels.shape[:2], frame, product)
    clip = _clipped(frame, pixels.shape[:2])
    shares, tint = np.zeros(pixels.shape[:2], np.float32), np.zeros(3, np.float32)
    for strength in STRENGTHS:
        shares, tint = _change(pixels, frame, ink, need, strength)
        shares *= mask if spare is None else mask * (1 - spare)
        part = _mixed(pixels[clip], shares[clip], tint)
        reads = least_contrast(ink, extremes(part, (0, 0, part.shape[1] - 1, part.shape[0] - 1)))
        if reads >= need:
            break
    return _mixed(pixels, shares, tint), reads


def _mixed(pixels: Pixels, shares: Shares, tint: Shares) -> Pixels:
    """Each pixel its share of the way to the tint."""
    picture = pixels.astype(np.float32)
    return np.asarray(np.clip(picture + (tint - picture) * shares[..., None] + 0.5, 0, 255), np.uint8)


def _change(pixels: Pixels, frame: Frame, ink: Rgb, need: float, strength: float) -> tuple[Shares, Shares]:
    """How far each pixel has to go towards black (or a pale tint) for an ink to be read on it, smoothed over its surroundings."""
    height, width = pixels.shape[:2]
    scale = min(1.0, COARSE / min(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    values = np.asarray(encoded(luminance(small)), np.float32)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    own = float(luminance(ink))
    if is_light(ink):
        bound = float(encoded((own + 0.05) / need - 0.05)) * (1 - 0.6 * strength)
        nearby = cv2.GaussianBlur(cv2.dilate(values, around), (0, 0), 4)
        shares, tint = 1 - np.clip(bound / np.maximum(nearby, 1e-3), 0, 1), np.zeros(3, np.float32)
    else:
        tint = 255 - (255 - _mean(pixels, frame)) * 0.12
        top = float(encoded(luminance(tint)))
        bound = float(encoded(need * (own + 0.05) - 0.05))
        bound += (top - bound) * 0.8 * strength
        nearby = cv2.GaussianBlur(cv2.erode(values, around), (0, 0), 4)
        shares = np.clip((bound - nearby) / np.maximum(top - nearby, 1e-3), 0, 1)
    return np.asarray(cv2.resize(shares.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)), tint


def _mean(pixels: Pixels, frame: Frame) -> Shares:
    return np.asarray(pixels[_clipped(frame, pixels.shape[:2])].mean((0, 1)), np.float32)


def _clipped(frame: Frame, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A frame as slices of a picture: whole pixels, at least one."""
    left, top = min(max(0, int(frame[0])), shape[1] - 1), min(max(0, int(frame[1])), shape[0] - 1)
    right, bottom = min(shape[1], int(frame[2]) + 1), min(shape[0], int(frame[3]) + 1)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _reach(shape: tuple[int, ...], frame: Frame, product: Frame | None) -> Shares:
    """1 over the frame and from it to the nearest edge, falling softly to 0 beyond; where there is room, before the product."""
    height, width = shape[:2]
    side, reach, beyond = _nearest_edge(frame, width, height, product)
    along, across = (height, width) if side in ("top", "bottom") else (width, height)
    first, last = (frame[0], frame[2]) if side in ("top", "bottom") else (frame[1], frame[3])
    feather = min(max(0.3 * reach, 0.12 * along), max(beyond, 0.07 * along))
    ramp = _eased(1 - (np.arange(along, dtype=np.float32) - reach) / feather)
    ramp = ramp[::-1] if side in ("bottom", "right") else ramp
    places = np.arange(across, dtype=np.float32)
    sideways = _eased(1 - np.maximum(np.maximum(first - places, places - last), 0) / (0.4 * across))
    return np.outer(ramp, sideways) if side in ("top", "bottom") else np.outer(sideways, ramp)


def _eased(values: Shares) -> Shares:
    held = np.clip(values, 0, 1)
    return np.asarray(held * held * (3 - 2 * held), np.float32)


def _nearest_edge(frame: Frame, width: int, height: int, product: Frame | None) -> tuple[str, float, float]:
    """The edge that a fade begins at, how far the frame reaches from it (pixels), and the pixels from there to the product."""
    reaches = {"top": frame[3], "bottom": height - frame[1], "left": frame[2], "right": width - frame[0]}
    lengths = {"top": height, "bottom": height, "left": width, "right": width}
    distances = {side: reaches[side] / lengths[side] for side in reaches}
    if width / height > 1.4:  # across a wide picture a fade from the side looks natural, from above it would cover all
        distances["top"] += 0.5
        distances["bottom"] += 0.5
    beyond = {side: float(lengths[side]) for side in reaches}
    if product:
        begins = {"top": product[1], "bottom": height - product[3], "left": product[0], "right": width - product[2]}
        beyond = {side: begins[side] - reaches[side] for side in reaches}
        for side in reaches:
            distances[side] += 1.0 if beyond[side] < 0 else 0.0  # it would lie over the product
    side = min(distances, key=lambda name: distances[name])
    return side, float(reaches[side]), float(beyond[side])


def _deepened(colour: Rgb, factor: float) -> Rgb:
    return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))


def _lightened(colour: Rgb, factor: float) -> Rgb:
    red, green, blue = (int(255 - (255 - value) * factor) for value in colour)
    return red, green, blue
