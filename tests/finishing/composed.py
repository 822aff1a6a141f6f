"""Photographs composed from a known alpha: a product on a ground, with shadow, noise, blur and JPEG, as a seller would take them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PRODUCTS = ("serum", "can", "mug", "jar")
WIDTH, HEIGHT = 528, 660

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Ground:
    """A plain ground: colour at the top and at the bottom, how much the corners darken, and the photograph's grain and softness."""

    top: tuple[int, int, int]
    bottom: tuple[int, int, int]
    vignette: float
    noise: float
    blur: float
    shadow: float


GROUNDS = {
    "white paper": Ground((250, 250, 250), (241, 241, 242), 0.00, 1.5, 0.6, 0.25),
    "grey card under a lamp": Ground((150, 150, 152), (176, 176, 176), 0.28, 2.5, 0.8, 0.35),
    "warm beige wall and table": Ground((203, 186, 168), (222, 207, 190), 0.12, 3.0, 0.7, 0.30),
    "pale blue card": Ground((176, 199, 219), (199, 216, 230), 0.10, 2.0, 0.9, 0.30),
    "deep red cloth": Ground((112, 28, 38), (140, 40, 48), 0.15, 2.5, 0.7, 0.40),
    "dark slate": Ground((44, 48, 56), (62, 66, 74), 0.20, 3.0, 0.8, 0.45),
}


def ground_picture(ground: Ground, width: int = WIDTH, height: int = HEIGHT) -> Floats:
    """The empty ground as float RGB, 0 to 255."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    down = down * down * (3 - 2 * down)
    picture = np.array(ground.top, np.float32) * (1 - down) + np.array(ground.bottom, np.float32) * down
    picture = np.repeat(picture, width, axis=1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = ((x / width - 0.45) ** 2 + (y / height - 0.45) ** 2) / 0.5
    return picture * (1 - ground.vignette * far)[..., None]


def product_on_canvas(name: str, width: int = WIDTH, height: int = HEIGHT, fill: float = 0.7) -> tuple[Floats, Floats]:
    """A reference product scaled and set on an empty canvas: its colour (float RGB) and its alpha (0 to 1)."""
    product = Image.open(ASSETS / "products" / f"{name}-cutout.webp").convert("RGBA")
    scale = min(fill * width / product.width, fill * height / product.height)
    product = product.resize((round(product.width * scale), round(product.height * scale)), Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (width, height))
    canvas.paste(product, ((width - product.width) // 2, round(height * 0.86) - product.height))
    pixels = np.asarray(canvas, np.float32)
    return pixels[..., :3], pixels[..., 3] / 255


def soft_shadow(alpha: Floats, strength: float) -> Floats:
    """What light the product keeps from the ground: a soft shadow to the right of its foot and a contact line under it."""
    height, width = alpha.shape
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    foot, tall = int(rows[-1]), int(rows[-1] - rows[0])
    lie = np.float32([[1, -0.45, 0.45 * foot], [0, 0.22, foot - 0.22 * foot]])
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, lie, (width, height)), (0, 0), tall * 0.035)
    contact = np.zeros_like(alpha)
    contact[foot - tall // 40 : foot + tall // 60] = alpha[foot - tall // 12].max() * alpha[foot - tall // 40]
    contact = cv2.GaussianBlur(contact, (0, 0), tall * 0.012)
    return 1 - strength * np.clip(0.7 * cast + 0.6 * contact, 0, 1)


def photograph(colour: Floats, alpha: Floats, picture: Floats, ground: Ground, seed: int = 7) -> bytes:
    """The product on its ground as a JPEG: shadow, lens blur, sensor noise, compression. The same seed gives the same file."""
    lit = picture * soft_shadow(alpha, ground.shadow)[..., None]
    mixed = colour * alpha[..., None] + lit * (1 - alpha[..., None])
    mixed = cv2.GaussianBlur(mixed, (0, 0), ground.blur)
    mixed = mixed + np.random.default_rng(seed).normal(0, ground.noise, mixed.shape).astype(np.float32)
    file = BytesIO()
    Image.fromarray(np.clip(mixed + 0.5, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


def overlap(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    return float((found & true).sum() / max(1, (found | true).sum()))


@cache
def cluttered_grounds(width: int = WIDTH, height: int = HEIGHT) -> dict[str, Floats]:
    """Grounds on which no edge can be trusted, as float RGB: a heap of coloured things, coarse noise, planks, a tiled wall."""
    chance = np.random.default_rng(11)
    heap = np.full((height, width, 3), 128, np.uint8)
    for _ in range(260):
        x, y, wide, tall = (int(value) for value in chance.integers((0, 0, 15, 15), (width, height, 140, 140)))
        colour = tuple(int(value) for value in chance.integers(0, 256, 3))
        cv2.ellipse(heap, (x, y), (wide, tall), float(chance.integers(0, 180)), 0, 360, colour, -1)
    coarse = chance.uniform(0, 255, (height // 16, width // 16, 3)).astype(np.float32)
    noise = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    grain = 40 * np.sin(y / 7 + 3 * np.sin(x / 90)) + np.where(y % 90 < 6, -70, 0) + 12 * (y // 90 % 3)
    planks = np.clip(np.array([150, 105, 70]) + grain[..., None], 0, 255)
    tiles = (
        np.where(((x % 80 < 5) | (y % 80 < 5))[..., None], [60, 60, 64], [205, 200, 190])
        + 25.0 * ((x // 80 * 7 + y // 80 * 5) % 3)[..., None]
    )
    return {
        "a heap of things": heap.astype(np.float32),
        "coarse noise": np.asarray(np.clip(noise, 0, 255), np.float32),
        "planks": planks.astype(np.float32),
        "a tiled wall": np.clip(tiles, 0, 255).astype(np.float32),
    }
