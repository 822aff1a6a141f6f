"""Bottles, jars and cans are alike on both sides: where one side's edge is too faint to see, the other side's is taken."""

from __future__ import annotations

import numpy as np

from finishing import masks
from finishing.masks import Floats, Mask
from finishing.matte import nearby

ALIKE = 0.95  # overlap of a body with its mirror image from which on it is taken for symmetric; a mug with its handle is not
REACH = 40  # columns that the axis is looked for on either side of the middle
FAINT = 30.0  # colour distance (0 to 441) between product and ground at the outline: below it an edge is a guess
FOOT = 0.10  # the lowest share of the body: there a shadow is easily taken for product, on one side only


def mended(picture: Floats, mask: Mask) -> Mask:
    """The mask with its faint outline evened out: bites filled from the other side, and what only one side of the foot has taken away.

    `picture` is float RGB, 0 to 255, of the mask's size. A body that is not symmetric comes back as it is.
    """
    mirror = mirrored(mask, step=1, least=ALIKE)
    if mirror is None:
        return mask
    solid, empty = masks.shrunk(mask, 7), ~masks.grown(mask, 7)
    apart = np.sqrt(((nearby(picture, solid, 4.0) - nearby(picture, empty, 4.0)) ** 2).sum(axis=2))
    faint = masks.blurred(apart < FAINT, 3.0) > 0.5
    rows = np.flatnonzero(mask.any(axis=1))
    foot = np.zeros_like(mask)
    foot[int(rows[-1] - FOOT * (rows[-1] - rows[0])) :] = True
    evened = np.where(foot, mask & mirror, np.where(faint, mask | mirror, mask))
    return masks.without_specks(evened, 0.05)


def mirrored(body: Mask, *, step: int = 4, least: float = 0.8, reach: int = REACH) -> Mask | None:
    """The body's mirror image about its best upright axis; None when less than `least` of it is alike."""
    rows = body.sum(axis=1)
    trunk = rows > 0.25 * rows.max()
    columns = np.flatnonzero(body.any(axis=0))
    middle = int(columns[0] + columns[-1])
    best, best_score = None, least
    for twice_axis in range(middle - reach, middle + reach + 1, step):
        mirror = np.zeros_like(body)
        source = twice_axis - np.arange(body.shape[1])
        there = (source >= 0) & (source < body.shape[1])
        mirror[:, there] = body[:, source[there]]
        score = (mirror & body)[trunk].sum() / max(1, (mirror | body)[trunk].sum())
        if score > best_score:
            best, best_score = mirror, score
    return best
