"""What a picture looks like, in 64 bits that change little when it is re-encoded, scaled or slightly touched up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE, KEPT = 32, 8  # pixels a side that are looked at; slow waves a side that are kept
ALIKE = 6  # bits that may differ between two files of one picture


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """64 bits of the RGB pixels: whether each of the slowest waves (DCT) of their brightness is stronger than the middle one."""
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[:KEPT, :KEPT].ravel()
    stronger = waves > np.median(waves[1:])  # the first one is the mean brightness
    return int.from_bytes(np.packbits(stronger).tobytes())


def distance(one: int, other: int) -> int:
    """How many of the 64 bits differ."""
    return (one ^ other).bit_count()
