"""Typed words for what the cut-out does with masks: grow, shrink, smooth, pick pieces. Thin names over OpenCV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def disc(size: int) -> Any:
    """A round brush, `size` pixels across."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def grown(mask: Mask, size: int) -> Mask:
    """The mask, wider by half of `size` all round."""
    return np.asarray(cv2.dilate(mask.view(np.uint8), disc(size))) > 0


def shrunk(mask: Mask, size: int) -> Mask:
    """The mask, narrower by half of `size` all round. The picture's edge does not eat."""
    return np.asarray(cv2.erode(mask.view(np.uint8), disc(size))) > 0


def opened(mask: Mask, size: int) -> Mask:
    """The mask without what is thinner than `size`."""
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, disc(size))) > 0


def closed(mask: Mask, size: int) -> Mask:
    """The mask with gaps narrower than `size` filled."""
    padded = np.pad(mask, size).view(np.uint8)
    return np.asarray(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc(size)))[size:-size, size:-size] > 0


def blurred(picture: NDArray[Any], sigma: float) -> Floats:
    """A Gauss-blurred copy as float."""
    return np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma), np.float32)


def spread(picture: NDArray[Any], sigma: float) -> Floats:
    """Nearly the same as `blurred`, worked out on a smaller copy where the blur is wide: many times faster."""
    step = int(sigma / 2.5)
    height, width = picture.shape[:2]
    if step <= 1 or min(height, width) < 8 * step:
        return blurred(picture, sigma)
    small = resized(picture, -(-width // step), -(-height // step), cv2.INTER_AREA)
    return resized(blurred(small, sigma / step), width, height)


def resized(picture: NDArray[Any], width: int, height: int, how: int = cv2.INTER_LINEAR) -> Floats:
    """The picture at another size as float."""
    return np.asarray(cv2.resize(picture.astype(np.float32), (width, height), interpolation=how), np.float32)


def pieces(mask: Mask) -> Iterator[tuple[Mask, int, tuple[int, int, int, int]]]:
    """The connected pieces of a mask, largest first: the piece, its area, its box (x, y, width, height)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    areas = np.asarray(stats)[:, 4]
    for number in sorted(range(1, count), key=lambda n: -int(areas[n])):
        x, y, width, height, area = (int(value) for value in np.asarray(stats)[number])
        yield np.asarray(labels) == number, area, (x, y, width, height)


def without_specks(mask: Mask, share: float) -> Mask:
    """The mask without pieces smaller than `share` of its largest piece."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if count <= 1:
        return mask
    areas = np.asarray(stats)[:, 4].copy()
    areas[0] = 0
    return np.asarray(areas >= share * areas.max())[np.asarray(labels)]


def reached_from_border(free: Mask) -> Mask:
    """What of the free area can be reached from outside the picture."""
    field = np.pad(free, 1, constant_values=True).astype(np.uint8)
    wall = np.zeros((field.shape[0] + 2, field.shape[1] + 2), np.uint8)
    cv2.floodFill(field, wall, (0, 0), (2,))
    return np.asarray(field[1:-1, 1:-1] == 2)


def hull_of(mask: Mask) -> Mask:
    """The convex hull of all that is set."""
    filled = np.zeros(mask.shape, np.uint8)
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)
    if len(points):
        cv2.fillConvexPoly(filled, cv2.convexHull(points), (1,))
    return filled > 0
