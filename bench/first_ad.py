"""How long an ad takes here: one picture in three placements by make_ad, and one 1080 x 1350 finish.

    .venv/bin/python bench/first_ad.py

Prints seconds: the best of three runs of each, from a warm start. No test depends on it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
PLACEMENTS = ("meta_ig_feed_portrait", "meta_fb_feed_portrait", "google_pmax_portrait")
sys.path.insert(0, str(ROOT))


def make_ad(data: str) -> float:
    """Seconds of one `make_ad`, from the start of its process to its end."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "manage.py", "make_ad", "--template", "podium", "--photo", "templates_app/shelf/products/serum.jpg"]
        command += ["--headline", "Wake up to glow", "--cta", "Shop now", "--placement", *PLACEMENTS, "--out", out, "--json"]
        began = time.perf_counter()
        run = subprocess.run(command, cwd=ROOT, env={**os.environ, "ADSGEM_DATA": data}, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter and command
        seconds = time.perf_counter() - began
    assert json.loads(run.stdout.splitlines()[-1])["status"] == "ready"
    return seconds


def finish_one() -> float:
    """Seconds of one finish at 1080 x 1350: crop, layout, type, encode, checks."""
    from finishing.finish import finish
    from finishing.specs import CopySpec
    from tests.finishing.pages import BRAND, STYLE, geometry, layout, placement, png, raw

    spec = placement("meta_ig_feed_portrait")
    picture, where, arranged = png(raw(spec).resize((1200, 1500))), geometry("classic-centred", spec), layout("classic-centred")
    copy = CopySpec("Wake up to glow", "Vitamin C radiance serum with rosehip", "Shop now", "−20%", "Offer ends 31 May.")
    began = time.perf_counter()
    finish(picture=picture, geometry=where, placement=spec, layout=arranged, copy=copy, brand=BRAND, style=STYLE)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as data:
        make_ad(data)
        whole = min(make_ad(data) for _ in range(RUNS))
    finish_one()
    print(f"make_ad, one picture in three placements: {whole:.2f} s (at most 6)")
    print(f"one finish at 1080 x 1350: {min(finish_one() for _ in range(RUNS)):.2f} s (at most 0.6)")


if __name__ == "__main__":
    main()
