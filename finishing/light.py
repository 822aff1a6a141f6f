"""Light between a product and its set: edge, relighting, shadow, contact, reflection, bounce, grain. All values are sRGB from 0 to 1.

The shadow and light maps were rendered with the set itself, so direction, softness and colour are the set's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, radians, sin

import cv2
import numpy as np

from finishing.colour import WEIGHTS, Pixels, encoded, linear
from finishing.framing import Window
from finishing.plates import PlateFacts, ShadowMap

# Standard deviation of the grain that lies over set and product alike.
GRAIN = 0.010


@dataclass(frozen=True, eq=False)
class Body:
    """A product at its size in the picture: straight colour and alpha, its corner in the picture, its foot's width in pixels."""

    rgb: Pixels
    alpha: Pixels
    left: int
    top: int
    foot_width: float

    @property
    def width(self) -> int:
        """Width in picture pixels."""
        return int(self.alpha.shape[1])

    @property
    def height(self) -> int:
        """Height in picture pixels."""
        return int(self.alpha.shape[0])


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """A Gaussian blur that keeps the number of axes."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.float32).reshape(pixels.shape)


def clean_edge(body: Body) -> Body:
    """Repaint the outermost pixels from just inside: they still carry the photograph's own background, which is a halo on another one."""
    reach = max(1.2, 0.0035 * body.height)
    inner = np.clip((blur(body.alpha, reach) - 0.78) / 0.2, 0, 1)
    near = blur(inner, 2 * reach)
    inside = blur(body.rgb * inner[..., None], 2 * reach) / np.maximum(near, 1e-3)[..., None]
    rim = (0.85 * (1 - inner) * np.clip(near / 0.05, 0, 1))[..., None]
    return replace(body, rgb=(body.rgb * (1 - rim) + inside * rim).astype(np.float32))


def balanced(body: Body, gains: Pixels) -> Body:
    """The photograph under neutral light: gains a channel in linear light, as `balance.cast_of` reads them."""
    if np.allclose(gains, 1, atol=0.01):
        return body
    return replace(body, rgb=np.clip(encoded(linear(np.clip(body.rgb, 0, 1)) * gains), 0, 1).astype(np.float32))


def levelled(body: Body) -> Body:
    """Open up a flat or dim photograph a little: the 98th percentile of its light goes towards 0.93, never clipped; a touch more colour."""
    light = body.rgb @ WEIGHTS
    solid = light[body.alpha > 0.9]
    brightest = float(np.percentile(solid, 98)) if solid.size else 1.0
    gain = float(np.clip(0.93 / max(brightest, 0.2), 1.0, 1.22))
    rgb = 1 - np.power(1 - np.clip(body.rgb, 0, 1), gain)
    grey = (rgb @ WEIGHTS)[..., None]
    return replace(body, rgb=np.clip(grey + (rgb - grey) * 1.12, 0, 1).astype(np.float32))


def relit(body: Body, light: Pixels, facts: PlateFacts) -> Body:
    """Let the set's light fall on the flat studio photograph: side shading, patterns and colour of `light`, a lit white body."""
    fall = cv2.resize(blur(light, 1.0), (body.width, body.height), interpolation=cv2.INTER_CUBIC)
    grey = (fall @ WEIGHTS)[..., None]
    shade = grey / np.percentile(grey, 72)
    colour = fall / np.maximum(grey, 0.02)
    colour = colour / max(float(colour.mean(axis=(0, 1)).max()), 0.01) ** 0.6
    factor = (1 + facts.relight * (np.clip(shade, 0.25, 1.35) - 1)) * (1 + facts.colour_cast * (np.clip(colour, 0.5, 1.6) - 1))
    # Squared is near enough to linear light, and cheap.
    lit = np.sqrt(np.clip(np.square(np.clip(body.rgb, 0, 1)) * np.power(np.maximum(factor, 0), 1.3), 0, 1.2))
    return replace(body, rgb=lit.astype(np.float32))


def cast_shadow(scene: Pixels, facts: PlateFacts, shadows: tuple[ShadowMap, ...], window: Window, body: Body) -> None:
    """Multiply the set's own shadow of a body of this build into the scene, in place."""
    if not shadows:
        return
    build = body.height / max(body.foot_width, 1)
    shadow = min(shadows, key=lambda one: abs(log(one.height / (2 * one.radius) / build)))
    unit = facts.unit[0] * window.scale
    wide = float(np.clip(body.foot_width / unit / (2 * shadow.radius), 0.5, 1.8))
    tall = float(np.clip(body.height / unit / shadow.height, 0.4, 1.8))
    stretch = (wide, 0.5 * (wide + tall))
    x, y = window.foot
    # Far from the foot a map carries the set's own edges, so it fades out.
    box = _inside(scene, x - 1.4 * unit, y - 0.64 * unit, x + 1.4 * unit, y + 0.92 * unit)
    left, top, right, bottom = box
    per_pixel = [window.scale * shadow.step * part for part in stretch]
    shift = [
        foot - part * window.scale * anchor - corner + 0.5 * (each - 1)
        for foot, part, anchor, corner, each in zip(window.foot, stretch, facts.anchor, (left, top), per_pixel, strict=True)
    ]
    matrix = np.array([[per_pixel[0], 0, shift[0]], [0, per_pixel[1], shift[1]]], np.float64)
    factor = cv2.warpAffine(
        np.ascontiguousarray(shadow.factor), matrix, (right - left, bottom - top), flags=cv2.INTER_CUBIC, borderValue=(1.0, 1.0, 1.0)
    )
    across = (np.arange(left, right, dtype=np.float32)[None, :] - x) / (1.35 * unit)
    down = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    distance = np.hypot(across, down / np.where(down < 0, 0.62 * unit, 0.9 * unit))
    fade = _smooth(np.clip((1 - distance) / 0.45, 0, 1))[..., None]
    scene[top:bottom, left:right] *= np.clip(1 + (factor - 1) * fade, 0, 1.12)


def contact_shadow(scene: Pixels, facts: PlateFacts, window: Window, body: Body, *, mapped: bool) -> None:
    """Darken the floor right under the foot, in place. `mapped`: the set's shadow map already did the most of it."""
    wide = body.foot_width
    flat = sin(radians(facts.pitch))
    x, y = window.foot
    far = 0.25 * wide + 4
    left, top, right, bottom = _inside(scene, x - 0.5 * wide - far, y - far, x + 0.5 * wide + far, y + 0.1 * wide + far)
    patch = np.zeros((bottom - top, right - left), np.float32)
    # Sub-pixel ellipse: OpenCV takes 4 fractional bits, so that tiny pictures do not jump.
    centre = (round((x - left) * 16), round((y + 0.012 * wide - top) * 16))
    axes = (max(32, round(wide * 0.492 * 16)), max(32, round(wide * (0.5 * flat + 0.010) * 16)))
    cv2.ellipse(patch, centre, axes, 0, 0, 360, 1.0, -1, cv2.LINE_8, 4)
    near, soft = blur(patch, max(1.0, 0.011 * wide)), blur(patch, max(2.0, 0.055 * wide))
    strength = (0.45 if mapped else 1.0) * facts.contact
    scene[top:bottom, left:right] *= ((1 - strength * near) * (1 - 0.6 * strength * soft))[..., None]


def reflection(scene: Pixels, facts: PlateFacts, window: Window, body: Body) -> None:
    """Mirror the product in a glossy floor, in place: each column about its own lowest pixel, fading, only as deep as the floor goes."""
    depth = int(min(facts.reflection_depth * facts.unit[1] * window.scale, 0.6 * body.height))
    if facts.reflection <= 0 or depth < 2:
        return
    solid = body.alpha > 0.5
    lowest = body.height - 1 - solid[::-1].argmax(axis=0)
    columns = np.flatnonzero(solid.any(axis=0) & (lowest > body.height * 0.86))
    if not columns.size:
        return
    steps = np.arange(min(depth, body.height))[:, None]
    source = lowest[columns][None, :] - steps
    first = int(lowest[columns].min())
    rows = (lowest[columns][None, :] + 1 + steps) - first
    keep = source >= 0
    across = np.broadcast_to(columns, source.shape)
    pad = int(0.03 * body.height) + 3
    colour = np.zeros((int(rows.max()) + 1 + 2 * pad, body.width + 2 * pad, 3), np.float32)
    alpha = np.zeros(colour.shape[:2], np.float32)
    fade = np.broadcast_to(np.clip(1 - steps / depth, 0, 1) ** 1.5, source.shape)
    target = (rows[keep] + pad, across[keep] + pad)
    alpha[target] = body.alpha[source[keep], across[keep]] * fade[keep]
    colour[target] = body.rgb[source[keep], across[keep]]
    sigma = max(0.8, 0.008 * body.height)
    soft = blur(alpha, sigma)
    colour = np.clip(blur(colour * alpha[..., None], sigma) / np.maximum(soft, 1e-3)[..., None], 0, 1)
    _lay(scene, colour, (soft * facts.reflection)[..., None], body.left - pad, body.top + first - pad)


def bounced(body: Body, floor: Pixels) -> Body:
    """Let the floor's colour (one sRGB colour) shine up into the lowest 16 % of the product."""
    start = 0.84 * body.height
    rows = np.arange(body.height, dtype=np.float32)
    near = (0.26 * np.clip((rows - start) / (0.16 * body.height), 0, 1) ** 1.6)[:, None, None]
    return replace(body, rgb=(body.rgb * (1 - near) + body.rgb * floor * near * 1.1).astype(np.float32))


def wrapped(body: Body, surroundings: Pixels, sigma: float) -> Body:
    """Let what is behind the product spill a little over its edge, as a lens would. `surroundings` is that part of the scene, blurred."""
    pad = int(3 * sigma) + 1
    outside = 1 - np.pad(body.alpha, pad)
    spill = np.clip(blur(outside, sigma)[pad:-pad, pad:-pad], 0, 1)[..., None] * 0.13
    return replace(body, rgb=(body.rgb * (1 - spill) + surroundings * spill).astype(np.float32))


def stand(scene: Pixels, body: Body) -> None:
    """Lay the product over the scene, in place."""
    _lay(scene, body.rgb, body.alpha[..., None], body.left, body.top)


def surroundings(scene: Pixels, body: Body, sigma: float) -> Pixels:
    """The part of the scene behind the product, blurred; where the product reaches beyond the picture, its edge goes on."""
    height, width = scene.shape[:2]
    pad = int(3 * sigma)
    rows = np.clip(np.arange(body.top - pad, body.top + body.height + pad), 0, height - 1)
    columns = np.clip(np.arange(body.left - pad, body.left + body.width + pad), 0, width - 1)
    part = np.ascontiguousarray(scene[rows][:, columns])
    return blur(part, sigma)[pad : pad + body.height, pad : pad + body.width]


def grained(scene: Pixels, rng: np.random.Generator, strength: float = GRAIN) -> None:
    """One grain over set and product, in place: it makes one photograph of two."""
    noise = rng.standard_normal(scene.shape[:2], np.float32)
    scene += (blur(noise, 0.7) * strength)[..., None]


def graded(scene: Pixels, exposure: float, warmth: float) -> None:
    """A gentle grade, in place: `exposure` in stops (near 0), `warmth` from -1 (cool) to 1 (warm)."""
    gain = np.float32(2.0 ** (exposure / 2.2))
    scene *= gain * np.array([1 + 0.014 * warmth, 1.0, 1 - 0.018 * warmth], np.float32)


def _smooth(values: Pixels) -> Pixels:
    return values * values * (3 - 2 * values)


def _inside(scene: Pixels, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    """A box in whole pixels that lies inside the scene and holds at least one pixel."""
    height, width = scene.shape[:2]
    x0, y0 = min(max(int(left), 0), width - 1), min(max(int(top), 0), height - 1)
    return x0, y0, max(min(int(right) + 1, width), x0 + 1), max(min(int(bottom) + 1, height), y0 + 1)


def _lay(scene: Pixels, colour: Pixels, alpha: Pixels, left: int, top: int) -> None:
    height, width = scene.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + colour.shape[1], width), min(top + colour.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    over, share = (part[y0 - top : y1 - top, x0 - left : x1 - left] for part in (colour, alpha))
    under = scene[y0:y1, x0:x1]
    under += (over - under) * share
