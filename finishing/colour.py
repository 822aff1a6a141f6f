"""Colour sums that more than one part of finishing needs: hex codes, sRGB and linear light, contrast, Lab, hue."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Pixels = NDArray[np.float32]
Rgb = tuple[int, int, int]

# Luminance weights of the sRGB primaries (IEC 61966-2-1, ITU-R BT.709).
WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def parse_hex(text: str) -> Rgb:
    """ "#rrggbb" or "#rgb" (the # may be missing) as three numbers from 0 to 255. Raises ValueError for anything else."""
    match = _HEX.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"'{text}' is not a colour. Write it like #1a2b3c.")
    digits = match[1] if len(match[1]) == 6 else "".join(letter * 2 for letter in match[1])
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def to_hex(rgb: ArrayLike) -> str:
    """Three numbers from 0 to 255 (rounded and held inside) as "#rrggbb"."""
    red, green, blue = (int(part) for part in np.clip(np.rint(np.asarray(rgb, np.float64)), 0, 255))
    return f"#{red:02x}{green:02x}{blue:02x}"


def linear(encoded_values: ArrayLike) -> Pixels:
    """sRGB values from 0 to 1 as linear light from 0 to 1 (IEC 61966-2-1)."""
    values = np.asarray(encoded_values, np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encoded(linear_values: ArrayLike) -> Pixels:
    """Linear light as sRGB values (IEC 61966-2-1). Negative light counts as none; values over 1 stay over 1."""
    values = np.maximum(np.asarray(linear_values, np.float32), 0)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055).astype(np.float32)


def luminance(rgb: ArrayLike) -> Any:
    """WCAG 2.2 relative luminance (0 to 1) of colours from 0 to 255; the last axis is the channel. One colour gives a float."""
    light = linear(np.asarray(rgb, np.float32) / 255) @ WEIGHTS
    return float(light) if np.ndim(light) == 0 else light


def contrast(one: float, other: float) -> float:
    """WCAG 2.2 contrast ratio (1 to 21) of two relative luminances, in whichever order."""
    dark, light = sorted((float(one), float(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """The colour `share` (0 to 1) of the way from one to the other, mixed in linear light."""
    ends = linear(np.array([one, other], np.float32) / 255)
    red, green, blue = np.rint(encoded(ends[0] * (1 - share) + ends[1] * share) * 255).astype(int)
    return int(red), int(green), int(blue)


def lighten(rgb: Rgb, share: float) -> Rgb:
    """The colour moved `share` (0 to 1) of the way to white; its hue stays."""
    return _with_lab(rgb, share, 100.0)


def darken(rgb: Rgb, share: float) -> Rgb:
    """The colour moved `share` (0 to 1) of the way to black; its hue stays."""
    return _with_lab(rgb, share, 0.0)


def _with_lab(rgb: Rgb, share: float, end: float) -> Rgb:
    light, a, b = to_lab(np.array(rgb, np.float32) / 255)
    moved = light + (end - light) * share
    # Chroma shrinks towards both ends as the gamut does; else channels clip and the hue slips.
    keep = 1 - share if end > 50 else moved / max(float(light), 1e-6)
    red, green, blue = np.rint(from_lab(np.array([moved, a * keep, b * keep], np.float32)) * 255).astype(int)
    return int(red), int(green), int(blue)


# CIE XYZ of linear sRGB under D65 (IEC 61966-2-1), and the white point it implies.
_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]], np.float32)
_FROM_XYZ = np.linalg.inv(_TO_XYZ.astype(np.float64)).astype(np.float32)
_WHITE = _TO_XYZ.sum(axis=1)
_KNEE = 6 / 29


def to_lab(rgb: ArrayLike) -> Pixels:
    """sRGB values from 0 to 1 (last axis) as CIE L*a*b* under D65 (CIE 15:2004)."""
    part = (linear(rgb) @ _TO_XYZ.T) / _WHITE
    curve = np.where(part > _KNEE**3, np.cbrt(part), part / (3 * _KNEE**2) + 4 / 29)
    x, y, z = curve[..., 0], curve[..., 1], curve[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def from_lab(lab: ArrayLike) -> Pixels:
    """CIE L*a*b* under D65 as sRGB values, held to 0 to 1."""
    values = np.asarray(lab, np.float32)
    y = (values[..., 0] + 16) / 116
    curve = np.stack([y + values[..., 1] / 500, y, y - values[..., 2] / 200], axis=-1)
    xyz = np.where(curve > _KNEE, curve**3, 3 * _KNEE**2 * (curve - 4 / 29)) * _WHITE
    return np.clip(encoded(xyz @ _FROM_XYZ.T), 0, 1).astype(np.float32)


def hue_moved(rgb: Rgb, degrees: float) -> Rgb:
    """The colour with its Lab hue turned by so many degrees, lightness and chroma kept as far as sRGB has them."""
    light, a, b = to_lab(np.array(rgb, np.float32) / 255)
    turn = np.deg2rad(degrees)
    turned = np.array([light, a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)], np.float32)
    red, green, blue = np.rint(from_lab(turned) * 255).astype(int)
    return int(red), int(green), int(blue)
