"""A photograph in a frame: the variant that needs no cut-out. Cropped around what is worth seeing, with a soft shadow on the set."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from finishing.colour import Pixels, to_lab
from finishing.light import blur
from finishing.plates import Bytes
from finishing.specs import Box, Stage

Frame = Literal["arch", "card", "circle", "full"]
FRAMES: tuple[str, ...] = get_args(Frame)

# Width over height of a standing arch, and how far a card follows the photograph's own shape.
ARCH = 0.78
CARD = (0.72, 1.45)
MARGIN = 0.03
_FINE = 4


def frame_box(frame: Frame, shape: tuple[int, int], stage: Stage, photo: tuple[int, int]) -> Box:
    """Where the frame stands in a picture of `shape` pixels: centred on the stage's x, its foot on the ground, inside the picture."""
    if frame == "full":
        return Box(0.0, 0.0, 1.0, 1.0)
    width, height = shape
    ratio = {"arch": ARCH, "circle": 1.0}.get(frame, float(np.clip(photo[0] / photo[1], *CARD)))
    room_x = 2 * (min(stage.x, 1 - stage.x) - MARGIN) * width
    room_y = (stage.ground - MARGIN) * height
    wide = max(min(stage.width * width, room_x, min(stage.height * height, room_y) * ratio), 8.0)
    tall = wide / ratio
    left, bottom = round(stage.x * width - wide / 2), round(stage.ground * height)
    return Box(left / width, (bottom - round(tall)) / height, (left + round(wide)) / width, bottom / height)


def crop_on_detail(photo: Bytes, ratio: float, zoom: float = 1.0) -> Bytes:
    """A crop of an RGB photograph with this width over height, up to `zoom` (1 or more) tighter than the largest.

    It is laid about the middle of the detail, as near as the photograph's edges allow, and never so tight that it cuts what would have fitted.
    """
    height, width = photo.shape[:2]
    wide, tall = min(width, height * ratio), min(height, width / ratio)
    detail = detail_box(photo)
    room = min(wide / ((detail.right - detail.left) * width), tall / ((detail.bottom - detail.top) * height)) / 1.08
    tighter = max(1.0, min(zoom, room))
    wide, tall = wide / tighter, tall / tighter
    x, y = _middle(detail)
    left = int(np.clip(x * width - 0.5 * wide, 0, width - wide))
    top = int(np.clip(y * height - 0.5 * tall, 0, height - tall))
    return photo[top : top + max(1, int(tall)), left : left + max(1, int(wide))]


def detail_box(photo: Bytes) -> Box:
    """The box of what is worth seeing, as fractions: edges and colours that the border does not have."""
    scale = 96 / max(photo.shape[:2])
    size = (max(8, round(photo.shape[1] * scale)), max(8, round(photo.shape[0] * scale)))
    lab = to_lab(cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
    border = np.concatenate([lab[:4].reshape(-1, 3), lab[-4:].reshape(-1, 3), lab[:, :4].reshape(-1, 3), lab[:, -4:].reshape(-1, 3)])
    other = np.linalg.norm(lab - np.median(border, axis=0), axis=-1)
    edges = np.hypot(cv2.Sobel(lab[..., 0], cv2.CV_32F, 1, 0), cv2.Sobel(lab[..., 0], cv2.CV_32F, 0, 1))
    weight = (np.clip(other / 40, 0, 1) + np.clip(edges / 120, 0, 1)).astype(np.float32)
    # Soft shadows and the fall of light on a plain wall are faint: not worth keeping whole.
    weight = np.where(weight > 0.30 * np.percentile(weight, 99), weight, 0)
    left, right = _extent(weight.sum(axis=0))
    top, bottom = _extent(weight.sum(axis=1))
    return Box(left, top, right, bottom)


def framed(scene: Pixels, photo: Bytes, frame: Frame, box: Box, *, zoom: float = 1.0, light_from: float = -1.0) -> None:
    """Hang a photograph (RGB) in the scene (sRGB 0 to 1), in place, with a soft shadow away from the light (-1 left, 1 right)."""
    height, width = scene.shape[:2]
    left, top, right, bottom = round(box.left * width), round(box.top * height), round(box.right * width), round(box.bottom * height)
    wide, tall = right - left, bottom - top
    mask = frame_mask(frame, wide, tall)
    picture = _fitted(crop_on_detail(photo, wide / tall, zoom), (wide, tall))
    if frame == "card":
        picture = _mounted(photo, (wide, tall), zoom)
    _shadow(scene, mask, left, top, light_from)
    # A narrow line of light along the edge, as on the cut edge of a thick board.
    rim = np.clip(mask - blur(mask, max(0.8, 0.0022 * wide)), 0, 1)[..., None] * 0.35
    picture = picture + (1 - picture) * rim
    under = scene[max(top, 0) : bottom, max(left, 0) : right]
    rows, columns = slice(max(-top, 0), max(-top, 0) + under.shape[0]), slice(max(-left, 0), max(-left, 0) + under.shape[1])
    under += (picture[rows, columns] - under) * mask[rows, columns, None]


def full_bleed(photo: Bytes, shape: tuple[int, int], stage: Stage, zoom: float = 1.0) -> Pixels:
    """The photograph over the whole picture, its subject where the stage wants the product, as sRGB 0 to 1.

    A subject that the shape would cut is shown smaller instead; the photograph's own ground then goes on, blurred, to the edges.
    """
    width, height = shape
    tall, wide = photo.shape[:2]
    detail = detail_box(photo)
    cover = max(width / wide, height / tall)
    whole = min(width / ((detail.right - detail.left) * wide), height / ((detail.bottom - detail.top) * tall)) / 1.12
    # Never smaller than the photograph at full width or height: beyond that nothing is gained.
    scale = max(min(cover * zoom, whole), min(width / wide, height / tall))
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    x, y = _middle(detail)
    left = _place(stage.x * width - x * size[0], width, size[0])
    top = _place(float(np.clip(stage.ground - stage.height / 2, 0.3, 0.7)) * height - y * size[1], height, size[1])
    return _extended(_fitted(photo, size), shape, left, top)


def frame_mask(frame: Frame, width: int, height: int) -> Pixels:
    """How far each pixel of a frame's box belongs to it, 0 to 1, with smooth edges."""
    big = (width * _FINE, height * _FINE)
    image = Image.new("L", big, 0)
    draw = ImageDraw.Draw(image)
    if frame == "arch":
        draw.pieslice((0, 0, big[0] - 1, big[0] - 1), 180, 360, fill=255)
        draw.rectangle((0, big[0] // 2, big[0] - 1, big[1] - 1), fill=255)
    elif frame == "circle":
        draw.ellipse((0, 0, big[0] - 1, big[1] - 1), fill=255)
    elif frame == "card":
        draw.rounded_rectangle((0, 0, big[0] - 1, big[1] - 1), radius=round(0.022 * min(big)), fill=255)
    else:
        draw.rectangle((0, 0, *big), fill=255)
    mask: Pixels = np.asarray(image.reduce(_FINE)).astype(np.float32) / np.float32(255)
    return mask


def _extent(weights: Pixels) -> tuple[float, float]:
    """Where the middle 98 % of some weights lie, as fractions. Weights of nothing lie everywhere."""
    total = np.cumsum(weights)
    if total[-1] <= 0:
        return 0.0, 1.0
    low, high = np.searchsorted(total, [total[-1] * 0.01, total[-1] * 0.99])
    return float(low / len(weights)), float((high + 1) / len(weights))


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _place(wished: float, room: int, length: int) -> int:
    """Where something of this length begins: it covers the room when it is longer, lies inside when it is shorter."""
    low, high = sorted((0, room - length))
    return round(min(max(wished, low), high))


def _extended(photo: Pixels, shape: tuple[int, int], left: int, top: int) -> Pixels:
    """A photograph laid into a picture; what it leaves free is its own edge carried on, blurred, without a seam."""
    width, height = shape
    tall, wide = photo.shape[:2]
    rows, columns = np.arange(height) - top, np.arange(width) - left
    whole = photo[np.clip(rows, 0, tall - 1)][:, np.clip(columns, 0, wide - 1)]
    free = max(left, top, width - left - wide, height - top - tall)
    if free <= 0:
        return np.ascontiguousarray(whole)
    # A deep blur of the carried-on edge, let in over the outermost part of the photograph.
    soft = cv2.resize(whole, (max(8, width // 8), max(8, height // 8)), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(cv2.GaussianBlur(soft, (0, 0), 0.045 * max(soft.shape)), (width, height), interpolation=cv2.INTER_CUBIC)
    feather = 0.07 * min(width, height)
    across = np.minimum(_depth(columns, wide, left, width, feather)[None, :], _depth(rows, tall, top, height, feather)[:, None])
    share = (across * across * (3 - 2 * across))[..., None]
    mixed: Pixels = (soft + (whole - soft) * share).astype(np.float32)
    return mixed


def _depth(steps: NDArray[np.intp], length: int, start: int, room: int, feather: float) -> Pixels:
    """How far inside a photograph each row or column lies, 0 at an edge with free room beyond, 1 deeper than `feather`."""
    depth = np.ones(len(steps), np.float32)
    if start > 0:
        depth = np.minimum(depth, np.clip(steps / feather, 0, 1))
    if start + length < room:
        depth = np.minimum(depth, np.clip((length - 1 - steps) / feather, 0, 1))
    return depth.astype(np.float32)


def _fitted(photo: Bytes, size: tuple[int, int]) -> Pixels:
    image = Image.fromarray(np.ascontiguousarray(photo)).resize(size, Image.Resampling.LANCZOS)
    pixels: Pixels = np.asarray(image).astype(np.float32) / np.float32(255)
    if size[0] > 1.15 * photo.shape[1]:
        # A small photograph blown up looks dull: give its edges back what the enlarging took.
        pixels = np.clip(pixels + 0.5 * (pixels - blur(pixels, 1.6)), 0, 1)
    return pixels


def _mounted(photo: Bytes, size: tuple[int, int], zoom: float) -> Pixels:
    """A photograph on white board, as a print with its border."""
    border = max(2, round(0.028 * min(size)))
    inner = (size[0] - 2 * border, size[1] - 2 * border)
    board = np.empty((size[1], size[0], 3), np.float32)
    board[:] = (0.985, 0.98, 0.97)
    board[border:-border, border:-border] = _fitted(crop_on_detail(photo, inner[0] / inner[1], zoom), inner)
    return board


def _shadow(scene: Pixels, mask: Pixels, left: int, top: int, light_from: float) -> None:
    """A tight and a wide shadow under the frame. The set is darkened in its own colour, not greyed."""
    height, width = scene.shape[:2]
    size = min(mask.shape)
    pad = round(0.22 * size)
    for strength, sigma, aside, down in ((0.30, 0.016, 0.010, 0.014), (0.34, 0.060, 0.045, 0.060)):
        soft = blur(np.pad(mask, pad), max(1.0, sigma * size)) * strength
        x, y = left - pad + round(-light_from * aside * size), top - pad + round(down * size)
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + soft.shape[1], width), min(y + soft.shape[0], height)
        if x0 < x1 and y0 < y1:
            shade = soft[y0 - y : y1 - y, x0 - x : x1 - x, None]
            part = scene[y0:y1, x0:x1]
            part *= (1 - shade) * (1 - 0.18 * shade * (1 - part))
