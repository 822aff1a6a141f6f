"""Whether the words on a product can still be read in its ad, where tesseract is installed; without it nothing is said."""

from __future__ import annotations

import re
import shutil
import subprocess
from difflib import SequenceMatcher
from functools import lru_cache

import cv2
import numpy as np

from finishing.plates import Bytes

SIDE = 700  # pixels of the longest side at which a label is read
SURE = 60.0  # tesseract's own confidence, 0 to 100
SHORTEST = 3  # letters: shorter finds are mostly dirt
ALIKE = 0.75  # of a word's letters
PATIENCE = 10.0  # seconds


@lru_cache(maxsize=1)
def program() -> str | None:
    """Where tesseract is; None where it is not installed."""
    return shutil.which("tesseract")


def kept(picture: Bytes, cutout: Bytes, box: tuple[float, float, float, float]) -> float | None:
    """The share of the words that can be read on the cut-out which can be read in the picture's box, too.

    `picture` is RGB, `cutout` RGBA, `box` in pixels of the picture. None where nothing can be read on the product, or nobody can read.
    """
    if program() is None:
        return None
    rows, columns = np.flatnonzero((cutout[..., 3] > 127).any(axis=1)), np.flatnonzero((cutout[..., 3] > 127).any(axis=0))
    part = cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    share = part[..., 3:] / 255
    wanted = words(np.asarray(part[..., :3] * share + 235 * (1 - share), np.uint8))
    if not wanted:
        return None
    left, top, right, bottom = (round(max(0.0, edge)) for edge in box)
    found = words(picture[top:bottom, left:right])
    return round(sum(any(SequenceMatcher(None, word, other).ratio() >= ALIKE for other in found) for word in wanted) / len(wanted), 3)


def words(pixels: Bytes) -> list[str]:
    """The words that tesseract is sure of, in small letters. Nothing when it fails or takes too long."""
    if program() is None or not pixels.size:
        return []
    scale = SIDE / max(pixels.shape[:2])
    size = max(2, round(pixels.shape[1] * scale)), max(2, round(pixels.shape[0] * scale))
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), cv2.COLOR_RGB2GRAY)
    done, file = cv2.imencode(".png", grey)
    if not done:
        return []
    command = [str(program()), "stdin", "stdout", "--psm", "11", "tsv"]
    try:
        read = subprocess.run(  # noqa: S603 - our own words, and a picture that we drew
            command, input=file.tobytes(), capture_output=True, timeout=PATIENCE, check=True, env={"OMP_THREAD_LIMIT": "1"}
        )
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in read.stdout.decode(errors="replace").splitlines()[1:]:
        cells = line.split("\t")
        word = re.sub(r"\W+", "", cells[-1]).lower()
        if len(cells) == 12 and len(word) >= SHORTEST and float(cells[10]) >= SURE:
            found.append(word)
    return found
