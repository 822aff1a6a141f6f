"""The white balance of a seller's photograph: what colour its light had, read from the paper that the product stands on.

Bright paper that is not white was most probably lit warm or cool; a coloured wall is not that bright. Only the first is taken out, and only
when a scene is lit: the cut-out itself keeps its pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from finishing.colour import WEIGHTS, Pixels, linear, to_lab
from finishing.ground import read_ground
from finishing.plates import Bytes

SIDE = 240  # pixels of the longest side that are looked at: the ground is smooth
PAPER = (78.0, 86.0)  # L*: from no belief that it is white paper to full
NEUTRAL, STRONG = (3.0, 7.0), 38.0  # chroma: below the first there is no cast; over the second it is a colour, not a light
CALM, AGREED = 16.0, 0.7  # the border's unrest at most, and the share of it that agrees at least
SHARE = 0.9  # of the cast that is taken out
GAIN = (0.65, 1.5)


def cast_of(photo: Bytes) -> Pixels:
    """Gains a channel, in linear light, that take the colour out of a photograph's light (RGB, 0 to 255); ones where nothing is sure."""
    scale = min(1.0, SIDE / max(photo.shape[:2]))
    size = max(16, round(photo.shape[1] * scale)), max(16, round(photo.shape[0] * scale))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    ground = read_ground(small)
    plain = np.ones(3, np.float32)
    if ground.unrest > CALM or ground.agreeing < AGREED:
        return plain
    paper = np.clip(np.median(ground.surface.reshape(-1, 3), axis=0) / 255, 0, 1).astype(np.float32)
    light, a, b = (float(part) for part in to_lab(paper))
    chroma = float(np.hypot(a, b))
    if chroma > STRONG:
        return plain
    belief = float(
        np.clip((light - PAPER[0]) / (PAPER[1] - PAPER[0]), 0, 1) * np.clip((chroma - NEUTRAL[0]) / (NEUTRAL[1] - NEUTRAL[0]), 0, 1)
    )
    seen = linear(paper)
    gains = np.power(float(seen @ WEIGHTS) / np.maximum(seen, 1e-3), SHARE * belief)
    return np.clip(gains, *GAIN).astype(np.float32)
