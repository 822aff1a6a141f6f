"""The invisible watermark: a 64-bit number in an ad's brightness, found again after re-encoding, scaling and cropping.

Spread spectrum: the picture is laid out in small squares ("chips"), each a little lighter or darker by a sequence of 1024 signs that runs
on from row to row with a shift, so that every window of about a thousand chips holds the whole of it, wherever it was cut out. A quarter
of the signs never change: by them the place is found; the others carry the number (`codeword.py`). How strong it is follows the
picture: hardly there in plain areas and beside letters, stronger in texture.

Nobody's secret is in it: whoever has this code can read it, and could write it. It says which ad a file may be; the signature proves it.
What it survives is measured by `bench/watermark.py`, and told in `docs/ai-marking.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing import codeword

Grey = NDArray[np.float32]

SIGNS, SHIFT = 1024, 391  # the shift from row to row: near the golden section, so that rows of a narrow strip do not repeat each other
MARKS = 256  # signs that never change
SMALLEST_AREA = 40_000  # pixels; below it, there is no room for all signs


@dataclass(frozen=True)
class Strength:
    """Size of a chip in pixels, and how far it may move the brightness (0 to 255): in plain areas, in texture, per activity there."""

    chip: int
    least: float
    most: float
    follow: float


LARGE = Strength(chip=6, least=0.4, most=1.5, follow=0.375)
SMALL = Strength(chip=3, least=0.8, most=2.6, follow=0.56)
LARGE_FROM = 500  # pixels of the short side
READ_CHIP = 4  # pixels of a chip in the picture that is read
READ_AREA = 4_000_000  # pixels of that picture at most: what would have more was never an ad
# Scales that platforms shrink and enlarge to, tried before and after what the picture itself suggests.
SCALES = (1.0, 0.5, 2 / 3, 0.75, 0.8, 0.9, 1 / 3, 0.6, 0.4, 1.5, 2.0)
SURE = 4.5  # standard deviations that the place must stand out by before its number is read

_dice = np.random.Generator(np.random.PCG64(19670412))  # these numbers are the watermark: never change them
_order = _dice.permutation(SIGNS)
_MARK_AT, _DATA_AT = _order[:MARKS], _order[MARKS:]
_MARK = _dice.integers(0, 2, MARKS).astype(np.float32) * 2 - 1
_FLIP = _dice.integers(0, 2, SIGNS - MARKS).astype(np.float32) * 2 - 1
_CARRIES = np.arange(SIGNS - MARKS) % codeword.LENGTH  # which coded value a sign carries
_PLACE = np.zeros(SIGNS, np.float32)
_PLACE[_MARK_AT] = _MARK
_PLACE_SPECTRUM = np.conj(np.fft.rfft(_PLACE))
# A fixed pattern of fractions, so that changes below one step of brightness are there on average.
_FRACTIONS = (_dice.permutation(64 * 64).reshape(64, 64).astype(np.float32) + 0.5) / 4096 - 0.5
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) * (0.9 / 4)
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Found:
    """A number that was read, at which scale of a large ad's chips, and how far its place stood out (standard deviations)."""

    number: int
    scale: float
    sureness: float


def fits(width: int, height: int) -> bool:
    """Whether a picture of this size is large enough to carry the watermark."""
    return width * height >= SMALLEST_AREA


def embedded(pixels: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """The RGB pixels with the number (below 2^64) in them. Raises ValueError for a picture that is too small."""
    height, width = pixels.shape[:2]
    if not fits(width, height):
        raise ValueError(f"{width} x {height} pixels are too few for the watermark.")
    strength = LARGE if min(width, height) >= LARGE_FROM else SMALL
    chip = strength.chip
    signs = np.zeros(SIGNS, np.float32)
    signs[_MARK_AT] = _MARK
    signs[_DATA_AT] = codeword.written(number)[_CARRIES] * _FLIP
    grid = signs[_indices(-(-height // chip), -(-width // chip))]
    pattern = _band(np.kron(grid, np.ones((chip, chip), np.float32))[:height, :width], chip)
    pattern /= pattern.std()
    change = pattern * np.clip(strength.follow * _activity(_grey(pixels), chip), strength.least, strength.most)
    change += np.tile(_FRACTIONS, (-(-height // 64), -(-width // 64)))[:height, :width]
    return np.asarray(np.clip(np.rint(pixels + change[..., None]), 0, 255), np.uint8)


def find(pixels: NDArray[np.uint8]) -> Found | None:
    """The number in these RGB pixels, None when there is none that can be read.

    One that is found by chance is less likely than one in a hundred thousand pictures.
    """
    grey = _grey(pixels)
    for scale in _scales(grey):
        if found := _read_at(grey, scale):
            return found
    return None


def _scales(grey: Grey) -> Iterator[float]:
    """Scales to try, the likely ones first; each once."""
    tried: list[float] = []
    usual = [SMALL.chip / LARGE.chip * each for each in SCALES[1:]]
    for scale in (1.0, SMALL.chip / LARGE.chip, *_suggested(grey), *SCALES[1:], *usual):
        if all(abs(scale / other - 1) > 0.001 for other in tried):
            tried.append(scale)
            yield scale


def _indices(rows: int, columns: int) -> NDArray[np.int64]:
    """Which of the signs stands in which chip."""
    return (np.arange(columns) + SHIFT * np.arange(rows)[:, None]) % SIGNS


def _grey(pixels: NDArray[np.uint8]) -> Grey:
    return np.asarray(pixels[..., :3] @ _GREY, np.float32)


def _band(grey: Grey, chip: float) -> Grey:
    """What is about as large as a chip: neither grain nor broad light."""
    fine, broad = (cv2.GaussianBlur(grey, (0, 0), chip * each) for each in (0.3, 1.5))
    return np.asarray(fine - broad, np.float32)


def _activity(grey: Grey, chip: int) -> Grey:
    """How much goes on around each pixel, on all sides of it: plain paper beside a letter counts as plain."""
    size = (2 * chip + 1, 2 * chip + 1)
    busy = cv2.erode(cv2.blur(np.abs(_band(grey, chip)), (chip, chip)), np.ones(size, np.uint8))
    return np.asarray(cv2.blur(busy, size), np.float32)


def _levelled(grey: Grey, chip: int) -> Grey:
    """The band of a chip's size, each place measured by what goes on around it, so that an edge counts no more than plain paper."""
    band = _band(grey, chip)
    around = cv2.blur(band * band, (6 * chip + 1, 6 * chip + 1))
    return np.asarray(np.clip(band / (np.sqrt(np.maximum(around, 0)) + 0.6), -2, 2), np.float32)


def _whitened(chips: Grey) -> Grey:
    """Chips without what their neighbours foretell of them: that is the picture, while the watermark's signs know nothing of each other."""
    rest = chips - cv2.filter2D(chips, -1, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT_101)
    around = np.sqrt(np.maximum(cv2.blur(rest * rest, (7, 7)), 0)) + 1e-3
    return np.asarray(np.clip(rest / around, -1.5, 1.5), np.float32)


def _read_at(grey: Grey, scale: float) -> Found | None:
    """The number, taking the picture for one whose large chips are `scale` times as large as they were made."""
    factor = READ_CHIP / (LARGE.chip * scale)
    height, width = (max(2 * READ_CHIP, round(side * factor)) for side in grey.shape)
    if not SMALLEST_AREA / 9 <= width * height <= READ_AREA:
        return None
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    means = cv2.boxFilter(_levelled(np.asarray(small, np.float32), READ_CHIP), -1, (READ_CHIP, READ_CHIP), anchor=(0, 0))
    best: tuple[float, Grey] | None = None
    for top in range(READ_CHIP):
        for left in range(READ_CHIP):
            chips = _whitened(np.ascontiguousarray(means[top::READ_CHIP, left::READ_CHIP]))
            sureness, signs = _placed(chips)
            if best is None or sureness > best[0]:
                best = sureness, signs
    if best is None or best[0] < SURE:
        return None
    soft = np.bincount(_CARRIES, best[1][_DATA_AT] * _FLIP, codeword.LENGTH).astype(np.float32)
    number = codeword.read(soft)
    return None if number is None else Found(number, scale, round(best[0], 1))


def _placed(chips: Grey) -> tuple[float, Grey]:
    """All chips that carry the same sign together, turned so that the first sign comes first; and how sure that place is."""
    where = _indices(*chips.shape).ravel()
    sums = np.bincount(where, chips.ravel(), SIGNS) / np.sqrt(np.maximum(np.bincount(where, minlength=SIGNS), 1))
    likeness = np.fft.irfft(np.fft.rfft(sums) * _PLACE_SPECTRUM, SIGNS)
    turn = int(likeness.argmax())
    sureness = float((likeness[turn] - likeness.mean()) / (likeness.std() + 1e-9))
    return sureness, np.asarray(np.roll(sums, -turn), np.float32)


def _lattice() -> list[tuple[int, int]]:
    """The shortest ways (in chips) from one sign to where the same sign stands again."""
    ways = [(x, y) for y in range(64) for x in range(-64, 64) if (y or x > 0) and (x + SHIFT * y) % SIGNS == 0]
    return sorted(ways, key=lambda way: way[0] ** 2 + way[1] ** 2)[:10]


_LATTICE = _lattice()
_STEP = 0.004  # of the logarithm of a chip's size


def _suggested(grey: Grey, at_most: int = 8) -> list[float]:
    """Scales at which the picture is like itself along the lattice: the watermark repeats there, and nothing else does."""
    height, width = grey.shape
    levelled = _levelled(grey, READ_CHIP)
    rows, columns = (cv2.getOptimalDFTSize(2 * side) for side in (height, width))
    likeness = np.fft.irfft2(np.abs(np.fft.rfft2(levelled, (rows, columns))) ** 2, (rows, columns)).astype(np.float32)
    likeness /= max(float(likeness[0, 0]), 1e-9)
    chips = np.exp(np.arange(np.log(1.4), np.log(16), _STEP))
    total = np.zeros(len(chips), np.float32)
    for way_x, way_y in _LATTICE:
        x, y = chips * way_x, chips * way_y
        shared = np.maximum(0, 1 - np.abs(x) / width) * np.maximum(0, 1 - np.abs(y) / height)
        at = cv2.remap(likeness, (x % columns).astype(np.float32)[None], (y % rows).astype(np.float32)[None], cv2.INTER_LINEAR)[0]
        # What is seen through a smaller overlap is surer by less.
        total += np.where(shared > 0.01, at / np.sqrt(np.maximum(shared, 0.01)), 0).astype(np.float32)
    standing = total - np.convolve(np.pad(total, 25, mode="edge"), np.ones(51) / 51, "valid")
    peaks = [place for place in range(1, len(chips) - 1) if standing[place] >= max(standing[place - 1], standing[place + 1])]
    peaks.sort(key=lambda place: -standing[place])
    return [float(chips[place] * np.exp(_STEP * _between(standing[place - 1 : place + 2]))) / LARGE.chip for place in peaks[:at_most]]


def _between(three: NDArray[np.float64]) -> float:
    """Where the top of a parabola through three values lies, from -1 to 1 around the middle one."""
    before, middle, after = (float(each) for each in three)
    bend = before - 2 * middle + after
    return 0.0 if bend == 0 else max(-1.0, min(1.0, 0.5 * (before - after) / bend))
