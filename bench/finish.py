"""How long finishing takes here: one 1080 x 1350 ad and a few other sizes, in processor seconds.

    .venv/bin/python bench/finish.py

Crop, layout, type, encoding and checks of a picture that is painted once; the best of five runs from a warm start. Needs no database,
and no test depends on it. A whole `make_ad` is measured by `bench/first_ad.py`.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from finishing.finish import finish  # noqa: E402  (the folder has to be known first)
from finishing.marking import Marking  # noqa: E402
from finishing.marks import MarkSpec  # noqa: E402
from finishing.shapes import shape_for  # noqa: E402
from finishing.specs import BrandSpec, CopySpec, PlacementSpec, StyleSpec  # noqa: E402
from tests.finishing.pages import geometry, layout, placement  # noqa: E402

RUNS, LIMIT = 5, 0.6
PLACES = ("meta_ig_feed_portrait", "meta_ig_stories", "linkedin_single_landscape", "google_display_970x250", "google_display_300x250")
COPY = CopySpec("Wake up to glow", "Vitamin C radiance serum with rosehip", "Shop now", "−20% this week", "Offer ends 31 May.")
STYLE = StyleSpec("playfair-500", "montserrat-500", "montserrat-600", ("#fff1dc", "#ffffff"), "#f3d9a4", "#5a0d14")


def scene(width: int, height: int) -> bytes:
    """A picture with light, texture and bright spots, so that a fade has work to do, as a PNG."""
    dice = np.random.default_rng(5)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 120 + 60 * np.sin(9 * x) * np.cos(7 * y) + dice.normal(0, 3, (height, width))
    picture = np.stack([light, 0.6 * light, 0.45 * light], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def job(spec: PlacementSpec) -> Callable[[], object]:
    """One finish of a placement, ready to be run."""
    picture, where, arranged = scene(*shape_for(spec.width, spec.height).size), geometry("classic-centred", spec), layout("classic-centred")
    marks = Marking(MarkSpec("compositeSynthetic", "AdsGem", "bench"))
    return lambda: finish(
        picture=picture,
        geometry=where,
        placement=spec,
        layout=arranged,
        copy=COPY,
        brand=BrandSpec("Miravel", "Miravel"),
        style=STYLE,
        marks=marks,
    )


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one run."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Measure and print; the exit code is 1 when the first is over its limit."""
    taken = {}
    for slug in PLACES:
        spec = placement(slug)
        work = job(spec)
        work()
        taken[slug] = min(seconds(work) for _ in range(RUNS))
        print(f"{slug:28} {spec.width:>4} x {spec.height:<4}  {taken[slug]:.2f} s")
    print(f"One finish at 1080 x 1350: {taken[PLACES[0]]:.2f} s (at most {LIMIT})")
    sys.exit(taken[PLACES[0]] > LIMIT)


if __name__ == "__main__":
    main()
