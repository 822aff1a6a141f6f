"""The product's outline: a minimum cut in a band round the first guess, drawn with a steady hand."""

from __future__ import annotations

import cv2
import numpy as np

from finishing import masks
from finishing.ground import Difference, difference
from finishing.masks import Floats, Mask
from finishing.matte import nearby
from finishing.seed import Edges, Seed

# The cut weighs colour against contrast through GrabCut's own colour models, frozen. Both are one Gauss each, alike but for
# their means in the first channel, so that the first channel is the log-likelihood ratio itself.
_SPREAD = 60.0
_FREEZE = 3  # cv2.GC_EVAL_FREEZE_MODEL


def draw(picture: Floats, surface: Floats, seed: Seed, differs: Difference, edges: Edges) -> Mask:
    """The product's mask. Only a band round the seed's outline is decided here: print and labels inside are safe."""
    reach = max(7, int(0.014 * max(seed.body.shape)) | 1)
    inner = masks.shrunk(seed.body, 2 * reach + 1)
    if inner.sum() < 0.2 * seed.body.sum():
        inner = masks.shrunk(seed.body, reach)
    outer = ~masks.grown(seed.body, reach) | masks.shrunk(seed.holes, reach)
    leaning, across, trust = _leaning(picture, surface, inner, outer, seed, differs, edges)
    mask = _cut(leaning, across, trust, differs, inner, outer)
    mask = masks.without_specks(masks.opened(mask, 5), 0.05)
    mask = _enclosed(mask, seed.holes)
    # Where product and ground are nearly one colour the outline is drawn by a steadier hand.
    faint = masks.blurred(trust < 0.5, 3.0) > 0.5
    return np.where(faint & ~seed.holes, steady(mask, 5.0), steady(mask, 1.6))


def steady(mask: Mask, sigma: float) -> Mask:
    """The outline without steps shorter than a few pixels."""
    return masks.blurred(mask, sigma) > 0.5


def _enclosed(mask: Mask, holes: Mask) -> Mask:
    """Fill what the mask encloses, unless most of it is a known hole."""
    filled = mask.copy()
    inside = ~mask & ~masks.reached_from_border(~mask)
    for piece, area, _ in masks.pieces(inside):
        if (holes & piece).sum() < 0.3 * area:
            filled |= piece
    return filled


def _leaning(
    picture: Floats, surface: Floats, inner: Mask, outer: Mask, seed: Seed, differs: Difference, edges: Edges
) -> tuple[Floats, Floats, Floats]:
    """From -1 (ground) to +1 (product): is a pixel nearer to the product's colour close by, or to the ground's close by?"""
    sigma = 0.016 * max(inner.shape)
    product, ground = nearby(picture, inner, sigma), nearby(picture, outer, sigma)
    to_product = np.linalg.norm(picture - product, axis=2)
    to_ground = np.linalg.norm(picture - ground, axis=2)
    apart = np.linalg.norm(product - ground, axis=2)
    trust = np.clip(apart / 12.0, 0, 1)
    lean = trust * (to_ground - to_product) / (to_ground + to_product + 2.0)
    depth = _depth(seed.body & ~seed.holes)
    # Darker ground of its own colour is shadow at the product's foot, where the product close by has another colour.
    other_hue = np.clip((difference(product, surface).hue - 8) / 16, 0, 1)
    foot = _lower_quarter(seed.body)
    lean = np.where(seed.shadow & ~edges.sharp & foot, lean - 0.3 * other_hue, lean)
    # Higher up it is a metal rim or a pale label that looks like ground: there the edges know better.
    lean = np.where(seed.shadow & ~foot & (depth > 0), np.maximum(lean, 0.3), lean)
    lean = lean + np.where(foot, 0.25, 0.5) * depth
    # Light thrown from the product colours the ground at its foot a little: there only a great difference is certain.
    sure = seed.certain & (to_ground > 8) & (~foot | (differs.hue > 10) | (to_ground > 20))
    lean = np.where(sure, np.maximum(lean, 0.5), lean)
    lean = np.where(_under_contact_line(seed.body, sure & foot) & (other_hue < 0.5), -0.8, lean)
    way = product - ground
    across = ((picture - ground) * way).sum(axis=2) / np.maximum((way * way).sum(axis=2), 36.0)
    return np.clip(lean, -1, 1).astype(np.float32), across.astype(np.float32), np.clip((apart - 8) / 24, 0, 1).astype(np.float32)


def _lower_quarter(body: Mask) -> Mask:
    rows = np.flatnonzero(body.any(axis=1))
    low = np.zeros_like(body)
    low[int(rows[0] + 0.75 * (rows[-1] - rows[0])) :] = True
    return low


def _under_contact_line(body: Mask, sure: Mask) -> Mask:
    """The thin strip of ground between a product's dark contact line and the seed's outline: in each column what is below the last
    sure pixel, where that is no more than a few pixels of body."""
    below_sure = np.logical_or.accumulate(sure, axis=0)
    after = body & below_sure & ~np.flip(np.logical_or.accumulate(np.flip(sure, 0), axis=0), 0)
    thin = after.sum(axis=0) <= 0.02 * max(body.shape)
    return np.asarray(after & thin[None, :])


def _depth(body: Mask) -> Floats:
    """From -1 (outside the seed) to +1 (inside): its outline lies about three pixels outside the true one, being made of edges."""
    inside = np.asarray(cv2.distanceTransform(body.astype(np.uint8), cv2.DIST_L2, 5))
    outside = np.asarray(cv2.distanceTransform((~body).astype(np.uint8), cv2.DIST_L2, 5))
    return np.clip((inside - outside - 3) / 6, -1, 1).astype(np.float32)


def _cut(leaning: Floats, across: Floats, trust: Floats, differs: Difference, inner: Mask, outer: Mask) -> Mask:
    """Minimum cut between `inner` and `outer`: colours lean to one side, edges make a cut cheap."""
    features = np.empty((*leaning.shape, 3), np.uint8)
    features[..., 0] = np.clip(127.5 + 100 * leaning, 0, 255)
    # Where product and ground have nearly one colour, the way from one to the other is noise: faint edges themselves must do.
    features[..., 1] = 127.5 + trust * (255 * np.clip(across, 0, 1) - 127.5)
    features[..., 2] = 127.5 + trust * np.clip(6 * differs.light, -127, 127) + (1 - trust) * 120 * np.tanh(differs.light / 10)
    marks = np.full(leaning.shape, cv2.GC_PR_BGD, np.uint8)
    marks[leaning > 0] = cv2.GC_PR_FGD
    marks[outer] = cv2.GC_BGD
    marks[inner] = cv2.GC_FGD
    x, y, wide, tall = cv2.boundingRect((~outer).view(np.uint8))
    window = np.s_[max(0, y - 4) : y + tall + 4, max(0, x - 4) : x + wide + 4]
    part = np.ascontiguousarray(marks[window])
    cv2.grabCut(np.ascontiguousarray(features[window]), part, (0, 0, 1, 1), _colour_model(0.0), _colour_model(255.0), 1, _FREEZE)
    marks[window] = part
    return np.asarray((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD))


def _colour_model(mean: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """One Gauss in OpenCV's layout: 5 weights, 5 x 3 means, 5 x 9 covariances."""
    model = np.zeros((1, 65))
    model[0, 0] = 1
    model[0, 5:8] = mean, 127.5, 127.5
    model[0, 20:29] = np.diag([_SPREAD**2, 200.0**2, 200.0**2]).ravel()
    return model
