"""The typefaces that lie in `finishing/fonts`, and which of them can write a text."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

FOLDER = Path(__file__).parent / "fonts"
BOLD = 600  # from this weight on a fallback is bold, too
FINE = 48  # pixels: below, letters are drawn four times as large and scaled down, above twice
DISPLAY = {"anton", "archivo-black", "dm-serif"}  # single weights that look bold
RTL_SCRIPTS = {"Arabic", "Hebrew"}
SHAPED_SCRIPTS = {"Arabic", "Devanagari"}  # letters join: no tracking, and raqm must be there
FALLBACKS = {"Arabic": "noto-arabic", "Hebrew": "noto-hebrew", "Devanagari": "noto-devanagari"}
# First code points of blocks, by script; enough to tell what a headline is written in.
BLOCKS = (
    (0x0370, 0x03FF, "Greek"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x1100, 0x11FF, "Korean"),
    (0x1F00, 0x1FFF, "Greek"),
    (0x3040, 0x30FF, "Japanese"),
    (0x3400, 0x9FFF, "Chinese"),
    (0xAC00, 0xD7AF, "Korean"),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0xFB50, 0xFEFC, "Arabic"),
)


class FontError(ValueError):
    """No font here can write a text; the message says which letters."""


@dataclass(frozen=True)
class Face:
    """One font file."""

    slug: str
    file: Path
    family: str
    weight: int
    scripts: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def has(self, letter: str) -> bool:
        """Whether the file has a glyph for this letter."""
        place = bisect_right(self.starts, ord(letter)) - 1
        return place >= 0 and ord(letter) <= self.ends[place]


@lru_cache(maxsize=1)
def faces() -> dict[str, Face]:
    """Every face by its slug."""
    rows = json.loads((FOLDER / "fonts.json").read_text())
    return {
        slug: Face(
            slug,
            FOLDER / row["file"],
            row["family"],
            row["weight"],
            tuple(row["scripts"]),
            tuple(span[0] for span in row["ranges"]),
            tuple(span[1] for span in row["ranges"]),
        )
        for slug, row in rows.items()
    }


@lru_cache(maxsize=512)
def font(slug: str, size: int) -> ImageFont.FreeTypeFont:
    """The face at a size in pixels. Raises FontError for a slug that is not here."""
    if slug not in faces():
        raise FontError(f"There is no font '{slug}'.")
    return ImageFont.truetype(str(faces()[slug].file), size)


def samples(size: int) -> int:
    """How much larger words of a size are measured and drawn: FreeType rounds advances to whole pixels, and small words lose their spaces."""
    return 4 if size < FINE else 2


def line_length(text: str, slug: str, size: int) -> float:
    """Pixels that a line takes at a size, to a fraction of a pixel."""
    times = samples(size)
    return float(font(slug, size * times).getlength(text)) / times


def bearing(text: str, slug: str, size: int) -> float:
    """Pixels from where a line begins to its first ink: what large letters must be moved by to stand on one edge with small ones."""
    times = samples(size)
    return float(font(slug, size * times).getbbox(text, anchor="ls")[0]) / times


def script_of(text: str) -> str:
    """The script of the first letter that is not Latin, else Latin."""
    for letter in text:
        code = ord(letter)
        if code >= 0x0370:
            for first, last, script in BLOCKS:
                if first <= code <= last:
                    return script
    return "Latin"


def is_rtl(text: str) -> bool:
    """Whether the text runs from right to left."""
    return script_of(text) in RTL_SCRIPTS


def pick(slug: str, text: str) -> str:
    """The wished face where it has every letter, else a Noto of the right script and a like weight.

    Raises FontError when no face here can write the text, or when it needs shaping that this machine cannot do.
    """
    script = script_of(text)
    if (script in SHAPED_SCRIPTS or script in RTL_SCRIPTS) and not features.check("raqm"):
        raise FontError(f"This machine cannot set {script}: its Debian package libfribidi0 is missing.")
    wished = faces().get(slug)
    letters = {letter for letter in text if not letter.isspace() and letter not in "\u200c\u200d"}
    if wished and all(map(wished.has, letters)):
        return slug
    bold = slug in DISPLAY or (wished is not None and wished.weight >= BOLD)
    fallback = f"{FALLBACKS.get(script, 'noto')}-{700 if bold else 500}"
    missing = sorted(letter for letter in letters if not faces()[fallback].has(letter))
    if missing:
        raise FontError(f"No font here can write these letters: {' '.join(missing[:12])}. Write the words without them.")
    return fallback


@lru_cache(maxsize=256)
def cap_height(slug: str, size: int) -> float:
    """Height in pixels of a capital letter (or of an alif, aleph, or Devanagari's first letter) above the baseline."""
    for sample in ("H", "א", "ا", "अ"):
        if faces()[slug].has(sample):
            times = samples(size)
            return float(-font(slug, size * times).getbbox(sample, anchor="ls")[1]) / times
    return 0.7 * size
