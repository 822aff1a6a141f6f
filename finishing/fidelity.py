"""How faithfully a finished picture shows the product: its outline, its colour, its structure, against the cut-out it was made from."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from PIL import Image

from finishing.colour import WEIGHTS, Pixels, encoded, linear, to_lab
from finishing.plates import Bytes

# Longest side that is compared: enough for print on a label, and quick.
_SIDE = 512
SLOW = 0.06  # of the product's longest side: shading that is slower than this is light
# What a brand asks for where it says nothing else: below (of overlap and structure) or above (of colour) an ad is flagged.
BOUNDS = {"mask_overlap": 0.93, "delta_e_mean": 5.0, "delta_e_p95": 14.0, "ssim": 0.80, "label_read": 0.6}
PERCENT = frozenset({"mask_overlap", "ssim", "label_read"})
# Whether more is better, and what is said when it is not enough.
SENTENCES = {
    "mask_overlap": (True, "Only {value} of the product is seen as it is; {bound} is asked for."),
    "delta_e_mean": (False, "The product's colours are off by ΔE {value} on average; {bound} is the most."),
    "delta_e_p95": (False, "Parts of the product are off by ΔE {value}; {bound} is the most."),
    "ssim": (True, "The product's structure is kept to {value}; {bound} is asked for."),
    "label_read": (True, "Only {value} of the words on the product can be read in the ad; {bound} is asked for."),
}


def measure(picture: Bytes, cutout: Bytes, box: tuple[float, float, float, float]) -> dict[str, float]:
    """Compare the product in an RGB picture with its RGBA cut-out.

    `box` is where the cut-out's solid part (alpha over one half) stands in the picture, in pixels: left, top, right, bottom.

    - `mask_overlap` (0 to 1): the share of the cut-out's mask, placed in the box, where the picture does show the product (see `_seen`).
      What lies outside the mask cannot be told from scenery, so it does not count. It falls when the product was moved, cut, covered or redrawn.
    - `delta_e_mean` and `delta_e_p95`: mean and 95th percentile of CIEDE2000 (Sharma, Wu, Dalal 2005) there, both pictures smoothed by one
      pixel, after that gain and a slow shading were taken out: what a scene's light does is not counted, what redraws the product is.
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
    seen, lit = (to_lab(cv2.GaussianBlur(part, (0, 0), 1.0))[sure] for part in (found, _lit(fitted, found, sure)))
    colours = ciede2000(seen, lit)
    similar = _ssim(shaded, (found @ WEIGHTS).astype(np.float32))
    return {
        "mask_overlap": round(_overlap(mask, found, fitted), 4),
        "delta_e": round(float(np.median(difference[sure])), 3),
        "delta_e_mean": round(float(colours.mean()), 3),
        "delta_e_p95": round(float(np.percentile(colours, 95)), 3),
        "ssim": round(float(similar[sure].mean()), 4),
    }


def shortfalls(fidelity: Mapping[str, float], bounds: Mapping[str, float] | None = None) -> list[str]:
    """What of a certificate is not good enough, as sentences; none where nothing was measured. `bounds` go over `BOUNDS`."""
    held = {**BOUNDS, **(bounds or {})}
    said = []
    for name, (least, sentence) in SENTENCES.items():
        value = fidelity.get(name)
        if value is not None and (value < held[name] if least else value > held[name]):
            shown, bound = (f"{value:.0%}", f"{held[name]:.0%}") if name in PERCENT else (f"{value:.1f}", f"{held[name]:g}")
            said.append(sentence.format(value=shown, bound=bound))
    return said


def ciede2000(one: Pixels, other: Pixels) -> Pixels:
    """CIEDE2000 colour differences of two arrays of CIE L*a*b* colours, kL = kC = kH = 1 (Sharma, Wu, Dalal 2005)."""
    light_one, a_one, b_one = np.moveaxis(one.astype(np.float64), -1, 0)
    light_two, a_two, b_two = np.moveaxis(other.astype(np.float64), -1, 0)
    mean_chroma = (np.hypot(a_one, b_one) + np.hypot(a_two, b_two)) / 2
    grey = 1.5 - 0.5 * np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))
    a_one, a_two = a_one * grey, a_two * grey
    chroma_one, chroma_two = np.hypot(a_one, b_one), np.hypot(a_two, b_two)
    hue_one, hue_two = np.degrees(np.arctan2(b_one, a_one)) % 360, np.degrees(np.arctan2(b_two, a_two)) % 360
    apart = hue_two - hue_one
    coloured = chroma_one * chroma_two > 0
    turn = np.where(coloured, np.where(apart > 180, apart - 360, np.where(apart < -180, apart + 360, apart)), 0.0)
    d_light, d_chroma = light_two - light_one, chroma_two - chroma_one
    d_hue = 2 * np.sqrt(chroma_one * chroma_two) * np.sin(np.radians(turn) / 2)
    light, chroma = (light_one + light_two) / 2, (chroma_one + chroma_two) / 2
    total = hue_one + hue_two
    around = np.where(np.abs(apart) > 180, np.where(total < 360, total + 360, total - 360), total) / 2
    hue = np.where(coloured, around, total)
    weigh = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    s_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weigh
    bend = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    parts = d_light / s_light, d_chroma / s_chroma, d_hue / s_hue
    whole = parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2 + bend * parts[1] * parts[2]
    return np.asarray(np.sqrt(np.maximum(whole, 0)), np.float32)


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


def _lit(wanted: Pixels, found: Pixels, sure: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Pixels:
    """The wanted colours under the slow shading of each channel that the found ones have: what a scene's light does, and no more than it can."""
    inside = sure.astype(np.float32)[..., None]
    sigma = SLOW * max(wanted.shape[:2])
    weight = cv2.GaussianBlur(sure.astype(np.float32), (0, 0), sigma)[..., None] + 1e-4
    have, see = (cv2.GaussianBlur(linear(part) * inside, (0, 0), sigma) / weight for part in (wanted, found))
    gain = np.clip(see / np.maximum(have, 0.004), 0.4, 2.2)
    grey = gain.mean(axis=-1, keepdims=True)
    # Light is warm or cool, not green where it was red: a channel leaves the mean by little.
    gain = grey * np.clip(gain / np.maximum(grey, 1e-3), 0.85, 1.18)
    return np.clip(encoded(linear(wanted) * gain), 0, 1).astype(np.float32)


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
