"""The ground behind a product: a smooth surface fitted to what the border shows, and how each pixel differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finishing import masks
from finishing.masks import Floats, Mask

SMALL = 200  # longest side at which the surface is fitted: it is smooth, so more pixels add nothing


@dataclass(frozen=True)
class Ground:
    """The surface as float RGB (0 to 255), the border's distance from it (90th percentile) and the share of the border that agrees."""

    surface: Floats
    unrest: float
    agreeing: float


@dataclass(frozen=True)
class Difference:
    """How a picture differs from its ground, in grey levels.

    A shadow multiplies the ground's colour, so the difference is taken apart along that colour: `light` is how much
    brighter (+) or darker (-), `hue` what no shadow explains, `all` both together.
    """

    light: Floats
    hue: Floats
    all: Floats
    share: Floats


def difference(picture: Floats, surface: Floats) -> Difference:
    """Take the difference apart. `share` is the part of the ground's light that is left: 1 on the ground, less in its shadow."""
    strength = np.sqrt((surface * surface).sum(axis=2) + 1.0)
    share = (picture * surface).sum(axis=2) / (strength * strength)
    light = (share - 1) * strength / np.sqrt(3.0)
    hue = np.sqrt(((picture - share[..., None] * surface) ** 2).sum(axis=2))
    return Difference(
        light.astype(np.float32), hue.astype(np.float32), np.hypot(light, 1.5 * hue).astype(np.float32), share.astype(np.float32)
    )


def read_ground(picture: Floats) -> Ground:
    """Fit the ground of a photograph (float RGB, 0 to 255): a cubic surface first, then what the border reaches corrects it locally."""
    height, width = picture.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    small = masks.resized(picture, max(16, round(width * scale)), max(16, round(height * scale)), 3)
    terms = _terms(*small.shape[:2])
    border = _ring(small.shape[:2], 0.035)
    surface, unrest, agreeing, spread = _fit_border(small, terms, border)
    surface = _fit_agreeing(small, surface, terms, max(10.0, 3 * spread))
    surface = surface + _local_correction(small, surface, border, unrest)
    return Ground(masks.resized(surface, width, height), unrest, agreeing)


def _ring(shape: tuple[int, ...], share: float) -> Mask:
    wide = max(3, int(share * max(shape)))
    ring = np.ones(shape, bool)
    ring[wide:-wide, wide:-wide] = False
    return ring


def _terms(height: int, width: int) -> NDArray[np.float64]:
    """The ten terms of a cubic surface, one row a pixel."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3]
    return np.stack([term.ravel() for term in terms], axis=1)


def _solve(terms: NDArray[np.float64], colours: NDArray[Any], ridge: float) -> NDArray[np.float64]:
    square = terms.T @ terms + ridge * len(terms) * np.eye(terms.shape[1])
    return np.linalg.solve(square, terms.T @ colours)


def _fit_border(small: Floats, terms: NDArray[np.float64], border: Mask) -> tuple[Floats, float, float, float]:
    """The surface through the border, outliers dropped: surface, 90th percentile of the distance, share kept, spread of the kept."""
    edge, colours = terms[border.ravel()], small[border].astype(np.float64)
    kept = np.ones(len(colours), bool)
    spread = 3.0
    for _ in range(6):
        weights = _solve(edge[kept], colours[kept], 1e-5)
        away = np.linalg.norm(edge @ weights - colours, axis=1)
        spread = max(3.0, 1.4826 * float(np.median(away[kept])))
        kept = away < 3 * spread
        if kept.mean() < 0.3:
            break
    surface = (terms @ weights).reshape(small.shape).astype(np.float32)
    return surface, float(np.percentile(away, 90)), float(kept.mean()), spread


def _fit_agreeing(small: Floats, surface: Floats, terms: NDArray[np.float64], near: float) -> Floats:
    """Fit again on every pixel that agrees with the first surface, not only the border's."""
    for _ in range(3):
        agrees = masks.shrunk(np.linalg.norm(surface - small, axis=2) < near, 3).ravel()
        if agrees.sum() < 200:
            break
        weights = _solve(terms[agrees], small.reshape(-1, 3)[agrees].astype(np.float64), 1e-6)
        surface = (terms @ weights).reshape(small.shape).astype(np.float32)
    return surface


def _local_correction(small: Floats, surface: Floats, border: Mask, unrest: float) -> Floats:
    """What must be added to the surface, learnt from free ground only.

    Never inside the hull of what is certainly product: a pale label may look like the ground.
    """
    differs = difference(small, surface)
    certain = (differs.hue > max(8.0, 2 * unrest)) | (np.abs(differs.light) > max(30.0, 6 * unrest))
    hull = masks.grown(masks.hull_of(masks.without_specks(masks.opened(certain & ~border, 3), 0.04)), 5)
    near = (differs.hue < max(5.0, unrest)) & (np.abs(differs.light) < max(24.0, 4 * unrest))
    free = masks.reached_from_border(masks.shrunk(near & ~hull, 3)) & ~hull
    rest = (small - surface) * free[..., None]
    correction = np.zeros_like(small)
    used = np.zeros((*free.shape, 1), np.float32)
    for sigma in (0.04 * max(free.shape), 0.16 * max(free.shape)):
        weight = masks.blurred(free, sigma)[..., None]
        trust = np.clip(weight / 0.3, 0, 1) * (1 - used)
        correction += trust * masks.blurred(rest, sigma) / np.maximum(weight, 0.004)
        used = used + trust
    return correction
