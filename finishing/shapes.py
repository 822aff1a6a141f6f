"""The shapes that engines paint, and which of them a placement takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import log


@dataclass(frozen=True)
class Shape:
    """What an engine paints. `id` is the text that people and clients use; `width` x `height` are the raw picture's pixels."""

    id: str
    ratio: float
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the raw picture in pixels."""
        return self.width, self.height


# Pixels: at least what the placements of that shape ask for, so that a finished file is never blown up.
SHAPES: dict[str, Shape] = {
    shape.id: shape
    for shape in (
        Shape("1:1", 1.0, 1200, 1200),
        Shape("4:5", 4 / 5, 1200, 1500),
        Shape("2:3", 2 / 3, 1000, 1500),
        Shape("9:16", 9 / 16, 1080, 1920),
        Shape("4:3", 4 / 3, 1440, 1080),
        Shape("16:9", 16 / 9, 1920, 1080),
        Shape("1.91:1", 1.91, 1200, 628),
    )
}

WIDEST, NARROWEST = 2.2, 1 / 2.2


def is_banner(width: int, height: int) -> bool:
    """Whether a placement of these pixels is laid out as a banner: wider than 2.2:1 or narrower than 1:2.2."""
    return not NARROWEST <= width / height <= WIDEST


def shape_for(width: int, height: int) -> Shape:
    """The shape whose picture a placement of these pixels takes: the nearest by log ratio; banners take 1.91:1 or 9:16."""
    ratio = width / height
    if ratio > WIDEST:
        return SHAPES["1.91:1"]
    if ratio < NARROWEST:
        return SHAPES["9:16"]
    return min(SHAPES.values(), key=lambda shape: abs(log(ratio / shape.ratio)))
