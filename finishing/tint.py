"""Tint: a rendered set in a brand's colours. The set's own light stays, its hue becomes the wished one."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from finishing.colour import WEIGHTS, Pixels, Rgb, encoded, from_lab, linear, parse_hex, to_hex, to_lab
from finishing.framing import Window, cut
from finishing.plates import Bytes, Plate

Palette = Mapping[str, str]
_STEPS = 2048


def tinted(plate: Plate, window: Window, shape: tuple[int, int], palette: Palette) -> Pixels:
    """The window's part of a plate with its groups in the palette's colours, as sRGB values 0 to 1.

    Groups that the palette does not name stay as rendered. Per group, colour = wished colour x grey / the group's lit grey, in linear
    light; as that depends on the grey alone, it is a table look-up.
    """
    base: Pixels = cut(plate.rgb, window, shape, plain_top=plate.facts.plain_top) / np.float32(255)
    np.clip(base, 0, 1, out=base)
    wished = [(index, palette[group]) for index, group in enumerate(plate.facts.groups) if group in palette]
    if plate.labels is None or not wished:
        return base
    steps = np.rint((base @ WEIGHTS) * (_STEPS - 1)).astype(np.int32)
    out = np.zeros_like(base)
    left_over = np.ones(base.shape[:2], np.float32)
    for index, colour in wished:
        table = _table(parse_hex(colour), plate.references[index])
        if len(plate.facts.groups) == 1:
            return np.asarray(table[steps], np.float32)
        weight = _weight(plate.labels, index + 1, window, shape, plate.facts.plain_top)
        part = weight > 0
        out[part] += table[steps[part]] * weight[part][:, None]
        left_over -= weight
    rest = left_over > 1e-3
    out[rest] += base[rest] * left_over[rest][:, None]
    return np.clip(out, 0, 1)


def _table(colour: Rgb, reference: float) -> Pixels:
    """The tinted sRGB colour for every step of grey (sRGB too)."""
    wished = linear(np.array(colour, np.float32) / 255)
    relative = (linear(np.linspace(0, 1, _STEPS, dtype=np.float32)) / reference)[:, None]
    # In shade a colour deepens (it is lit by its own bounce), in light it stays clean.
    deepen = np.clip(0.35 * (1 - relative), 0, 0.35)
    pure = np.clip(wished / max(float(wished.max()), 1e-3), 0.02, 1)
    return np.clip(encoded(wished * relative * pure**deepen), 0, 1).astype(np.float32)


def _weight(labels: Bytes, number: int, window: Window, shape: tuple[int, int], plain_top: bool) -> Pixels:
    """How far each pixel of the picture belongs to a group, 0 to 1, soft along the seams."""
    member = np.where(labels == number, np.uint8(255), np.uint8(0))
    weight = cut(member, window, shape, plain_top=plain_top)
    return np.clip(cv2.GaussianBlur(weight, (0, 0), 0.7) / 255, 0, 1).astype(np.float32)


def brand_palette(groups: tuple[str, ...], primary: str, accent: str | None, tone: int) -> dict[str, str]:
    """Colours for a scene's groups from a brand's primary colour (and accent, if any).

    `tone` turns through three ways: a light shade of it, the colour itself, a deep shade. Raises ValueError for what is no colour.
    """
    light, a, b = (float(part) for part in to_lab(np.array(parse_hex(primary), np.float32) / 255))
    chroma = float(np.hypot(a, b))
    hue = np.arctan2(b, a)
    if tone % 3 == 0:
        backdrop = (84.0, min(chroma, 26.0))
    elif tone % 3 == 1:
        backdrop = (float(np.clip(light, 22, 88)), chroma)
    else:
        backdrop = (float(np.clip(light * 0.6, 18, 42)), min(chroma, 42.0))
    return _family(groups, backdrop, float(hue), accent if tone % 3 == 1 else None)


def product_palette(groups: tuple[str, ...], cutout: Bytes, tone: int) -> dict[str, str]:
    """Light, quiet colours for a scene's groups that go with the product's own dominant colour (RGBA cut-out).

    `tone` turns through the same hue, a neighbour and the opposite one.
    """
    hue, chroma = dominant(cutout)
    turn = (0.0, 28.0, 180.0)[tone % 3]
    quiet = min(max(chroma * 0.42, 7.0), 22.0) if chroma > 6 else 5.0
    return _family(groups, (86.0 - 2.0 * (tone % 3), quiet), hue + float(np.deg2rad(turn)), None)


def dominant(cutout: Bytes) -> tuple[float, float]:
    """Lab hue (radians) and chroma of the colour that most of a product's coloured pixels have. A grey product has a chroma near 0."""
    small = cv2.resize(cutout, (64, 64), interpolation=cv2.INTER_AREA)
    lab = to_lab(small[small[..., 3] > 200][:, :3].astype(np.float32) / 255).reshape(-1, 3)
    if not len(lab):
        return 0.9, 0.0
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    hue = np.arctan2(lab[:, 2], lab[:, 1])
    bins = ((hue + np.pi) / (2 * np.pi) * 24).astype(int) % 24
    # Strong colours count more than tinted greys, and black or white hardly at all.
    weight = np.where((chroma > 8) & (lab[:, 0] > 12) & (lab[:, 0] < 96), chroma, 0)
    if weight.sum() < 0.02 * len(lab) * 20:
        return 0.9, float(np.median(chroma)) if len(chroma) else 0.0
    votes = np.bincount(bins, weight, minlength=24)
    votes = votes + 0.5 * (np.roll(votes, 1) + np.roll(votes, -1))
    near = (np.abs((bins - int(votes.argmax()) + 12) % 24 - 12) <= 1) & (weight > 0)
    mean = np.average(np.exp(1j * hue[near]), weights=weight[near])
    return float(np.angle(mean)), float(np.average(chroma[near], weights=weight[near]))


def jittered(palette: Palette, lightness: float, degrees: float) -> dict[str, str]:
    """The palette with every colour a little lighter or darker (Lab L) and turned by a few degrees of hue: a fresh take, the same family."""
    out = {}
    turn = np.deg2rad(degrees)
    for role, colour in palette.items():
        light, a, b = (float(part) for part in to_lab(np.array(parse_hex(colour), np.float32) / 255))
        moved = (np.clip(light + lightness, 4, 97), a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn))
        out[role] = to_hex(from_lab(np.array(moved, np.float32)) * 255)
    return out


def _family(groups: tuple[str, ...], backdrop: tuple[float, float], hue: float, accent: str | None) -> dict[str, str]:
    """One hue through a whole set: podium and stage lighter than the backdrop, accent 13 Lab points darker; on dark sets everything lighter."""
    light, chroma = backdrop
    dark = light < 50
    steps = {
        "backdrop": (light, chroma),
        "podium": (min(light + (9 if dark else 6), 95), chroma * (1.0 if dark else 0.7)),
        "stage": (min(light + (9 if dark else 6), 95), chroma * (1.0 if dark else 0.7)),
        "accent": (light + (15 if dark else -13), min(chroma * 0.9, 48) if dark else min(chroma * 1.3 + 4, 70)),
        "pop": (light + (30 if dark else -22), min(chroma * 1.8 + 10, 80)),
        "pop2": (light + (24 if dark else -8), min(chroma * 1.5 + 8, 76)),
    }
    out = {}
    for group in groups:
        step_light, step_chroma = steps.get(group, (light, chroma))
        lab = np.array([step_light, step_chroma * np.cos(hue), step_chroma * np.sin(hue)], np.float32)
        out[group] = to_hex(from_lab(lab) * 255)
    if accent and "accent" in out:
        parse_hex(accent)
        out["accent"] = accent
    return out
