"""From a hard mask to soft alpha and clean colour: how much of each edge pixel is product, and what colour that part has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from finishing import masks
from finishing.masks import Floats, Mask

BAND = 0.0032  # half width of the undecided band, as a share of the longest side


def soft_alpha(picture: Floats, mask: Mask) -> Floats:
    """Alpha (0 to 1) of a float RGB picture (0 to 255): undecided only in a narrow band along the mask's outline.

    In the band a pixel mixes the product's colour close by with the ground's close by, and alpha is the share of the
    first. Where the two are too alike to tell, the mask's own outline counts.
    """
    half = max(2, round(BAND * max(mask.shape)))
    solid, empty = masks.shrunk(mask, 2 * half + 1), ~masks.grown(mask, 2 * half + 1)
    product, ground = nearby(picture, solid, 1.6 * half), nearby(picture, empty, 1.6 * half)
    way = product - ground
    apart = np.sqrt((way * way).sum(axis=2))
    share = ((picture - ground) * way).sum(axis=2) / np.maximum(apart * apart, 1.0)
    # A rim or a bright edge has a third colour: inside the outline, far from the ground's colour is product whatever the direction.
    away = (np.sqrt(((picture - ground) ** 2).sum(axis=2)) - 6) / np.maximum(apart, 12.0)
    share = np.where(mask, np.maximum(share, away), share)
    trust = np.clip((apart - 12) / 30, 0, 1)
    drawn = masks.blurred(mask, max(0.8, 0.35 * half))
    alpha = np.clip(share, 0, 1) * trust + drawn * (1 - trust)
    # What is nearly ground is ground, what is nearly product is product: no veil, no holes in the rim.
    alpha = np.clip((alpha - 0.12) / 0.78, 0, 1)
    return np.where(solid, 1.0, np.where(empty, 0.0, alpha)).astype(np.float32)


def nearby(picture: Floats, where: Mask, sigma: float) -> Floats:
    """The colour of the nearest pixels of a region, spread over its surroundings."""
    total, weight = np.zeros_like(picture), np.zeros(where.shape, np.float32)
    part = picture * where[..., None]
    # A narrow look first; a wide one, weighted next to nothing, only speaks where the narrow one sees nothing.
    for reach, strength in ((sigma, 1.0), (3 * sigma, 1e-3)):
        weight += strength * masks.spread(where, reach)
        total += strength * masks.spread(part, reach)
    return np.asarray(total / np.maximum(weight, 1e-7)[..., None], np.float32)


def clean_colour(picture: Floats, alpha: Floats) -> NDArray[np.uint8]:
    """The product's own colour without the ground's share in its edge. Solid pixels stay what they are, to the bit."""
    half = max(2.0, BAND * max(alpha.shape))
    product, ground = nearby(picture, alpha > 0.97, 1.6 * half), nearby(picture, alpha < 0.03, 1.6 * half)
    part = alpha[..., None]
    unmixed = (picture - (1 - part) * ground) / np.maximum(part, 0.05)
    # The less of a pixel is product, the less its own colour can be trusted.
    trust = np.clip((part - 0.3) / 0.5, 0, 1)
    clean = np.clip(unmixed * trust + product * (1 - trust), product - 60, product + 60)
    clean = np.where(part > 0.97, picture, clean)
    return np.clip(clean + 0.5, 0, 255).astype(np.uint8)
