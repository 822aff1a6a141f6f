"""Cutting a product from a plain ground: ground, seed, outline, and how far the result can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing import masks, outline
from finishing.ground import Ground, difference, read_ground
from finishing.masks import Floats, Mask
from finishing.seed import Edges, Seed, find_edges, find_seed, grain_of
from finishing.symmetry import mended

WORK_SIDE = 800
LEAST_SCRAP, MOST_SCRAP = 0.0004, 0.012  # of the product's area: smaller ones are the outline's own, larger ones a part of the product
SCRAPS_AT_MOST = 8  # a busy ground has many; its cut-out is not trusted anyway
SHORTER = 0.5  # of a scrap's side: by so much the outline must get shorter when it goes
LIKE_GROUND = 14.0  # grey levels from the ground: nothing of a product


@dataclass(frozen=True)
class Found:
    """A mask at work size and what speaks for it (0 to 1). `doubt` is the reason that weighs most: "", "busy", "cut", "torn", "large"."""

    mask: Mask
    confidence: float
    doubt: str


def find(picture: NDArray[np.uint8]) -> Found | None:
    """Find the product in an RGB photograph. None when nothing stands out from the ground."""
    height, width = picture.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    work = masks.resized(picture, round(width * scale), round(height * scale), cv2.INTER_AREA)
    grain = grain_of(work)
    ground = read_ground(work)
    quiet = masks.blurred(work, float(np.clip(0.6 + 0.3 * grain, 0.8, 1.6)))
    differs = difference(quiet, ground.surface)
    edges = find_edges(work - ground.surface, grain)
    seed = find_seed(differs, edges)
    if seed is None:
        return None
    mask = outline.draw(masks.blurred(work, 0.7), ground.surface, seed, differs, edges)
    if not mask.any():
        return None
    mask = _without_scraps(mended(work, mask), differs.all)
    confidence, doubt = _judged(mask, ground, edges, seed)
    return Found(mask, confidence, doubt)


def _without_scraps(mask: Mask, differs: Floats) -> Mask:
    """The mask without bits of ground that hang on its outline, such as the bright wedge between a handle and its shadow.

    What looks like ground inside the mask and reaches its outline goes where the outline gets shorter by it: a pale rim or label that is
    nearly as bright as the ground would leave a notch, and stays.
    """
    area, clean = float(mask.sum()), mask
    like = mask & (cv2.blur(differs, (5, 5)) < LIKE_GROUND)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(like.astype(np.uint8), connectivity=4)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    likely = np.flatnonzero((sizes > LEAST_SCRAP * area) & (sizes < MOST_SCRAP * area))
    outside, before = masks.grown(~mask, 3), _outline(mask)
    for label in likely[np.argsort(sizes[likely])[::-1]][:SCRAPS_AT_MOST] + 1:
        scrap = labels == label
        if not (scrap & outside).any():
            continue
        without = cv2.morphologyEx((clean & ~masks.grown(scrap, 5)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        if (after := _outline(without)) < before - SHORTER * float(scrap.sum()) ** 0.5:
            clean, before = without, after
    return clean


def _outline(mask: Mask) -> float:
    """The length of all outlines in pixels."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return float(sum(cv2.arcLength(contour, True) for contour in contours))


def _judged(mask: Mask, ground: Ground, edges: Edges, seed: Seed) -> tuple[float, str]:
    """How far to trust a mask: the product of what speaks against it, and the worst of it."""
    reasons = {
        "busy": min(
            _falling(ground.unrest, 14.0, 40.0),
            _falling(1 - ground.agreeing, 0.25, 0.6),
            _falling(_left_over(mask, edges, seed), 0.03, 0.12),
        ),
        "cut": (1.0, 0.6, 0.25, 0.0, 0.0)[_sides_touched(mask)],
        "torn": _falling(_raggedness(mask), 8.0, 13.0),
        "large": _falling(float(mask.mean()), 0.65, 0.85),
    }
    worst = min(reasons, key=lambda reason: reasons[reason])
    confidence = float(np.prod(list(reasons.values())))
    return round(confidence, 3), worst if reasons[worst] < 0.75 else ""


def _falling(value: float, good: float, bad: float) -> float:
    """1 up to `good`, 0 from `bad` on, straight between."""
    return float(np.clip((bad - value) / (bad - good), 0, 1))


def _left_over(mask: Mask, edges: Edges, seed: Seed) -> float:
    """The share of sharp edges that lie outside the mask. On a plain ground there are none; an eaten label leaves some."""
    outside = edges.sharp & ~masks.grown(mask, 17)
    outside[:3] = outside[-3:] = outside[:, :3] = outside[:, -3:] = False
    left = int(outside.sum())
    return left / max(1, left + int((edges.sharp & mask).sum()))


def _sides_touched(mask: Mask) -> int:
    return sum(int(side.any()) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def _raggedness(mask: Mask) -> float:
    """Outline by square root of area: 3.5 for a disc, 4 for a square, more for a torn mask."""
    return float(_outline(mask) / np.sqrt(max(1, int(mask.sum()))))
