"""Orders, products and small pictures for the painting tests."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from PIL import Image

from finishing.plates import Bytes
from finishing.shapes import SHAPES
from finishing.specs import Box, Stage
from painting.engine import Painted, PictureOrder, ProductShot

ROOT = Path(__file__).parents[2]
PHOTOS, CUTOUTS = ROOT / "templates_app" / "shelf" / "products", ROOT / "tests" / "assets" / "products"

# Where layouts of each shape stand the product.
STAGES = {
    "1:1": Stage(0.62, 0.86, 0.50, 0.56),
    "4:5": Stage(0.50, 0.80, 0.72, 0.46),
    "2:3": Stage(0.50, 0.80, 0.70, 0.44),
    "9:16": Stage(0.50, 0.575, 0.62, 0.30),
    "4:3": Stage(0.70, 0.86, 0.44, 0.66),
    "16:9": Stage(0.27, 0.88, 0.38, 0.72),
    "1.91:1": Stage(0.74, 0.89, 0.36, 0.76),
}


def shot(name: str, *, cut: bool = True) -> ProductShot:
    """One of the sample products, with its cut-out or without."""
    return ProductShot((PHOTOS / f"{name}.jpg").read_bytes(), (CUTOUTS / f"{name}-cutout.webp").read_bytes() if cut else None)


def order(shape: str, needs: Mapping[str, Any], product: ProductShot | None = None, **other: Any) -> PictureOrder:
    """An order for one picture; `other` are fields of PictureOrder that differ from the plain case."""
    plain: dict[str, Any] = {
        "picture_id": UUID(int=1),
        "job_id": UUID(int=2),
        "shape": SHAPES[shape],
        "seed": 11 + other.get("variation", 1) - 1,  # the variations of an order take seeds that follow each other
        "variation": 1,
        "stage": STAGES[shape],
        "product": product,
        "scene_prompt": "",
        "negative_prompt": "",
        "needs": needs,
    }
    return PictureOrder(**{**plain, **other})


def pixels(painted: Painted) -> Bytes:
    """What was painted, as RGB."""
    return np.asarray(Image.open(io.BytesIO(painted.image)).convert("RGB"))


def cutout(name: str) -> Bytes:
    """A sample product's cut-out, RGBA."""
    return np.asarray(Image.open(CUTOUTS / f"{name}-cutout.webp").convert("RGBA"))


def photo(name: str) -> Bytes:
    """A sample product's photograph, RGB."""
    return np.asarray(Image.open(PHOTOS / f"{name}.jpg").convert("RGB"))


def in_pixels(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    """A box of fractions as pixels of a picture."""
    return box.left * width, box.top * height, box.right * width, box.bottom * height
