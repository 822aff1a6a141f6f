"""Scene plates: rendered empty sets with their shadow maps, light map and tint mask, read from a folder and kept in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from finishing.colour import WEIGHTS, Pixels, linear, parse_hex

Bytes = NDArray[np.uint8]

# A plate with its mask is about 15 MB; four of them stay well inside what a small worker has.
PLATES_KEPT = 4


class PlateError(ValueError):
    """A scene that is not there, or a plate folder that cannot be read. The message is a sentence for a person."""


@dataclass(frozen=True)
class PlateFacts:
    """What the manifest says about a scene. Lengths are pixels of the plate unless they are called units (about 10 cm each)."""

    id: str
    title: str
    width: int
    height: int
    anchor: tuple[float, float]
    unit: tuple[float, float]
    max_width: float
    max_height: float
    body: float | None
    pitch: float
    reflection: float
    reflection_depth: float
    relight: float
    colour_cast: float
    contact: float
    free_placement: bool
    light_from: str
    groups: tuple[str, ...]
    palettes: tuple[Mapping[str, str], ...]
    keep: tuple[float, float, float, float] | None
    extend: tuple[float, float, float, float]
    plain_top: bool


@dataclass(frozen=True)
class ShadowMap:
    """What a body of `radius` and `height` units does to the set's light; `factor` is multiplied into the plate, `step` plate pixels a pixel."""

    radius: float
    height: float
    factor: Pixels
    step: float


@dataclass(frozen=True, eq=False)
class Plate:
    """One scene in memory. `labels` says per pixel which tint group it belongs to (0: none, 1: the first of `facts.groups`, ...)."""

    facts: PlateFacts
    rgb: Bytes
    labels: Bytes | None
    shadows: tuple[ShadowMap, ...]
    light: Pixels
    references: tuple[float, ...]

    def mirrored(self) -> Plate:
        """The same scene seen in a mirror. Views only: nothing is copied."""
        facts = self.facts
        keep = facts.keep and (facts.width - facts.keep[2], facts.keep[1], facts.width - facts.keep[0], facts.keep[3])
        left, top, right, bottom = facts.extend
        light_from = re.sub(r"\b(left|right)\b", lambda side: "right" if side[0] == "left" else "left", facts.light_from)
        return replace(
            self,
            facts=replace(
                facts,
                anchor=(facts.width - facts.anchor[0], facts.anchor[1]),
                keep=keep or None,
                extend=(right, top, left, bottom),
                light_from=light_from,
            ),
            rgb=self.rgb[:, ::-1],
            labels=None if self.labels is None else self.labels[:, ::-1],
            shadows=tuple(replace(shadow, factor=shadow.factor[:, ::-1]) for shadow in self.shadows),
            light=self.light[:, ::-1],
        )


@lru_cache(maxsize=4)
def manifest(root: Path) -> Mapping[str, PlateFacts]:
    """The scenes in this folder by id. Raises PlateError when the manifest is missing or broken."""
    try:
        data = json.loads((root / "manifest.json").read_text("utf-8"))
        return {name: _facts(name, entry) for name, entry in data["scenes"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlateError(f"The scenes in {root} cannot be read: {error}") from error


def facts_of(root: Path, name: str) -> PlateFacts:
    """What the manifest says about one scene. Raises PlateError with the names there are."""
    known = manifest(root)
    if name not in known:
        raise PlateError(f"There is no scene called '{name}'. There are: {', '.join(sorted(known))}.")
    return known[name]


@lru_cache(maxsize=PLATES_KEPT)
def plate(root: Path, name: str) -> Plate:
    """One scene, decoded; the last few stay in memory. Raises PlateError for an unknown name or a broken file."""
    facts = facts_of(root, name)
    try:
        data = json.loads((root / "manifest.json").read_text("utf-8"))
        files: dict[str, Any] = data["scenes"][name]["files"]
        folder = root / name
        rgb = _pixels(folder / files["plate"])
        labels = _labels(folder / files["mask"], data["scenes"][name]["tint"]) if "mask" in files else None
        shadows = tuple(
            ShadowMap(
                radius=data["proxies"][build]["radius"],
                height=data["proxies"][build]["height"],
                factor=(_pixels(folder / file).astype(np.float32) / data["shadow_one"]),
                step=0.0,
            )
            for build, file in files["shadow"].items()
        )
        light: Pixels = _pixels(folder / files["light"]).astype(np.float32) / np.float32(255)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlateError(f"The scene '{name}' cannot be read: {error}") from error
    return Plate(
        facts=facts,
        rgb=rgb,
        labels=labels,
        shadows=tuple(replace(shadow, step=facts.width / shadow.factor.shape[1]) for shadow in shadows),
        light=light,
        references=_references(rgb, labels, len(facts.groups)),
    )


def _facts(name: str, entry: Mapping[str, Any]) -> PlateFacts:
    tint = entry.get("tint") or {}
    framing = entry.get("framing") or {}
    keep = framing.get("keep")
    left, top, right, bottom = framing.get("extend", (0, 0, 0, 0))
    return PlateFacts(
        id=name,
        title=entry["title"],
        width=entry["size"][0],
        height=entry["size"][1],
        anchor=(entry["anchor"][0], entry["anchor"][1]),
        unit=(entry["px_per_unit"][0], entry["px_per_unit"][1]),
        max_width=entry["max_width"],
        max_height=entry["max_height"],
        body=entry.get("body"),
        pitch=entry["camera"]["pitch_deg"],
        reflection=entry["reflection"],
        # Without a depth of its own a floor mirrors as far down as the picture goes.
        reflection_depth=entry.get("reflection_depth", 9),
        relight=entry["relight"],
        colour_cast=entry["colour_cast"],
        contact=entry["contact"],
        free_placement=entry["free_placement"],
        light_from=entry["light"]["from"],
        groups=tuple(tint.get("groups", ())),
        palettes=tuple(tint.get("examples", ())),
        keep=(keep[0], keep[1], keep[2], keep[3]) if keep else None,
        extend=(left, top, right, bottom),
        plain_top=framing.get("plain_top", False),
    )


def _pixels(path: Path) -> Bytes:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _labels(path: Path, tint: Mapping[str, Any]) -> Bytes:
    """The mask's flat colours as group numbers. Each colour is a corner of the RGB cube, so three bits tell them apart."""
    bits = (_pixels(path) > 127).astype(np.uint8) @ np.array([1, 2, 4], np.uint8)
    number = np.zeros(8, np.uint8)
    for index, group in enumerate(tint["groups"], start=1):
        corner = sum(1 << channel for channel, value in enumerate(parse_hex(tint["mask_colours"][group])) if value > 127)
        number[corner] = index
    # The mask is stored with loss: single wrong pixels along the seams go.
    return np.asarray(cv2.medianBlur(number[bits], 5), np.uint8)


def _references(rgb: Bytes, labels: Bytes | None, groups: int) -> tuple[float, ...]:
    """Per group the 80th percentile of its linear grey: what counts as fully lit, so that this part takes the wished colour itself."""
    if labels is None:
        return ()
    small = rgb[::4, ::4].astype(np.float32) / 255
    grey = linear(small @ WEIGHTS)
    part = labels[::4, ::4]
    found = []
    for index in range(1, groups + 1):
        inside = grey[part == index]
        found.append(max(float(np.percentile(inside, 80)), 1e-3) if inside.size else 0.7)
    return tuple(found)
