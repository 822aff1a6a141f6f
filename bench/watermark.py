"""What the invisible watermark survives, on ads that this machine has just made: a table for docs/ai-marking.md.

    .venv/bin/python bench/watermark.py FOLDER [FOLDER ...]

Each folder holds ads as `make_ad` writes them (JPEG, PNG or WebP, marked or not). Each picture is marked anew with a number of its own,
attacked, and read; a picture that was never marked by this run is read, too, for numbers found by chance.
"""

from __future__ import annotations

import io
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from finishing import watermark  # noqa: E402  (the folder has to be known first)

Pixels = NDArray[np.uint8]


def encoded(kind: str, **options: object) -> Callable[[Pixels], Pixels]:
    """Saved and opened again."""

    def attack(pixels: Pixels) -> Pixels:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind, **options)
        return np.asarray(Image.open(buffer).convert("RGB"))

    return attack


def scaled(factor: float) -> Callable[[Pixels], Pixels]:
    """Smaller or larger."""

    def attack(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        return np.asarray(Image.fromarray(pixels).resize((round(width * factor), round(height * factor)), Image.Resampling.LANCZOS))

    return attack


def cropped(share: float) -> Callable[[Pixels], Pixels]:
    """So much of the area cut off, at an odd place."""

    def attack(pixels: Pixels) -> Pixels:
        height, width = (round(side * (1 - share) ** 0.5) for side in pixels.shape[:2])
        top, left = (pixels.shape[0] - height) // 3, 2 * (pixels.shape[1] - width) // 3
        return pixels[top : top + height, left : left + width].copy()

    return attack


def both(*attacks: Callable[[Pixels], Pixels]) -> Callable[[Pixels], Pixels]:
    """One after the other."""

    def attack(pixels: Pixels) -> Pixels:
        for each in attacks:
            pixels = each(pixels)
        return pixels

    return attack


def palette(pixels: Pixels) -> Pixels:
    """An indexed PNG of 256 colours."""
    return np.asarray(Image.fromarray(pixels).quantize(256, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB"))


def grey(pixels: Pixels) -> Pixels:
    """Black and white."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def turned(pixels: Pixels) -> Pixels:
    """By two degrees, as a photograph of a screen is."""
    return np.asarray(Image.fromarray(pixels).rotate(2, Image.Resampling.BICUBIC))


def covered(pixels: Pixels) -> Pixels:
    """A quarter of it under a plain box."""
    changed = pixels.copy()
    height, width = changed.shape[:2]
    changed[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 128
    return changed


JPEG_70 = encoded("JPEG", quality=70)
ATTACKS: dict[str, Callable[[Pixels], Pixels]] = {
    "as it is": lambda pixels: pixels,
    "JPEG q92": encoded("JPEG", quality=92),
    "JPEG q70": JPEG_70,
    "JPEG q50": encoded("JPEG", quality=50),
    "WebP q75": encoded("WEBP", quality=75),
    "half size": scaled(0.5),
    "half size, JPEG q70": both(scaled(0.5), JPEG_70),
    "size x 0.73, JPEG q80": both(scaled(0.73), encoded("JPEG", quality=80)),
    "size x 1.5": scaled(1.5),
    "10 % cut off": cropped(0.1),
    "10 % cut off, JPEG q70": both(cropped(0.1), JPEG_70),
    "size x 0.87, 30 % cut off, JPEG q75": both(scaled(0.87), cropped(0.3), encoded("JPEG", quality=75)),
    "50 % cut off": cropped(0.5),
    "a quarter covered": covered,
    "black and white": grey,
    "256 colours": palette,
    "turned by 2 degrees": turned,
}


def main() -> None:
    """Measure and print."""
    files = [file for folder in sys.argv[1:] for file in sorted(Path(folder).rglob("*")) if file.suffix in (".jpg", ".png", ".webp")]
    read: dict[tuple[str, str], list[bool]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    noise: dict[str, list[float]] = defaultdict(list)
    wrong = chance = skipped = 0
    for index, file in enumerate(files):
        pixels = np.asarray(Image.open(file).convert("RGB"))
        height, width = pixels.shape[:2]
        if not watermark.fits(width, height):
            skipped += 1
            continue
        group = "short side from 500" if min(width, height) >= watermark.LARGE_FROM else "smaller"
        chance += "--plain" in sys.argv and watermark.find(pixels) is not None
        number = int(np.random.default_rng(index).integers(0, 2**63))
        began = time.process_time()
        marked = watermark.embedded(pixels, number)
        seconds[f"write {group}"].append(time.process_time() - began)
        noise[group].append(10 * np.log10(255**2 / np.mean((marked.astype(float) - pixels) ** 2)))
        for name, attack in ATTACKS.items():
            began = time.process_time()
            found = watermark.find(attack(marked))
            seconds[f"read {group}"].append(time.process_time() - began)
            read[group, name].append(found is not None and found.number == number)
            wrong += found is not None and found.number != number
    for group, told in noise.items():
        print(f"{group}: {len(told)} ads, {min(told):.1f} to {max(told):.1f} dB PSNR")
        for name in ATTACKS:
            print(f"  {name:38} {sum(read[group, name])} of {len(read[group, name])}")
    for name, spent in seconds.items():
        print(f"{name}: {np.median(spent):.2f} s median, {max(spent):.2f} s at most (processor)")
    print(f"{wrong} wrong numbers, {chance} found by chance, {skipped} too small to be marked")


if __name__ == "__main__":
    main()
