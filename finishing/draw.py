"""Drawing words, buttons, badges and marks onto a picture, smooth at the edges."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFilter

from finishing.contrast import Rgb
from finishing.fit import Fitted, hanging
from finishing.fonts import FINE, bearing, features_of, font, samples

SAMPLES = 4  # shapes are drawn this much larger and scaled down
SHADOW, BADGE_SHADOW = 0.26, 0.20


def text(picture: Image.Image, fitted: Fitted, x: float, y: float, ink: Rgb, align: str, width: float) -> None:
    """Draw the lines; (x, y) is the left of a column of `width` pixels and the top of the first line's capitals."""
    # Small letters are sharpest when their feet stand on a whole pixel.
    baseline = round(y + fitted.cap) if fitted.size < FINE else y + fitted.cap
    for line, line_width in zip(fitted.lines, fitted.widths, strict=True):
        free = width - line_width
        hung = hanging(line, fitted.face, fitted.size, align) if fitted.hangs else 0.0
        start = x + hung + (free / 2 if align == "center" else free if align == "right" else -bearing(line, fitted.face, fitted.size))
        _line(picture, start, baseline, line, fitted, ink)
        baseline += fitted.advance


def _line(picture: Image.Image, x: float, y: float, line: str, fitted: Fitted, ink: Rgb) -> None:
    """One line with its first letter's origin at (x, y), drawn larger and scaled down: advances and places are then exact."""
    times = samples(fitted.size)
    face = font(fitted.face, fitted.size * times)
    figures = features_of(line)
    box = face.getbbox(line, anchor="ls", features=figures)
    spread = math.ceil(abs(fitted.tracking) * len(line)) + 2
    left, top = math.floor(x + box[0] / times) - 1, math.floor(y + box[1] / times) - 1
    right, bottom = math.ceil(x + box[2] / times) + spread, math.ceil(y + box[3] / times) + 2
    mask = Image.new("L", ((right - left) * times, (bottom - top) * times), 0)
    draw, origin = ImageDraw.Draw(mask), ((x - left) * times, (y - top) * times)
    if not fitted.tracking:
        draw.text(origin, line, font=face, fill=255, anchor="ls", features=figures)
    for index, letter in enumerate(line if fitted.tracking else ""):
        # A letter stands where the shaped text before it ends, so that the face's own kerning stays.
        before = face.getlength(line[: index + 1], features=figures) - face.getlength(letter, features=figures)
        place = (origin[0] + before + index * fitted.tracking * times, origin[1])
        draw.text(place, letter, font=face, fill=255, anchor="ls", features=figures)
    picture.paste(ink, (left, top), mask.reduce(times))


def pill(picture: Image.Image, frame: tuple[int, int, int, int], fill: Rgb, *, shadow: bool = True) -> None:
    """A button's body: a pill in `fill`, lifted from the picture by a quiet shadow."""
    left, top, right, bottom = frame
    width, height = right - left, bottom - top
    mask = Image.new("L", (width * SAMPLES, height * SAMPLES), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius=mask.height / 2, fill=255)
    mask = mask.resize((width, height), Image.Resampling.LANCZOS)
    if shadow and height >= 24:
        _shadow(picture, mask, (left, round(top + 0.10 * height)), 0.16 * height, SHADOW, fill)
    picture.paste(fill, (left, top), mask)


def arrow(picture: Image.Image, x: float, y: float, size: int, ink: Rgb, *, back: bool = False) -> None:
    """An arrow to the right (`back`: to the left) in a square of `size` pixels whose left middle is (x, y)."""
    side = size * SAMPLES
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    stroke = max(1, int(side * 0.095))
    draw.line((side * 0.1, side * 0.5, side * 0.86, side * 0.5), fill=255, width=stroke)
    draw.line((side * 0.58, side * 0.22, side * 0.88, side * 0.5, side * 0.58, side * 0.78), fill=255, width=stroke, joint="curve")
    mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if back else mask
    picture.paste(ink, (round(x), round(y - size / 2)), mask.resize((size, size), Image.Resampling.LANCZOS))


def badge(picture: Image.Image, centre: tuple[float, float], radius: float, parts: list[Fitted], fill: Rgb, ink: Rgb, turn: float) -> None:
    """A round badge with its lines in the middle, turned by `turn` degrees."""
    half = math.ceil(radius * SAMPLES)
    layer = Image.new("RGBA", (2 * half, 2 * half), (*fill, 0))
    draw = ImageDraw.Draw(layer)
    draw.ellipse((0, 0, 2 * half - 1, 2 * half - 1), fill=(*fill, 255))
    gap = 0.15 * radius
    total = sum(part.cap for part in parts) + gap * (len(parts) - 1)
    y = half - total / 2 * SAMPLES
    for part in parts:
        y += part.cap * SAMPLES
        face = font(part.face, part.size * SAMPLES)
        draw.text((half, y), part.lines[0], font=face, fill=(*ink, 255), anchor="ms", features=features_of(part.lines[0]))
        y += gap * SAMPLES
    layer = layer.rotate(turn, Image.Resampling.BICUBIC).resize((2 * half // SAMPLES, 2 * half // SAMPLES), Image.Resampling.LANCZOS)
    place = round(centre[0] - layer.width / 2), round(centre[1] - layer.height / 2)
    _shadow(picture, layer.getchannel("A"), (place[0], round(place[1] + 0.05 * radius)), 0.09 * radius, BADGE_SHADOW, fill)
    picture.paste(layer, place, layer)


def logo(picture: Image.Image, mark: Image.Image, place: tuple[int, int]) -> None:
    """A logo with its own transparency."""
    picture.paste(mark, place, mark)


def _shadow(picture: Image.Image, mask: Image.Image, place: tuple[int, int], blur: float, strength: float, fill: Rgb) -> None:
    """A soft shadow of a mask; only the part of the picture that it touches is worked on."""
    pad = math.ceil(3 * blur)
    soft = Image.new("L", (mask.width + 2 * pad, mask.height + 2 * pad), 0)
    soft.paste(mask.point(lambda value: value * strength), (pad, pad))
    soft = soft.filter(ImageFilter.GaussianBlur(blur))
    dark = (fill[0] // 5, fill[1] // 5, fill[2] // 5)
    picture.paste(dark, (place[0] - pad, place[1] - pad), soft)
