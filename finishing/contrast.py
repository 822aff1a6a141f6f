"""Which ink can be read on a picture, and the fade of light or shade that helps when none can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finishing.colour import contrast, luminance, parse_hex

Rgb = tuple[int, int, int]
Pixels = NDArray[np.uint8]
Frame = tuple[float, float, float, float]  # left, top, right, bottom in pixels

LARGE, SMALL = 3.0, 4.5  # WCAG 2.2, 1.4.3: contrast of large and of other text
WHITE, BLACK = (255, 255, 255), (22, 20, 24)
DEEPER = (0.85, 0.7, 0.55, 0.4)
STRENGTHS = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
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


def _luminances(pixels: Pixels, frame: Frame) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    left, top = max(0, int(frame[0])), max(0, int(frame[1]))
    right, bottom = min(width, int(frame[2]) + 1), min(height, int(frame[3]) + 1)
    under = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
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
    dark = float(luminance(first)) < 0.35
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


def ink_on(fill: Rgb) -> Rgb:
    """White or near-black, whichever reads on a plain fill; white wherever it reads at all."""
    return WHITE if contrast(1.0, float(luminance(fill))) >= SMALL else BLACK


def faded(pixels: Pixels, frame: Frame, ink: Rgb, strength: float) -> Pixels:
    """The picture with a fade from the edge nearest to the frame, in the picture's own hue: reads as light, not as a box."""
    height, width = pixels.shape[:2]
    light_ink = float(luminance(ink)) > 0.35
    side, length, reach = _nearest_edge(frame, width, height)
    ramp = np.clip(1 - (np.arange(length, dtype=np.float32) - reach) / max(0.3 * reach, 0.1 * length), 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp) * strength
    if side in ("bottom", "right"):
        ramp = ramp[::-1]
    mask = ramp[:, None, None] if side in ("top", "bottom") else ramp[None, :, None]
    picture = pixels.astype(np.float32)
    hue = picture.mean((0, 1))
    tone = hue * 0.16 if light_ink else 255 - (255 - hue) * 0.12
    own = 0.35 if light_ink else 0.25
    toned = picture * own + tone * (1 - own)
    return np.asarray(np.clip(picture * (1 - mask) + toned * mask, 0, 255), np.uint8)


def _nearest_edge(frame: Frame, width: int, height: int) -> tuple[str, int, float]:
    """The edge that a fade begins at, the picture's length in that direction, and how far the frame reaches from it."""
    distances = {"top": frame[3] / height, "bottom": 1 - frame[1] / height, "left": frame[2] / width, "right": 1 - frame[0] / width}
    if width / height > 1.4:  # across a wide picture a fade from the side looks natural, from above it would cover all
        distances["top"] += 0.5
        distances["bottom"] += 0.5
    side = min(distances, key=lambda name: distances[name])
    reaches = {"top": frame[3], "bottom": height - frame[1], "left": frame[2], "right": width - frame[0]}
    return side, height if side in ("top", "bottom") else width, reaches[side]


def _deepened(colour: Rgb, factor: float) -> Rgb:
    return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))


def _lightened(colour: Rgb, factor: float) -> Rgb:
    red, green, blue = (int(255 - (255 - value) * factor) for value in colour)
    return red, green, blue
