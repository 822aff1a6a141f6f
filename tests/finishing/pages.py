"""What layout tests are given: layouts and placements of the shelf, plain grounds, a product's box, a style."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from finishing.finish import frame_for, lay_out
from finishing.layout import LayoutSpec
from finishing.page import Page
from finishing.shapes import shape_for
from finishing.specs import Box, BrandSpec, CopySpec, Geometry, PlacementSpec, SafeZone, Stage, StyleSpec

SHELF = Path(__file__).resolve().parents[2] / "templates_app" / "shelf"
STYLE = StyleSpec("playfair-500", "montserrat-500", "montserrat-600", ("#33261a", "#ffffff"), "#33261a")
BRAND = BrandSpec("Miravel", "Miravel")


def layout(slug: str) -> LayoutSpec:
    """A layout of the shelf."""
    return LayoutSpec.from_data(json.loads((SHELF / "layouts" / f"{slug}.json").read_text()))


def all_placements() -> list[PlacementSpec]:
    """Every placement of the shelf that takes a picture."""
    rows: list[dict[str, Any]] = json.loads((SHELF / "placements.json").read_text())
    return [_spec(row) for row in rows if row["kind"] == "image"]


def placement(slug: str) -> PlacementSpec:
    """One placement of the shelf."""
    return next(spec for spec in all_placements() if spec.slug == slug)


def _spec(row: dict[str, Any]) -> PlacementSpec:
    zone = {side: row["safe_zone"].get(side) or 0.0 for side in ("left", "top", "right", "bottom")}
    types = tuple(row["file_types"] or ("jpg",))
    limits = {"max_bytes": row["max_bytes"], "text_in_image": row["text_in_image"] or "allowed"}
    return PlacementSpec(
        row["id"], row["placement"], row["platform"], row["width"], row["height"], types, safe_zone=SafeZone(**zone), **limits
    )


def product_box(stage: Stage) -> Box:
    """A slim product that stands on its stage."""
    half = min(stage.width, 0.5 * stage.height) / 2
    return Box(stage.x - half, stage.ground - stage.height, stage.x + half, stage.ground)


def raw(spec: PlacementSpec, colour: str = "#e9dccb") -> Image.Image:
    """A plain picture of the shape that a placement takes, small for speed."""
    shape = shape_for(spec.width, spec.height)
    return Image.new("RGB", (shape.width // 2, shape.height // 2), colour)


def geometry(slug: str, spec: PlacementSpec) -> Geometry:
    """Where the product stands in that picture."""
    stage = layout(slug).stage(shape_for(spec.width, spec.height))
    assert stage is not None
    return Geometry(product_box(stage), stage.ground)


def page_for(slug: str, spec: PlacementSpec, copy: CopySpec, style: StyleSpec = STYLE, picture: Image.Image | None = None) -> Page:
    """Everything but drawing."""
    frame = frame_for(picture or raw(spec), geometry(slug, spec), spec, layout(slug))
    return lay_out(frame, spec, layout(slug), copy, BRAND, style)


def noisy_png(width: int, height: int) -> bytes:
    """A picture that no encoder can make small: noise."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (height, width, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
