"""Stand a product cut-out in a scene: framing, tint, shadow, reflection, light, grain. The product keeps its own pixels, gently relit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import radians, sin
from typing import Any

import numpy as np
from PIL import Image

from finishing import framing, light
from finishing.colour import Pixels
from finishing.framing import Silhouette, Window
from finishing.plates import Bytes, Plate
from finishing.specs import Box, Geometry, Stage
from finishing.tint import tinted

Report = Callable[[float, str], None]


class ComposeError(ValueError):
    """A cut-out that cannot be stood anywhere. The message is a sentence for a person."""


@dataclass(frozen=True)
class Look:
    """How one variation differs from another. `zoom` near 1; `exposure` in stops; `warmth` -1 to 1; `cast` the gains that
    take the colour out of the photograph's own light; `share` and `dx` as `framing.choose` takes them."""

    palette: Mapping[str, str] = field(default_factory=dict)
    zoom: float = 1.0
    share: float | None = None
    dx: float = 0.0
    exposure: float = 0.0
    warmth: float = 0.0
    cast: Pixels | None = None


@dataclass(frozen=True, eq=False)
class Composed:
    """A finished scene: RGB pixels, where the product stands in it, and the framing that was chosen."""

    rgb: Bytes
    geometry: Geometry
    facts: Mapping[str, Any]


def compose(
    plate: Plate,
    cutout: Bytes,
    shape: tuple[int, int],
    stage: Stage,
    look: Look,
    rng: np.random.Generator,
    report: Report = lambda fraction, note: None,
) -> Composed:
    """Stand a cut-out (RGBA, straight alpha) in a scene, as a picture of `shape` pixels. Raises ComposeError for an empty cut-out."""
    trimmed = trim(cutout)
    outline = Silhouette.of(trimmed[..., 3])
    window = framing.choose(plate.facts, shape, stage, outline, zoom=look.zoom, share=look.share, dx=look.dx)
    scene = tinted(plate, window, shape, look.palette)
    report(0.35, "The scene is framed and tinted.")
    body = light.clean_edge(_placed(trimmed, outline, window, plate.facts.pitch))
    body = light.levelled(light.balanced(body, look.cast) if look.cast is not None else body)
    behind = _floor_colour(scene, window, body)
    light.cast_shadow(scene, plate.facts, plate.shadows, window, body)
    light.contact_shadow(scene, plate.facts, window, body, mapped=bool(plate.shadows))
    light.reflection(scene, plate.facts, window, body)
    report(0.6, "The product's shadow is cast.")
    body = light.bounced(light.relit(body, plate.light, plate.facts), behind)
    sigma = max(1.2, 0.005 * max(shape))
    body = light.wrapped(body, light.surroundings(scene, body, 4 * sigma), sigma)
    light.stand(scene, body)
    return Composed(
        rgb=finished(scene, look, rng),
        geometry=Geometry(product=_drawn(body, shape), ground=window.foot[1] / shape[1]),
        facts={"zoom": round(window.scale, 4), "product_units": round(window.units * outline.height, 3)},
    )


def empty_scene(plate: Plate, shape: tuple[int, int], stage: Stage, palette: Mapping[str, str], zoom: float) -> tuple[Pixels, Window]:
    """A scene without product, framed as if one of usual build stood on the stage, as sRGB values 0 to 1."""
    usual = Silhouette(width=450, height=1000, foot_x=225, foot_width=400)
    window = framing.choose(plate.facts, shape, stage, usual, zoom=zoom, share=None, dx=0.0)
    return tinted(plate, window, shape, palette), window


def finished(scene: Pixels, look: Look, rng: np.random.Generator) -> Bytes:
    """Grade and grain over the whole scene (changed in place), as 8-bit pixels."""
    light.graded(scene, look.exposure, look.warmth)
    light.grained(scene, rng)
    return np.rint(np.clip(scene, 0, 1) * 255).astype(np.uint8)


def trim(cutout: Bytes) -> Bytes:
    """The cut-out without the empty rows and columns around it. Raises ComposeError when nothing is left."""
    if cutout.ndim != 3 or cutout.shape[2] != 4:
        raise ComposeError("A cut-out needs an alpha channel.")
    seen = cutout[..., 3] > 24
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size < 8 or columns.size < 8:
        raise ComposeError("The cut-out is empty: mark the product in the photo again.")
    return cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _placed(cutout: Bytes, outline: Silhouette, window: Window, pitch: float) -> light.Body:
    width, height = max(1, round(outline.width * window.size)), max(1, round(outline.height * window.size))
    # Pillow resizes RGBA with its alpha multiplied in, so no colour from transparent pixels bleeds into the edge.
    image = Image.fromarray(np.ascontiguousarray(cutout)).resize((width, height), Image.Resampling.LANCZOS)
    pixels: Pixels = np.asarray(image).astype(np.float32) / np.float32(255)
    foot_width = outline.foot_width * window.size
    # The anchor is the middle of the foot; the front rim of a round foot lies lower in the picture.
    drop = 0.5 * foot_width * sin(radians(pitch))
    return light.Body(
        rgb=pixels[..., :3],
        alpha=pixels[..., 3],
        left=round(window.foot[0] - outline.foot_x * window.size),
        top=round(window.foot[1] + drop - height),
        foot_width=foot_width,
    )


def _floor_colour(scene: Pixels, window: Window, body: light.Body) -> Pixels:
    """The mean colour of the floor in front of the foot."""
    height, width = scene.shape[:2]
    x, y, reach = window.foot[0], window.foot[1], max(3.0, 0.12 * body.foot_width)
    left, right = (int(np.clip(edge, 0, width - 1)) for edge in (x - reach, x + reach))
    top, bottom = (int(np.clip(edge, 0, height - 1)) for edge in (y - 0.3 * reach, y + 1.2 * reach))
    return np.asarray(scene[top : bottom + 1, left : right + 1].mean(axis=(0, 1)), np.float32)


def _drawn(body: light.Body, shape: tuple[int, int]) -> Box:
    """The box of what is really seen of the product."""
    solid = body.alpha > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return Box(
        left=max((body.left + int(columns[0])) / shape[0], 0.0),
        top=max((body.top + int(rows[0])) / shape[1], 0.0),
        right=min((body.left + int(columns[-1]) + 1) / shape[0], 1.0),
        bottom=min((body.top + int(rows[-1]) + 1) / shape[1], 1.0),
    )
