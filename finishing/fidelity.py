"""How faithfully a finished picture shows the product: its outline, its colour, its structure, against the cut-out it was made from."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from finishing.colour import WEIGHTS, Pixels, encoded, linear, to_lab
from finishing.plates import Bytes

# Longest side that is compared: enough for print on a label, and quick.
_SIDE = 512


def measure(picture: Bytes, cutout: Bytes, box: tuple[float, float, float, float]) -> dict[str, float]:
    """Compare the product in an RGB picture with its RGBA cut-out.

    `box` is where the cut-out's solid part (alpha over one half) stands in the picture, in pixels: left, top, right, bottom.

    - `mask_overlap` (0 to 1): the share of the cut-out's mask, placed in the box, where the picture does show the product (see `_seen`).
      What lies outside the mask cannot be told from scenery, so it does not count. It falls when the product was moved, cut, covered or redrawn.
    - `delta_e`: median CIE 1976 colour difference (CIE 15:2004, distance in L*a*b*) inside the mask, after one gain per channel in
      linear light was fitted: a scene may light the product, it may not recolour it. About 2.3 is just noticeable (Mahy et al. 1994).
    - `ssim` (-1 to 1): mean structural similarity of the luma inside the mask (Wang et al., IEEE TIP 13(4), 2004; Gaussian window of
      sigma 1.5, K1 0.01, K2 0.03), after the same gain and a slow shading were taken out, for those are light, not product.

    Raises ValueError when the box does not lie on the picture or the cut-out is empty.
    """
    wanted, mask = _reference(cutout, box)
    found = _region(picture, box, (mask.shape[1], mask.shape[0]))
    sure = cv2.erode((mask > 0.95).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not sure.any():
        raise ValueError("The cut-out has no solid part to compare.")
    fitted = _fitted(wanted, found, sure)
    difference = np.linalg.norm(to_lab(found) - to_lab(fitted), axis=-1)
    shaded = _shaded(fitted @ WEIGHTS, found @ WEIGHTS, sure)
    similar = _ssim(shaded, (found @ WEIGHTS).astype(np.float32))
    return {
        "mask_overlap": round(_overlap(mask, found, fitted), 4),
        "delta_e": round(float(np.median(difference[sure])), 3),
        "ssim": round(float(similar[sure].mean()), 4),
    }


def _reference(cutout: Bytes, box: tuple[float, float, float, float]) -> tuple[Pixels, Pixels]:
    """The cut-out's solid part at the size it is compared at: its colours and its alpha, 0 to 1."""
    solid = cutout[..., 3] > 127
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        raise ValueError("The cut-out is empty.")
    part = np.ascontiguousarray(cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    wide, tall = box[2] - box[0], box[3] - box[1]
    if wide < 4 or tall < 4:
        raise ValueError("The product's box is too small to compare.")
    scale = min(1.0, _SIDE / max(wide, tall))
    size = (max(4, round(wide * scale)), max(4, round(tall * scale)))
    image = Image.fromarray(part).resize(size, Image.Resampling.LANCZOS)
    pixels: Pixels = np.asarray(image).astype(np.float32) / np.float32(255)
    return pixels[..., :3], pixels[..., 3]


def _region(picture: Bytes, box: tuple[float, float, float, float], size: tuple[int, int]) -> Pixels:
    height, width = picture.shape[:2]
    if box[0] < -1 or box[1] < -1 or box[2] > width + 1 or box[3] > height + 1:
        raise ValueError("The product's box does not lie on the picture.")
    held = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height)))
    image = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, box=held)
    pixels: Pixels = np.asarray(image).astype(np.float32) / np.float32(255)
    return pixels


def _fitted(wanted: Pixels, found: Pixels, sure: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Pixels:
    """The cut-out's colours under the picture's light: one least-squares gain a channel, held to what light can do (a stop either way)."""
    have, see = linear(wanted[sure]), linear(found[sure])
    gain = np.clip((have * see).sum(axis=0) / np.maximum(np.square(have).sum(axis=0), 1e-6), 0.5, 2.0)
    return np.clip(encoded(linear(wanted) * gain), 0, 1).astype(np.float32)


def _shaded(wanted: Pixels, found: Pixels, sure: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Pixels:
    """The wanted luma under the slow shading that the found one has."""
    inside = sure.astype(np.float32)
    sigma = 0.12 * max(wanted.shape)
    weight = cv2.GaussianBlur(inside, (0, 0), sigma) + 1e-4
    have, see = (cv2.GaussianBlur(part * inside, (0, 0), sigma) / weight for part in (wanted.astype(np.float32), found.astype(np.float32)))
    return np.clip(wanted * np.clip(see / np.maximum(have, 0.02), 0.5, 2.0), 0, 1).astype(np.float32)


def _ssim(one: Pixels, other: Pixels) -> Pixels:
    """Structural similarity at every pixel of two luma pictures, 0 to 1 each."""

    def mean(values: Pixels) -> Pixels:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)

    c1, c2 = 0.01**2, 0.03**2
    mean_one, mean_other = mean(one), mean(other)
    var_one, var_other = mean(one * one) - mean_one**2, mean(other * other) - mean_other**2
    both = mean(one * other) - mean_one * mean_other
    similar = ((2 * mean_one * mean_other + c1) * (2 * both + c2)) / ((mean_one**2 + mean_other**2 + c1) * (var_one + var_other + c2))
    return np.asarray(similar, np.float32)


def _overlap(mask: Pixels, found: Pixels, fitted: Pixels) -> float:
    """The share of the placed mask that is `_seen`."""
    placed = int(np.count_nonzero(mask > 0.5))
    return float(np.count_nonzero(_seen(mask, found, fitted)) / placed) if placed else 0.0


def _seen(mask: Pixels, found: Pixels, fitted: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where inside the mask the picture shows the product: what is within 24 Lab units of it after smoothing.

    Shading makes up to 20 units on the samples, a missing or foreign surface more than 30.
    """
    sigma = 0.012 * max(mask.shape)
    near = np.linalg.norm(to_lab(cv2.GaussianBlur(found, (0, 0), sigma)) - to_lab(cv2.GaussianBlur(fitted, (0, 0), sigma)), axis=-1)
    inside = mask > 0.5
    return np.asarray(inside & (near < 24), np.bool_)
