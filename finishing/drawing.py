"""A small canvas for drawn grounds: smooth-edged shapes, gradients, soft paper shadows. Colours are sRGB 0 to 255, the canvas 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing.colour import Pixels, Rgb
from finishing.light import blur

Points = NDArray[np.float64]
# Masks are drawn at twice the size with antialiased edges, then reduced.
_FINE, _BITS = 2, 4


@dataclass(frozen=True)
class Shadow:
    """A soft shadow under a sheet: how far aside and down, how soft (all as shares of the picture's shorter side), how dark (0 to 1)."""

    aside: float = 0.006
    down: float = 0.012
    soft: float = 0.022
    dark: float = 0.30


class Canvas:
    """A picture being drawn, `width` x `height` pixels. `side` is the shorter one: the measure for sizes."""

    def __init__(self, width: int, height: int, paper: Rgb) -> None:
        self.width, self.height, self.side = width, height, min(width, height)
        self.pixels: Pixels = np.empty((height, width, 3), np.float32)
        self.pixels[:] = np.array(paper, np.float32) / 255

    @property
    def wide(self) -> bool:
        """Clearly wider than tall: words stand on the left, so drawing belongs to the right."""
        return self.width > 1.25 * self.height

    def fill(
        self,
        shapes: Points | Sequence[Points],
        colour: Rgb,
        *,
        to: Rgb | None = None,
        angle: float = 90.0,
        shadow: Shadow | None = None,
        soft: float = 0.0,
    ) -> None:
        """Fill polygons (pixel points; where they overlap, even-odd) with a colour, or a gradient `to` another along `angle` degrees (90: down).

        `soft` blurs the edge by so many pixels, as of something out of focus.
        """
        polygons = [shapes] if isinstance(shapes, np.ndarray) else list(shapes)
        every = np.concatenate(polygons)
        spread = int(3 * soft) + 3
        if shadow:
            spread += int((3 * shadow.soft + shadow.aside + shadow.down) * self.side)
        left, top = (int(max(edge - spread, 0)) for edge in every.min(axis=0))
        right, bottom = (int(min(edge + spread, limit)) for edge, limit in zip(every.max(axis=0), (self.width, self.height), strict=True))
        if right - left < 1 or bottom - top < 1:
            return
        mask = self._mask(polygons, left, top, right, bottom)
        if soft > 0:
            mask = blur(mask, soft)
        part = self.pixels[top:bottom, left:right]
        if shadow:
            self._shade(part, mask, shadow)
        paint = self._paint(colour, to, angle, every, left, top, right, bottom)
        part += (paint - part) * mask[..., None]

    def _mask(self, polygons: Sequence[Points], left: int, top: int, right: int, bottom: int) -> Pixels:
        # A margin keeps edges that lie outside the canvas from being cut into the mask.
        fine = np.zeros(((bottom - top) * _FINE, (right - left) * _FINE), np.uint8)
        rounded = [np.rint((points - (left, top)) * _FINE * (1 << _BITS)).astype(np.int32) for points in polygons]
        cv2.fillPoly(fine, rounded, 255, cv2.LINE_AA, _BITS)
        small = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        mask: Pixels = small.astype(np.float32) / np.float32(255)
        return mask

    def _shade(self, part: Pixels, mask: Pixels, shadow: Shadow) -> None:
        moved = np.array([[1, 0, shadow.aside * self.side], [0, 1, shadow.down * self.side]], np.float64)
        lower = cv2.warpAffine(mask, moved, (mask.shape[1], mask.shape[0]), borderMode=cv2.BORDER_REPLICATE)
        soft = blur(np.asarray(lower, np.float32), max(0.8, shadow.soft * self.side))[..., None] * shadow.dark
        # Darker in its own colour: a grey shadow would make coloured paper look dirty.
        part *= 1 - soft * (1 - 0.25 * part)

    def _paint(self, colour: Rgb, to: Rgb | None, angle: float, every: Points, left: int, top: int, right: int, bottom: int) -> Pixels:
        first: Pixels = np.array(colour, np.float32) / np.float32(255)
        if to is None:
            return first
        along = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        reach = every @ along
        low, high = float(reach.min()), float(reach.max())
        x = (np.arange(left, right, dtype=np.float32) * along[0])[None, :]
        y = (np.arange(top, bottom, dtype=np.float32) * along[1])[:, None]
        share = np.clip((x + y - low) / max(high - low, 1e-6), 0, 1)[..., None]
        gradient: Pixels = (first + (np.array(to, np.float32) / 255 - first) * share).astype(np.float32)
        return gradient


def circle(x: float, y: float, radius: float) -> Points:
    """A circle."""
    return ellipse(x, y, radius, radius)


def ellipse(x: float, y: float, wide: float, tall: float, turn: float = 0.0) -> Points:
    """An ellipse of these radii, turned by so many degrees."""
    angle = np.linspace(0, 2 * np.pi, 220, endpoint=False)
    return turned(np.stack([x + wide * np.cos(angle), y + tall * np.sin(angle)], axis=1), (x, y), turn)


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    """A rectangle."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def pill(x: float, y: float, length: float, thick: float, turn: float) -> Points:
    """A bar with round ends, centred on a point, turned by so many degrees."""
    half, radius = max(length / 2 - thick / 2, 0), thick / 2
    right = np.linspace(-np.pi / 2, np.pi / 2, 24)
    ends = np.concatenate(
        [
            np.stack([half + radius * np.cos(right), radius * np.sin(right)], 1),
            np.stack([-half - radius * np.cos(right), -radius * np.sin(right)], 1),
        ]
    )
    return turned(ends + (x, y), (x, y), turn)


def wedge(x: float, y: float, start: float, end: float, inner: float, outer: float) -> Points:
    """A piece of a ring between two angles (degrees, 0 to the right, clockwise) and two radii."""
    angle = np.deg2rad(np.linspace(start, end, max(int(abs(end - start) / 1.2), 4)))
    rim = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([rim * outer, rim[::-1] * inner]) + (x, y)


def arch(x: float, foot: float, width: float, height: float) -> Points:
    """A door with a round top, centred on x, standing on `foot`."""
    radius = width / 2
    angle = np.linspace(np.pi, 2 * np.pi, 110)
    top = np.stack([x + radius * np.cos(angle), foot - height + radius + radius * np.sin(angle)], axis=1)
    return np.concatenate([top, [[x + radius, foot], [x - radius, foot]]])


def blob(
    x: float, y: float, radius: float, rng: np.random.Generator, *, wild: float = 0.22, stretch: float = 1.0, turn: float = 0.0
) -> Points:
    """An organic shape: a circle whose radius swings with a few slow waves."""
    angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    swing = np.ones_like(angle)
    for waves in (2, 3, 4):
        swing += wild / waves * rng.uniform(0.5, 1.0) * np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
    points = np.stack([x + radius * stretch * swing * np.cos(angle), y + radius * swing * np.sin(angle)], axis=1)
    return turned(points, (x, y), turn)


def below(line: Points, floor: float) -> Points:
    """Everything between a line (left to right) and a floor."""
    return np.concatenate([line, [[line[-1, 0], floor], [line[0, 0], floor]]])


def turned(points: Points, about: tuple[float, float], degrees: float) -> Points:
    """Points turned clockwise about one of them."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved: Points = (points - about) @ turn + about
    return moved
