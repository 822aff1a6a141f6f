"""Cutting the product out of its photograph: an alpha that came with it, a learned model, a plain ground, or what a person marked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from finishing import learned, marked, masks, matte, plain_ground
from finishing.masks import Floats, Mask
from finishing.specs import Box

__all__ = ["CONFIDENT", "CutOut", "NothingFound", "Stroke", "cut_out", "cut_out_marked"]

Method = Literal["alpha", "learned", "plain ground", "marked"]
Stroke = marked.Stroke

METHOD = 2  # one more whenever the same photo is cut out differently: cut-outs are remembered by it
CONFIDENT = 0.45  # below this a cut-out is a guess
VISIBLE = 8  # alpha below this (of 255) is no part of a product
# What a person is told who marked the product himself: his word counts.
MARKED_CONFIDENCE = 0.8
LEARNED_CONFIDENCE = 0.9

ADVICE = {
    "busy": "The background is busy, so the edge is a guess. Use a photo on a plain ground, draw a box round the product, or take a frame "
    "without cut-out.",
    "cut": "The product touches the photo's edge. Use a photo that shows all of it, or take a frame without cut-out.",
    "torn": "The product hardly stands out from its ground, so the edge is a guess. Use a ground of another colour, or draw a box round it.",
    "large": "The product fills nearly all of the photo. Step back a little, or take a frame without cut-out.",
}


class NothingFound(ValueError):
    """No product could be told from its ground; the message says what to do."""


@dataclass(frozen=True)
class CutOut:
    """A product without its ground: a WebP with alpha, cropped to the product, and how far it may be trusted (0 to 1).

    `box` is where it was in the photo, in fractions. `advice` is a sentence for the marketer where the trust is low.
    """

    data: bytes
    width: int
    height: int
    box: Box
    confidence: float
    method: Method
    advice: str = ""
    type: str = "image/webp"


def cut_out(photo: bytes, *, model_path: str = "") -> CutOut:
    """Cut the product out of a safe photograph. An alpha that came with it is kept as it is.

    `model_path` names an ONNX file that is used where onnxruntime is there, too. Raises NothingFound.
    """
    with Image.open(io.BytesIO(photo)) as opened:
        picture = opened.convert("RGBA") if "A" in opened.getbands() or "transparency" in opened.info else opened.convert("RGB")
    if picture.mode == "RGBA":
        return _kept(np.asarray(picture))
    pixels = np.asarray(picture)
    if model_path and not learned.unavailable(model_path):
        mask = learned.find(pixels, model_path)
        if mask is not None and mask.any():
            return _cut(pixels, mask, LEARNED_CONFIDENCE, "learned")
    found = plain_ground.find(pixels)
    if found is None:
        raise NothingFound("No product stands out in this photo. Use one on a plain ground, or draw a box round the product.")
    advice = "" if found.confidence >= CONFIDENT and not found.doubt else ADVICE.get(found.doubt, ADVICE["torn"])
    return _cut(pixels, found.mask, found.confidence, "plain ground", advice)


def cut_out_marked(photo: bytes, box: Box, keep: Sequence[Stroke] = (), drop: Sequence[Stroke] = ()) -> CutOut:
    """Cut out what a person marked: a box round the product, strokes on what to keep and on what to drop (fractions of the photo).

    Raises NothingFound when nothing in the box can be told from what is outside.
    """
    with Image.open(io.BytesIO(photo)) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    mask = marked.find(pixels, box, keep, drop)
    if not mask.any():
        raise NothingFound("Nothing in this box can be told from its surroundings. Draw the box a little larger, or mark what to keep.")
    return _cut(pixels, mask, MARKED_CONFIDENCE, "marked")


def _kept(pixels: NDArray[np.uint8]) -> CutOut:
    """The uploader's own alpha, cropped to what can be seen."""
    return _file(pixels, 1.0, "alpha", "")


def _cut(pixels: NDArray[np.uint8], mask: Mask, confidence: float, method: Method, advice: str = "") -> CutOut:
    """Soft alpha and clean edge colour, worked out at full size only where the product is."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = _bounds(mask)
    scale = width / mask.shape[1]
    pad = 0.03 * max(height, width) + 4
    x0, y0 = max(0, int(left * scale - pad)), max(0, int(top * scale - pad))
    x1, y1 = min(width, int(right * scale + pad)), min(height, int(bottom * scale + pad))
    # A mask has steps; softened before it grows, its outline is a line again.
    large = masks.resized(masks.blurred(mask, 1.4), width, height, cv2.INTER_CUBIC)[y0:y1, x0:x1] > 0.5
    part: Floats = pixels[y0:y1, x0:x1].astype(np.float32)
    alpha = matte.soft_alpha(part, large)
    colour = matte.clean_colour(part, alpha)
    cut = np.dstack([colour, (alpha * 255 + 0.5).astype(np.uint8)])
    whole = np.zeros((height, width, 4), np.uint8)
    whole[y0:y1, x0:x1] = cut
    return _file(whole, confidence, method, advice)


def _file(rgba: NDArray[np.uint8], confidence: float, method: Method, advice: str) -> CutOut:
    """Crop to what can be seen, and encode without loss."""
    height, width = rgba.shape[:2]
    seen = rgba[..., 3] >= VISIBLE
    if not seen.any():
        raise NothingFound("This picture is transparent all over. Use one that shows the product.")
    left, top, right, bottom = _bounds(seen)
    buffer = io.BytesIO()
    cropped = Image.fromarray(np.ascontiguousarray(rgba[top:bottom, left:right]))
    cropped.save(buffer, "WEBP", lossless=True, quality=40, method=2, exact=True)
    box = Box(left / width, top / height, right / width, bottom / height)
    return CutOut(buffer.getvalue(), right - left, bottom - top, box, round(confidence, 3), method, advice)


def _bounds(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is set, in pixels; right and bottom are one further."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
