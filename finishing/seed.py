"""The first guess of where the product is: walls of edges and of certain difference, a flood from the border, shadows, holes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from finishing import masks
from finishing.ground import Difference
from finishing.masks import Floats, Mask
from finishing.symmetry import mirrored


@dataclass(frozen=True)
class Edges:
    """Strength of the picture's edges against its ground (grey levels a pixel), which are sharp, which faint but long; the threshold used."""

    strength: Floats
    sharp: Mask
    faint: Mask
    threshold: float


@dataclass(frozen=True)
class Seed:
    """The first guess: `body` is the product, `certain` what no shadow explains, `holes` where ground is seen through it."""

    body: Mask
    certain: Mask
    shadow: Mask
    holes: Mask


def grain_of(picture: Floats) -> float:
    """How noisy a photograph is, in grey levels: what a slight blur takes away along its border (median, so that a product there is no noise)."""
    rough = np.abs(picture - masks.blurred(picture, 2.0)).mean(axis=2)
    # The mean of |x| over three channels of white noise is 0.8 of its spread.
    return float(np.median(rough[_border(rough.shape)]) / 0.8)


def _border(shape: tuple[int, ...]) -> Mask:
    """The picture's border without its bottom, where products stand and shadows lie."""
    wide = max(6, int(0.05 * max(shape)))
    border = np.zeros(shape[:2], bool)
    border[:wide] = border[:, :wide] = border[:, -wide:] = True
    return border


def find_edges(flat: Floats, grain: float, sensitivity: float = 1.0) -> Edges:
    """Edges of the picture after its ground was taken away.

    A product's edge is sharp, a shadow's is not: seen through a wide blur a sharp edge loses most of its slope.
    """
    sigma = float(np.clip(1.6 + 0.3 * grain, 1.7, 2.4))
    fine, wide = _slope(flat, sigma), _slope(flat, 3.2 * sigma)
    # Four times the ground's own median slope leaves one pixel in thousands of pure noise.
    noise = float(np.median(fine[_border(fine.shape)]))
    threshold = max(0.5, 4.0 * noise) * sensitivity
    steep = fine > 1.5 * wide
    sharp = _firm((fine > threshold) & steep, fine > 2.5 * threshold)
    faint = _firm((fine > max(0.3, 2.6 * noise)) & steep, fine > threshold)
    return Edges(fine, sharp, faint, threshold)


def _firm(sharp: Mask, strong: Mask) -> Mask:
    """Lines only: what is a few pixels large and nowhere strong is grain or the steps of an 8-bit gradient."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(sharp.view(np.uint8), connectivity=8)
    keep = np.asarray(stats)[:, 4] >= 60
    keep |= (np.bincount(np.asarray(labels).ravel(), weights=strong.ravel(), minlength=count) >= 4) & (np.asarray(stats)[:, 4] >= 10)
    keep[0] = False
    return keep[np.asarray(labels)]


def _slope(flat: Floats, sigma: float) -> Floats:
    """The largest slope of the three channels, grey levels a pixel."""
    smooth = masks.blurred(flat, sigma)
    across = np.asarray(cv2.Scharr(smooth, cv2.CV_32F, 1, 0)) / 32
    down = np.asarray(cv2.Scharr(smooth, cv2.CV_32F, 0, 1)) / 32
    return np.asarray(np.sqrt((across * across + down * down).max(axis=2)), np.float32)


def find_seed(differs: Difference, edges: Edges, sensitivity: float = 1.0) -> Seed | None:
    """The product as the walls enclose it, without its shadow and with its holes. None when nothing is enclosed."""
    least = float(np.clip(4.0 * np.median(differs.all[_border(differs.all.shape)]), 5.0, 18.0)) * sensitivity
    shadow = shadow_like(differs, least)
    certain = (differs.all > least) & ~shadow
    walls = masks.closed(certain | edges.sharp, 5)
    inside = masks.opened(~_outside(walls, 7), 5)
    if not inside.any():
        return None
    body = _largest_near_middle(inside, certain)
    body = _without_tails(masks.without_specks(masks.opened(body, 5), 0.05), certain)
    if not body.any():
        return None
    body = _without_tails(_repaired(body, walls, edges, certain), certain)
    body = _without_cast_shadow(body, certain, shadow)
    holes = _holes(body, differs, edges, certain, shadow, least)
    return Seed(_filled(body, holes), certain, shadow, holes)


def shadow_like(differs: Difference, least: float) -> Mask:
    """What may be ground in shadow: darker along the ground's own colour, and not much deeper than shadows are."""
    return (differs.light < 0.3 * least) & (differs.share > 0.38) & (differs.hue < 0.55 * least + 0.10 * np.abs(differs.light))


def _outside(walls: Mask, brush: int) -> Mask:
    """What a round brush comes to from the border without crossing a wall: a brush does not slip through gaps narrower than itself."""
    middle = masks.reached_from_border(~masks.grown(walls, brush))
    return masks.grown(middle, brush) & ~walls


def _without_tails(body: Mask, certain: Mask) -> Mask:
    """The body without thin ends that hold nothing certain: the rim of a hard shadow, a step in the ground."""
    ends = body & ~masks.grown(masks.opened(body, 15), 5)
    for piece, size, _ in masks.pieces(ends):
        if (certain & piece).sum() < 0.3 * size:
            body = body & ~piece
    return masks.without_specks(body, 0.05)


def _repaired(body: Mask, walls: Mask, edges: Edges, certain: Mask) -> Mask:
    """Bring back pieces that leaked away through a gap in a faint edge.

    Offers come from wider brushes, the hull and the mirrored body; a piece is taken when the outline that it would
    restore lies on an edge of the picture, however faint.
    """
    support = masks.grown(edges.faint | edges.sharp, 5)
    longest = max(body.shape)
    offers = [~_outside(walls, int(share * longest) | 1) for share in (0.02, 0.04, 0.08)]
    for offer in offers:
        body = _taken(body, _largest_near_middle(offer | body, body), support)
    body = _without_tails(body, certain)
    body = _taken(body, masks.hull_of(body), support, 0.5)
    mirror = mirrored(body, reach=60)
    # That the other half has it is evidence, too: less of the edge need be seen.
    return body if mirror is None else _taken(body, mirror, support, 0.3)


def _taken(body: Mask, offer: Mask, support: Mask, least: float = 0.6) -> Mask:
    """The body with those pieces of the offer whose new outline is supported."""
    area = int(body.sum())
    whole = body | offer
    rim_of_whole = whole & masks.grown(~whole, 3)
    for piece, size, _ in masks.pieces(masks.opened(offer & ~body, 3)):
        if size < 0.0015 * area:
            break
        rim = rim_of_whole & masks.grown(piece, 3) & ~masks.grown(body, 7)
        if rim.sum() >= 6 and support[rim].mean() > least:
            body = body | masks.grown(piece, 3) & whole
    return body


def _without_cast_shadow(body: Mask, certain: Mask, shadow: Mask) -> Mask:
    """The body without what grows on one side of its foot and looks like shadow: a foot is as wide to the left as to the right.

    Only for bodies whose certain sides above the foot agree on one axis; the grey base of a can is on both sides and stays.
    """
    firm = masks.without_specks(masks.opened(certain & body, 3), 0.05)
    rows = np.flatnonzero(body.any(axis=1))
    tall = int(rows[-1] - rows[0])
    sides = [np.flatnonzero(row)[[0, -1]] for row in firm[rows[0] + int(0.74 * tall) : rows[0] + int(0.94 * tall)] if row.any()]
    axes = np.array([left + right for left, right in sides])
    if len(axes) < 0.1 * tall or np.abs(axes - np.median(axes)).mean() > 4:
        return body
    source = int(np.median(axes)) - np.arange(body.shape[1])
    there = (source >= 0) & (source < body.shape[1])
    mirror = np.zeros_like(body)
    mirror[:, there] = body[:, source[there]]
    below = np.flip(np.logical_or.accumulate(np.flip(firm, 0), axis=0), 0)
    loose = body & shadow & ~below & ~masks.grown(mirror, 3)
    loose[: rows[0] + int(0.8 * tall)] = False
    return masks.opened(body & ~loose, 5)


def _largest_near_middle(inside: Mask, certain: Mask) -> Mask:
    """The piece that is largest, most certain and nearest to the middle, with its fellows of some size."""
    height, width = inside.shape
    found: list[tuple[float, Mask]] = []
    for piece, area, (x, y, wide, tall) in masks.pieces(inside):
        if found and area < 0.02 * found[0][1].sum():
            break
        away = np.hypot((x + wide / 2) / width - 0.5, (y + tall / 2) / height - 0.5)
        found.append((area * float(np.exp(-2 * away)) * (0.1 + float((certain & piece).sum()) / area), piece))
    best = max(score for score, _ in found)
    return np.asarray(np.logical_or.reduce([piece for score, piece in found if score > 0.08 * best]))


def _holes(body: Mask, differs: Difference, edges: Edges, certain: Mask, shadow: Mask, least: float) -> Mask:
    """Where the ground is seen through the product: looks like ground, calm, ringed by certain product, near the outline.

    Pale print on a product is none of this: it is small or lies in the middle.
    """
    holes = np.zeros_like(body)
    plain = differs.all < 1.3 * least
    rim = masks.grown(edges.sharp, 7)
    ground_like = (plain | shadow) & body & ~edges.sharp
    # Shadowed ground seen through a handle takes a little of the product's colour.
    tinted = (differs.hue < 2.5 * least) & (differs.light < 2 * least) & (differs.share > 0.38) & body & ~masks.grown(edges.sharp, 3)
    depth = np.asarray(cv2.distanceTransform(np.pad(body, 1).astype(np.uint8), cv2.DIST_L2, 5))[1:-1, 1:-1]
    _, _, width, height = cv2.boundingRect(body.view(np.uint8))
    area = int(body.sum())
    for piece, size, _ in masks.pieces(masks.opened(ground_like, 9)):
        if size < 0.008 * area:
            break
        ring = masks.grown(piece, 15) & ~masks.grown(piece, 9)
        printed = (edges.sharp & masks.closed(piece, 15)).sum() > 0.12 * size
        ringed = (certain & ring).sum() > 0.4 * ring.sum() and ((certain | rim) & ring).sum() > 0.85 * ring.sum()
        alike = (plain & piece).sum() > 0.25 * size and np.median(differs.hue[piece]) < 0.6 * least
        if size < 0.25 * area and depth[piece].min() < 0.20 * min(width, height) and ringed and alike and not printed:
            holes |= _whole_hole(piece, size, tinted, masks.grown(piece, 9) & ground_like)
    return holes


def _whole_hole(piece: Mask, size: int, tinted: Mask, found: Mask) -> Mask:
    """The hole with its tinted, shadowed rest, as long as that does not run off into the product."""
    for wider, wide, _ in masks.pieces(masks.opened(tinted | piece, 7)):
        if (wider & piece).any():
            return found | wider if wide < 2.5 * size else found
    return found


def _filled(body: Mask, holes: Mask) -> Mask:
    """The body with everything enclosed filled, except the holes."""
    return ~masks.reached_from_border(~body) & ~holes
