"""A page in the making: a picture, what is laid over it, and what was learnt on the way. Words are drawn last, when every fade is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from finishing import contrast, draw
from finishing.colour import luminance, parse_hex, to_hex
from finishing.contrast import LARGE, SMALL, Frame, Rgb
from finishing.fit import Fitted
from finishing.specs import Check, SafeZone

LARGE_SHARE, LARGE_PIXELS = 0.024, 18.66  # from here on text is large; 18.66 px is WCAG's 14 pt bold


@dataclass(frozen=True)
class Block:
    """Something that was laid over the picture: its role, where it is (pixels), how large its letters are and how well they read."""

    role: str
    frame: Frame
    size: int = 0
    contrast: float = 0.0
    need: float = 0.0


@dataclass
class Page:
    """A frame of a placement. `safe` is what the network leaves uncovered, margins included; `unit` is the root of the area."""

    pixels: NDArray[np.uint8]
    product: Frame | None
    safe: Frame
    zone: Frame
    wishes: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)
    notes: list[Check] = field(default_factory=list)
    strokes: list[Callable[[Image.Image], None]] = field(default_factory=list)
    ink: Rgb | None = None
    may_fade: bool = True

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], product: Frame | None, zone: SafeZone, margin: float, wishes: Sequence[str]) -> Page:
        """A page whose safe frame keeps both the network's zone (fractions) and our own margin (a share of the shorter side)."""
        height, width = pixels.shape[:2]
        own = margin * min(width, height)
        covered = (zone.left * width, zone.top * height, width * (1 - zone.right), height * (1 - zone.bottom))
        safe = (
            max(own, covered[0] + (0.25 * own if zone.left else 0)),
            max(own, covered[1] + (0.25 * own if zone.top else 0)),
            min(width - own, covered[2] - (0.25 * own if zone.right else 0)),
            min(height - own, covered[3] - (0.25 * own if zone.bottom else 0)),
        )
        return cls(pixels, product, safe, covered, tuple(wishes))

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])

    @property
    def unit(self) -> float:
        """The square root of the frame's area in pixels: what sizes are shares of."""
        return float((self.width * self.height) ** 0.5)

    def warn(self, rule: str, detail: str) -> None:
        """Note something that the marketer should look at."""
        self.notes.append(Check(rule, "warn", detail))

    def free(self, frame: Frame, *, gap: float = 0.0, product: bool = True) -> bool:
        """Whether nothing is in this frame yet: no block, and not the product."""
        others = [block.frame for block in self.blocks]
        if product and self.product:
            others.append(self.product)
        return not any(overlap(frame, other, gap) for other in others)

    def inside(self, frame: Frame) -> bool:
        """Whether the frame is inside the safe one, but for a pixel of rounding."""
        left, top, right, bottom = self.safe
        return frame[0] >= left - 1 and frame[1] >= top - 1 and frame[2] <= right + 1 and frame[3] <= bottom + 1

    def write(self, role: str, fitted: Fitted, x: float, y: float, width: float, align: str) -> Block:
        """Lay words: choose their ink from the pixels below, fade the picture where none can be read, and draw them at the end."""
        free = width - fitted.width
        left = x + (free / 2 if align == "center" else free if align == "right" else 0)
        frame = (left, y, left + fitted.width, y + fitted.height)
        large = fitted.size >= max(LARGE_SHARE * self.unit, LARGE_PIXELS)
        need = LARGE if large else SMALL
        ink = self._ink(frame, need)
        self.strokes.append(lambda picture: draw.text(picture, fitted, x, y, ink.colour, align, width))
        block = Block(role, frame, fitted.size, ink.contrast, need)
        self.blocks.append(block)
        return block

    def _ink(self, frame: Frame, need: float) -> contrast.Ink:
        """The ink for a frame: the page's own where it has one, so that all words are of a kind; the first words choose it."""
        under = contrast.extremes(self.pixels, frame)
        if self.ink and (reads := contrast.least_contrast(self.ink, under)) >= need:
            return contrast.Ink(self.ink, reads)
        ink = contrast.choose_ink(under, [to_hex(self.ink)] if self.ink else self.wishes, need)
        kept = self.ink or self._wished_on_most(frame, need)
        if kept and (ink.contrast < need or _is_light(ink.colour) != _is_light(kept)):
            ink = self._fade(frame, kept, need)  # a dark line under a light headline would look like an accident
        elif ink.contrast < need:
            ink = self._fade(frame, ink.colour, need)
        self.ink = self.ink or ink.colour
        return ink

    def _wished_on_most(self, frame: Frame, need: float) -> Rgb | None:
        """The first wish, when it reads on most of the frame: then one bright spot is to be faded, not the ink changed."""
        if not self.may_fade or not self.wishes:
            return None
        wish, middle = parse_hex(self.wishes[0]), contrast.middle(self.pixels, frame)
        return wish if contrast.least_contrast(wish, (middle, middle)) >= need else None

    def _fade(self, frame: Frame, colour: Rgb, need: float) -> contrast.Ink:
        """Fade the picture under a frame, no more than it takes. Earlier words keep their ink: all inks of a page are of one kind."""
        clean = self.pixels
        if not self.may_fade:
            return contrast.Ink(colour, contrast.least_contrast(colour, contrast.extremes(clean, frame)))
        for strength in contrast.STRENGTHS:
            self.pixels = contrast.faded(clean, frame, colour, strength)
            reads = contrast.least_contrast(colour, contrast.extremes(self.pixels, frame))
            if reads >= need:
                break
        return contrast.Ink(colour, reads)

    def paint(
        self, role: str, frame: Frame, stroke: Callable[[Image.Image], None], *, size: int = 0, reads: float = 0.0, need: float = 0.0
    ) -> Block:
        """Lay something that brings its own ground: a button, a badge, a logo."""
        self.strokes.append(stroke)
        block = Block(role, frame, size, reads, need)
        self.blocks.append(block)
        return block

    def finished(self) -> Image.Image:
        """The picture with everything drawn."""
        picture = Image.fromarray(self.pixels)
        for stroke in self.strokes:
            stroke(picture)
        return picture


def _is_light(colour: Rgb) -> bool:
    return float(luminance(colour)) > 0.35


def overlap(one: Frame, other: Frame, gap: float = 0.0) -> bool:
    """Whether two frames come nearer to each other than `gap` pixels."""
    return one[0] < other[2] + gap and other[0] < one[2] + gap and one[1] < other[3] + gap and other[1] < one[3] + gap


def around(region: Frame, obstacle: Frame, gap: float) -> Frame:
    """The largest part of a region that keeps `gap` pixels from an obstacle: above, below, left or right of it."""
    if not overlap(region, obstacle, gap):
        return region
    left, top, right, bottom = region
    parts = (
        (left, top, right, min(bottom, obstacle[1] - gap)),
        (left, top, min(right, obstacle[0] - gap), bottom),
        (max(left, obstacle[2] + gap), top, right, bottom),
        (left, max(top, obstacle[3] + gap), right, bottom),
    )
    return max(parts, key=lambda part: max(0.0, part[2] - part[0]) * max(0.0, part[3] - part[1]))
