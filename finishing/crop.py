"""From a raw picture to the frame of a placement: cropped on purpose, and continued where the picture ends."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from finishing.contrast import Frame
from finishing.specs import Box, Geometry

MARGIN = 0.04  # room kept round the product, as a share of the frame's sides
EDGE = 0.05  # the share of a picture whose colours continue it
BLEND = 0.10  # how much of the picture melts into its continuation
# A banner's quiet ground, in short sides: how far from the product it begins (beside it, above it), how long it takes, how strongly it
# is blurred. Beside the product a set's ring or disc stays whole.
CLEAR_BESIDE, CLEAR_ABOVE, MELT, BLUR = 0.5, 0.15, 0.55, 0.22


@dataclass(frozen=True)
class Framed:
    """A frame's pixels, and where the product stands in it (pixels), if there is one."""

    pixels: NDArray[np.uint8]
    product: Frame | None


def framed(picture: Image.Image, geometry: Geometry, size: tuple[int, int]) -> Framed:
    """The picture cropped to `size` (width, height in pixels), the product whole and at the share of the frame where it stood.

    When a crop of that proportion cannot hold the product, the picture is continued at its edges instead.
    """
    width, height = picture.size
    scale = max(size[0] / width, size[1] / height)
    window = (size[0] / scale, size[1] / scale)
    product = geometry.product
    if product is None:
        left, top = (width - window[0]) / 2, (height - window[1]) / 2
    else:
        room = (product.right - product.left) * width * (1 + 2 * MARGIN), (product.bottom - product.top) * height * (1 + 2 * MARGIN)
        if room[0] > window[0] or room[1] > window[1]:
            return continued(picture, product, size, (0.5, 0.5), min(size[0] / room[0], size[1] / room[1]))
        left = _offset((product.left + product.right) / 2, product.left, product.right, width, window[0])
        top = _offset((product.top + product.bottom) / 2, product.top, product.bottom, height, window[1])
    box = (left, top, left + window[0], top + window[1])
    cropped = picture.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return Framed(np.asarray(cropped), _mapped(product, picture.size, (left, top), scale))


def _offset(centre: float, low: float, high: float, length: int, window: float) -> float:
    """Where a crop begins so that the product keeps its share of the frame, and is whole with its margin."""
    offset = centre * length - centre * window
    margin = MARGIN * window
    offset = min(offset, low * length - margin)
    offset = max(offset, high * length + margin - window)
    return float(min(max(offset, 0.0), length - window))


def continued(picture: Image.Image, product: Box, size: tuple[int, int], at: tuple[float, float], scale: float) -> Framed:
    """The whole picture at `scale`, laid so that the product's middle is at `at` (fractions of the frame), its edges continued.

    What lies beyond the picture takes the colours of its outermost strip, smoothed along it, and melts into it.
    """
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)).astype(np.float32)
    middle = (product.left + product.right) / 2 * width, (product.top + product.bottom) / 2 * height
    left = _laid(at[0] * size[0] - middle[0], width, size[0])
    top = _laid(at[1] * size[1] - middle[1], height, size[1])
    filled = _filled(small, (left, top), size)
    return Framed(filled, _mapped(product, picture.size, (-left / scale, -top / scale), scale))


def calmed(frame: Framed) -> Framed:
    """The frame of a banner whose scene melts into a blur of itself away from the product, so that words stand on quiet ground."""
    if frame.product is None:
        return frame
    height, width = frame.pixels.shape[:2]
    left, top, right, bottom = frame.product
    clear = CLEAR_BESIDE if width > height else CLEAR_ABOVE
    if width > height:
        # The larger side of the product is the words'.
        away = left - np.arange(width) if left > width - right else np.arange(width) - right
        short = height
    else:
        away, short = top - np.arange(height), width
    share = np.clip((away - clear * short) / (MELT * short), 0, 1).astype(np.float32)
    share = share * share * (3 - 2 * share)
    mask = share[None, :, None] if width > height else share[:, None, None]
    whole = frame.pixels.astype(np.float32)
    # The product's own colours are kept out of the blur: it is weighed by what is not product.
    weight = np.ones((height, width), np.float32)
    weight[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = 0
    scale = min(1.0, 120 / short)
    size = max(2, round(width * scale)), max(2, round(height * scale))
    small = cv2.resize(whole * weight[..., None], size, interpolation=cv2.INTER_AREA)
    thin = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    sigma = BLUR * short * scale
    blurred = cv2.GaussianBlur(small, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(thin, (0, 0), sigma), 1e-3)[..., None]
    quiet = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_CUBIC)
    # A little of the grain that the picture has: a perfectly smooth ground would look like another picture, and band.
    grain = whole - cv2.GaussianBlur(whole, (0, 0), 1.2)
    quiet += np.clip(grain, -6, 6)
    return Framed(np.asarray(np.clip(whole + (quiet - whole) * mask + 0.5, 0, 255), np.uint8), frame.product)


def _laid(wished: float, length: int, frame: int) -> int:
    """A place for the picture along one side: as wished, but covering the frame as far as the picture reaches."""
    if length >= frame:
        return round(min(0.0, max(wished, frame - length)))
    return round(min(max(wished, 0.0), frame - length))


def _filled(picture: NDArray[np.float32], place: tuple[int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    columns = _stretched(picture, place[0], size[0], axis=1)
    return np.asarray(np.clip(_stretched(columns, place[1], size[1], axis=0) + 0.5, 0, 255), np.uint8)


def _stretched(picture: NDArray[np.float32], offset: int, length: int, axis: int) -> NDArray[np.float32]:
    """The picture laid at `offset` along one axis of a longer frame, or cut to it, its ends continued smoothly."""
    turned = picture if axis == 1 else picture.transpose(1, 0, 2)
    own = turned.shape[1]
    if offset <= 0 and offset + own >= length:
        cut = turned[:, -offset : -offset + length]
        return cut if axis == 1 else cut.transpose(1, 0, 2)
    canvas = np.empty((turned.shape[0], length, 3), np.float32)
    strip = max(2, round(EDGE * own))
    first, last = _edge(turned[:, :strip]), _edge(turned[:, -strip:])
    canvas[:, : max(offset, 0)] = first[:, None]
    canvas[:, offset + own :] = last[:, None]
    body = turned.copy()
    melt = max(2, round(BLEND * own))
    ramp = np.linspace(0, 1, melt, dtype=np.float32)[None, :, None]
    ramp = ramp * ramp * (3 - 2 * ramp)
    if offset > 0:
        body[:, :melt] = first[:, None] * (1 - ramp) + body[:, :melt] * ramp
    if offset + own < length:
        body[:, -melt:] = last[:, None] * ramp + body[:, -melt:] * (1 - ramp)
    canvas[:, max(offset, 0) : offset + own] = body[:, max(-offset, 0) :][:, : length - max(offset, 0)]
    return canvas if axis == 1 else canvas.transpose(1, 0, 2)


def _edge(strip: NDArray[np.float32]) -> NDArray[np.float32]:
    """One colour a row, without the streaks that repeated pixels would draw."""
    line = strip.mean(axis=1)[:, None]
    return np.asarray(cv2.GaussianBlur(line, (0, 0), sigmaX=1, sigmaY=max(1.0, 0.06 * len(line)))).reshape(-1, 3)


def _mapped(product: Box | None, picture: tuple[int, int], corner: tuple[float, float], scale: float) -> Frame | None:
    if product is None:
        return None
    return (
        (product.left * picture[0] - corner[0]) * scale,
        (product.top * picture[1] - corner[1]) * scale,
        (product.right * picture[0] - corner[0]) * scale,
        (product.bottom * picture[1] - corner[1]) * scale,
    )
