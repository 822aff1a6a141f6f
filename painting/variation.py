"""What makes one variation differ from the next: scene, palette, mirror, framing, light. Seed and variation decide, never the shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finishing import grounds, tint
from finishing.plates import Bytes, facts_of
from painting.builtin_needs import GROUND, BuiltinNeeds
from painting.engine import PictureOrder


@dataclass(frozen=True)
class Take:
    """One variation's choices. All shapes of a variation share them, so that a campaign hangs together."""

    scene: str
    palette: Mapping[str, str]
    frame_scene: str
    frame_palette: Mapping[str, str]
    mirror: bool
    zoom: float
    crop: float
    exposure: float
    warmth: float
    tint: str

    def as_facts(self) -> dict[str, Any]:
        """For the ad's recipe."""
        return {
            "scene": self.scene,
            "palette": dict(self.palette),
            "mirror": self.mirror,
            "zoom": round(self.zoom, 4),
            "tint": self.tint,
            "exposure": round(self.exposure, 4),
            "warmth": round(self.warmth, 4),
        }


def take(needs: BuiltinNeeds, order: PictureOrder, scenes: Path, pixels: Bytes | None) -> Take:
    """Choose for one order. `pixels` are the product's (RGBA) or the photograph's (RGB), for a tint that goes with it.

    The seed says where to begin in the lists of scenes, palettes and mirrors; the variation's number walks on from there, so that
    neighbours always differ. Raises PlateError or GroundError for a scene that is not there.
    """
    start = np.random.default_rng([order.first_seed, 0])
    first_scene, first_palette, first_mirror, first_tone = (int(start.integers(0, 1 << 30)) for _ in range(4))
    fine = np.random.default_rng([order.seed, order.variation])
    step = max(order.variation - 1, 0)
    count = len(needs.scenes)
    like = order.scene in needs.scenes
    scene = order.scene if like else needs.scenes[(first_scene + step) % count]
    # In one scene the variations differ by mirror and palette. A drawn ground is composed for words at its upper left: it has no mirror image.
    mirror = needs.mirror and not scene.startswith(GROUND) and (first_mirror + (step if like else step // count)) % 2 == 1
    zoom, crop = float(fine.uniform(0.95, 1.06)), float(fine.uniform(1.0, 1.1))
    exposure, warmth = float(fine.uniform(-0.06, 0.06)), float(fine.uniform(-1.0, 1.0))
    lightness, degrees = float(fine.uniform(-1.5, 1.5)), float(fine.uniform(-3.0, 3.0))

    def palette_for(name: str, *, framed: bool = False) -> tuple[dict[str, str], str]:
        own, groups = _palettes_of(name, scenes)
        # Behind a framed photograph a palette made for another scene may name nothing of use.
        useful = tuple(palette for palette in needs.palettes if set(palette) & set(groups)) if framed else needs.palettes
        palettes = useful or own
        chosen = palettes[(first_palette + step) % len(palettes)] if palettes else {}
        tone = first_tone + step
        if not groups or (needs.tint == "none" and not framed):
            return {}, "none"
        if needs.tint == "brand" and order.palette.get("primary"):
            return tint.brand_palette(groups, order.palette["primary"], order.palette.get("accent"), tone), "brand"
        if (needs.tint == "product" or (needs.tint == "none" and not useful)) and pixels is not None:
            return tint.jittered(tint.product_palette(groups, _with_alpha(pixels), tone), lightness, degrees), "product"
        return tint.jittered(chosen, lightness, degrees), "palette" if chosen else "none"

    palette, how = palette_for(scene)
    frame_scene = needs.frame_scene
    return Take(
        scene=scene,
        palette=palette,
        frame_scene=frame_scene,
        frame_palette={} if scene.startswith(GROUND) else palette_for(frame_scene, framed=True)[0],
        mirror=mirror,
        zoom=zoom,
        crop=crop,
        exposure=exposure,
        warmth=warmth,
        tint=how,
    )


def _palettes_of(name: str, scenes: Path) -> tuple[tuple[Mapping[str, str], ...], tuple[str, ...]]:
    """A scene's own palettes and the roles that can be coloured."""
    if name.startswith(GROUND):
        grounds.check(name.removeprefix(GROUND))
        return grounds.PALETTES, grounds.ROLES
    facts = facts_of(scenes, name)
    return facts.palettes, facts.groups


def _with_alpha(pixels: Bytes) -> Bytes:
    if pixels.shape[2] == 4:
        return pixels
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)
