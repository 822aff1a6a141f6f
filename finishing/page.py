"""A page in the making: a picture, what is laid over it, and what was learnt on the way. Words are drawn last, when every fade is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from finishing import contrast, draw
from finishing.colour import parse_hex, to_hex
from finishing.contrast import LARGE, SMALL, Frame, Rgb
from finishing.fit import Fitted, hanging
from finishing.specs import Check, SafeZone

HANG = 0.045  # of the shorter side: how far a mark may hang into our own margin
NEARLY = 0.6  # of the contrast needed: from here on a slight fade saves the first wish
LARGE_SHARE, LARGE_PIXELS = 0.024, 18.66  # from here on text is large; 18.66 px is WCAG's 14 pt bold


@dataclass(frozen=True)
class Block:
    """Something that was laid over the picture: its role, where it is (pixels), how large its letters are, how well they read, what they say."""

    role: str
    frame: Frame
    size: int = 0
    contrast: float = 0.0
    need: float = 0.0
    words: str = ""


@dataclass
class Page:
    """A frame of a placement. `safe` is what the network leaves uncovered, margins included; `unit` is the root of the area.

    `outline` is the alpha of the product's cut-out, cropped to its solid part; a fade spares what is inside.
    `headline` is what the ad is to say; empty where it is to say nothing."""

    pixels: NDArray[np.uint8]
    product: Frame | None
    safe: Frame
    zone: Frame
    wishes: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)
    notes: list[Check] = field(default_factory=list)
    strokes: list[Callable[[Image.Image], None]] = field(default_factory=list)
    held: list[tuple[str, Fitted, float, float, float, str]] = field(default_factory=list)
    ink: Rgb | None = None
    may_fade: bool = True
    outline: Image.Image | None = None
    headline: str = ""
    smallest: int = 0  # pixels of letters that the network still takes

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
        if role == "headline":
            fitted = self._hung(fitted, x, width, align)
        frame = _frame(fitted, x, y, width, align)
        # WCAG 2.2 asks nothing of logotypes; a brand's name is held to what large words need.
        need = LARGE if role == "brand" else self.need(fitted.size)
        ink = self._ink(frame, need)
        self.strokes.append(lambda picture: draw.text(picture, fitted, x, y, ink.colour, align, width))
        block = Block(role, frame, fitted.size, ink.contrast, need, " ".join(fitted.lines))
        self.blocks.append(block)
        return block

    def _hung(self, fitted: Fitted, x: float, width: float, align: str) -> Fitted:
        """With quotation marks and stops outside the edge, where the picture has room for them there."""
        hung = replace(fitted, hangs=True)
        left, _, right, _ = _frame(hung, x, 0.0, width, align)
        most = HANG * min(self.width, self.height)
        low, high = max(self.zone[0], self.safe[0] - most), min(self.zone[2], self.safe[2] + most)
        clear = self.product is None or not (left < self.product[2] and self.product[0] < right) or (left >= x and right <= x + width)
        return hung if left >= low and right <= high and clear else fitted

    def hold(self, role: str, fitted: Fitted, x: float, y: float, width: float, align: str) -> None:
        """Keep a place for words that are written later, when the headline has chosen the ink."""
        frame = _frame(fitted, x, y, width, align)
        self.blocks.append(Block(role, frame, fitted.size, words=" ".join(fitted.lines)))
        self.held.append((role, fitted, x, y, width, align))

    def write_held(self) -> None:
        """Write what was held."""
        roles = {held[0] for held in self.held}
        self.blocks = [block for block in self.blocks if block.role not in roles]
        for held in self.held:
            self.write(*held)
        self.held.clear()

    def _ink(self, frame: Frame, need: float) -> contrast.Ink:
        """The ink for a frame: the page's own where it has one, so that all words are of a kind; the first words choose it."""
        under = contrast.extremes(self.pixels, frame)
        if self.ink is None:
            ink = self._first_ink(frame, need, under)
            self.ink = ink.colour
            return ink
        if (reads := contrast.least_contrast(self.ink, under)) >= need:
            return contrast.Ink(self.ink, reads)
        ink = contrast.choose_ink(under, [to_hex(self.ink)], need)
        if ink.contrast >= need and contrast.is_light(ink.colour) == contrast.is_light(self.ink):
            return ink
        return self._fade(frame, self.ink, need)  # a dark line under a light headline would look like an accident

    def _first_ink(self, frame: Frame, need: float, under: tuple[float, float]) -> contrast.Ink:
        """A wished ink that reads; the first wish on a slight fade before an ink of the other kind; else the best there is, on a fade."""
        ink = contrast.choose_ink(under, self.wishes, need)
        wish = parse_hex(self.wishes[0]) if self.wishes else ink.colour
        of_a_kind = contrast.is_light(ink.colour) == contrast.is_light(wish)
        if ink.contrast >= need and of_a_kind:
            return ink
        if self.may_fade and not of_a_kind:
            middle = contrast.middle(self.pixels, frame)
            if contrast.least_contrast(wish, (middle, middle)) >= NEARLY * need:
                return self._fade(frame, wish, need)
        return ink if ink.contrast >= need else self._fade(frame, ink.colour, need)

    def _fade(self, frame: Frame, colour: Rgb, need: float) -> contrast.Ink:
        """Fade the picture under a frame, no more than it takes, the product left as it is."""
        if not self.may_fade:
            return contrast.Ink(colour, contrast.least_contrast(colour, contrast.extremes(self.pixels, frame)))
        self.pixels, reads = contrast.fade_for(self.pixels, frame, colour, need, self.product, self._spare())
        return contrast.Ink(colour, reads)

    def _spare(self) -> contrast.Shares | None:
        """Where the product is, 0 to 1: its outline where a cut-out is at hand, else its box."""
        if self.product is None:
            return None
        left, top, right, bottom = (round(value) for value in self.product)
        size = max(1, right - left), max(1, bottom - top)
        whole = Image.new("L", (self.width, self.height), 0)
        whole.paste(self.outline.resize(size, Image.Resampling.BILINEAR) if self.outline else Image.new("L", size, 255), (left, top))
        return np.asarray(np.asarray(whole) / np.float32(255), np.float32)

    def readable(self, fitted: Fitted, x: float, y: float) -> bool:
        """Whether words at (x, y) would be read as the picture is, in the page's ink or a shade of it."""
        frame = (x, y, x + fitted.width, y + fitted.height)
        need = self.need(fitted.size)
        wishes = [to_hex(self.ink)] if self.ink else self.wishes
        ink = contrast.choose_ink(contrast.extremes(self.pixels, frame), wishes, need)
        return ink.contrast >= need and (self.ink is None or contrast.is_light(ink.colour) == contrast.is_light(self.ink))

    def need(self, size: int) -> float:
        """The contrast that letters of a size in pixels need."""
        return LARGE if size >= max(LARGE_SHARE * self.unit, LARGE_PIXELS) else SMALL

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


def _frame(fitted: Fitted, x: float, y: float, width: float, align: str) -> Frame:
    """Where words stand in a column that begins at x; marks that hang out of the edge count."""
    starts = []
    for line, length in zip(fitted.lines, fitted.widths, strict=True):
        free = width - length
        hung = hanging(line, fitted.face, fitted.size, align) if fitted.hangs else 0.0
        starts.append(x + hung + (free / 2 if align == "center" else free if align == "right" else 0))
    right = max(start + length for start, length in zip(starts, fitted.widths, strict=True))
    return (min(starts), y, right, y + fitted.height)


def overlap(one: Frame, other: Frame, gap: float = 0.0) -> bool:
    """Whether two frames come nearer to each other than `gap` pixels."""
    return one[0] < other[2] + gap and other[0] < one[2] + gap and one[1] < other[3] + gap and other[1] < one[3] + gap


def beside(region: Frame, obstacle: Frame, gap: float) -> tuple[Frame, ...]:
    """The parts of a region that keep `gap` pixels from an obstacle: above, left, right, below; the region itself when it is clear."""
    if not overlap(region, obstacle, gap):
        return (region,)
    left, top, right, bottom = region
    parts = (
        (left, top, right, min(bottom, obstacle[1] - gap)),
        (left, top, min(right, obstacle[0] - gap), bottom),
        (max(left, obstacle[2] + gap), top, right, bottom),
        (left, max(top, obstacle[3] + gap), right, bottom),
    )
    return tuple(part for part in parts if part[2] > part[0] and part[3] > part[1])


def around(region: Frame, obstacle: Frame, gap: float) -> Frame:
    """The largest part of a region that keeps `gap` pixels from an obstacle; a sliver of it where nothing is left."""
    parts = beside(region, obstacle, gap) or ((region[0], region[1], region[0] + 1, region[1] + 1),)
    return max(parts, key=lambda part: (part[2] - part[0]) * (part[3] - part[1]))
