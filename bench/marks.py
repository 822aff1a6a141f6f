"""How long the marks of one 1080 x 1350 ad take here, in processor seconds: watermark, JPEG, signature and perceptual hash.

    nice -n -5 .venv/bin/python bench/marks.py

The JPEG is counted, too, though an ad without marks is encoded as well. The row of the registry is one INSERT and not counted.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from finishing import c2pa_sign, watermark  # noqa: E402  (the folder has to be known first)
from finishing.certificates import Identity, make_chain  # noqa: E402
from finishing.encode import encode  # noqa: E402
from finishing.fingerprint import perceptual_hash  # noqa: E402
from finishing.marks import MarkSpec, xmp  # noqa: E402

RUNS, LIMIT = 9, 0.35
SPEC = MarkSpec("compositeWithTrainedAlgorithmicMedia", "AdsGem", "bench", "1", datetime.now(UTC), "a model", number=2**63 + 5)


def main() -> None:
    """Measure and print; the exit code is 1 when it takes longer than it may."""
    dice, identity = np.random.default_rng(5), Identity(*make_chain(), own=True)
    small = Image.fromarray(dice.integers(40, 210, (135, 108, 3), np.uint8))
    pixels = np.asarray(small.resize((1080, 1350), Image.Resampling.BICUBIC))
    taken: dict[str, list[float]] = {"watermark": [], "JPEG": [], "signature": [], "perceptual hash": []}
    for _ in range(RUNS + 1):  # the first one warms up
        times = [time.process_time()]
        marked = watermark.embedded(pixels, SPEC.number or 0)
        times.append(time.process_time())
        file = encode(Image.fromarray(marked), ("jpg",), None, xmp(SPEC))
        times.append(time.process_time())
        c2pa_sign.room(file.type, SPEC, identity)
        signed = c2pa_sign.sign(file.data, file.type, SPEC, identity)
        times.append(time.process_time())
        perceptual_hash(np.asarray(Image.open(io.BytesIO(signed.data)).convert("RGB")))
        times.append(time.process_time())
        for part, before, after in zip(taken, times[:-1], times[1:], strict=True):
            taken[part].append(after - before)
    medians = {part: statistics.median(spent[1:]) for part, spent in taken.items()}
    for part, median in medians.items():
        print(f"{part:16} {median:.3f} s")
    whole = sum(medians.values())
    print(f"all of it        {whole:.3f} s (at most {LIMIT})")
    sys.exit(whole > LIMIT)


if __name__ == "__main__":
    main()
