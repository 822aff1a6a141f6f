"""Cutting out what a person marked: GrabCut inside a box, steered by strokes (Rother, Kolmogorov and Blake, 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing import masks, outline
from finishing.masks import Mask
from finishing.specs import Box

WORK_SIDE = 640
ROUNDS = 5
BRUSH = 0.012  # a stroke's width, as a share of the longest side
SPECK = 0.05  # pieces below this share of the largest one are noise
PINHOLE = 0.02  # gaps below this share of the product are reflections, unless a person says otherwise


@dataclass(frozen=True)
class Stroke:
    """A line that a person drew, as points in fractions of the photo."""

    points: tuple[tuple[float, float], ...]


def find(picture: NDArray[np.uint8], box: Box, keep: Sequence[Stroke], drop: Sequence[Stroke]) -> Mask:
    """The marked product as a mask at work size. Outside the box nothing is product; strokes are certain."""
    height, width = picture.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = round(width * scale), round(height * scale)
    work = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    guess = np.full(work.shape[:2], cv2.GC_BGD, np.uint8)
    left, right = int(box.left * size[0]), int(np.ceil(box.right * size[0]))
    top, bottom = int(box.top * size[1]), int(np.ceil(box.bottom * size[1]))
    guess[top:bottom, left:right] = cv2.GC_PR_FGD
    _draw(guess, keep, cv2.GC_FGD)
    _draw(guess, drop, cv2.GC_BGD)
    sides = {int(value) for value in np.unique(guess)}
    if not sides & {cv2.GC_FGD, cv2.GC_PR_FGD}:
        return np.zeros(work.shape[:2], np.bool_)
    if cv2.GC_BGD in sides:
        cv2.setRNGSeed(7)  # GrabCut begins with k-means, whose start is drawn by lot
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(np.ascontiguousarray(work[..., ::-1]), guess, (0, 0, 1, 1), *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    product = (guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)
    product = _without_pinholes(masks.without_specks(masks.opened(product, 3), SPECK), guess == cv2.GC_BGD)
    return outline.steady(product, 1.2) if product.any() else product


def _without_pinholes(product: Mask, dropped: Mask) -> Mask:
    """Fill small gaps inside the product, except those that a person marked to be dropped."""
    area = int(product.sum())
    filled = product.copy()
    for gap, size, _ in masks.pieces(~product & ~masks.reached_from_border(~product)):
        if size < PINHOLE * area and not (gap & dropped).any():
            filled |= gap
    return filled


def _draw(guess: NDArray[np.uint8], strokes: Sequence[Stroke], value: int) -> None:
    height, width = guess.shape
    brush = max(2, round(BRUSH * max(height, width)))
    for stroke in strokes:
        points = np.array([(x * width, y * height) for x, y in stroke.points], np.int32)
        if len(points) == 1:
            cv2.circle(guess, (int(points[0][0]), int(points[0][1])), brush, value, -1)
        elif len(points):
            cv2.polylines(guess, [points], False, value, brush)
