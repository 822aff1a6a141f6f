"""The typefaces that lie in `finishing/fonts`, and which of them can write a text."""

from __future__ import annotations

import json
import re
import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools.ttLib import TTFont
from PIL import ImageFont, features

FOLDER = Path(__file__).parent / "fonts"
# Debian's fonts-noto-cjk: every letter of Chinese, Japanese and Korean, for the rare ones that our subsets leave out.
SYSTEM_FOLDER = Path("/usr/share/fonts/opentype/noto")
SYSTEM_PACKAGE = "fonts-noto-cjk"
SYSTEM_ORDER = {"Japanese": 0, "Korean": 1, "Chinese": 2}  # of the faces in the collection
BOLD = 600  # from this weight on a fallback is bold, too
FINE = 48  # pixels: below, letters are drawn four times as large and scaled down, above twice
DISPLAY = {"anton", "archivo-black", "dm-serif"}  # single weights that look bold
RTL_SCRIPTS = {"Arabic", "Hebrew"}
SHAPED_SCRIPTS = {"Arabic", "Devanagari", "Thai"}  # letters join or stack: no tracking, and raqm must be there
CJK = {"Japanese", "Chinese", "Korean"}
CASED = {"Latin", "Greek", "Cyrillic"}  # scripts with capitals
FALLBACKS = {
    "Arabic": "noto-arabic",
    "Hebrew": "noto-hebrew",
    "Devanagari": "noto-devanagari",
    "Thai": "noto-thai",
    "Japanese": "noto-jp",
    "Chinese": "noto-sc",
    "Korean": "noto-kr",
}
PRICE = re.compile(r"[$€£¥₹₽₩₪฿₺]\s?\d|\d\s?[$€£¥₹₽₩₪฿₺]")
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
    (0x3000, 0x303F, "Chinese"),
    (0x3040, 0x30FF, "Japanese"),
    (0x3130, 0x318F, "Korean"),
    (0x3400, 0x9FFF, "Chinese"),
    (0xAC00, 0xD7AF, "Korean"),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0xFB50, 0xFEFC, "Arabic"),
)


class FontError(ValueError):
    """No font here can write a text; the message says which letters."""


@dataclass(frozen=True)
class Face:
    """One font file, or one face of a collection."""

    slug: str
    file: Path
    family: str
    weight: int
    scripts: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    index: int = 0

    def has(self, letter: str) -> bool:
        """Whether the file has a glyph for this letter."""
        place = bisect_right(self.starts, ord(letter)) - 1
        return place >= 0 and ord(letter) <= self.ends[place]


_lent: dict[str, Face] = {}  # brands' own, by slug


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


@lru_cache(maxsize=8)
def _system_face(script: str, bold: bool) -> Face | None:
    """The machine's own Noto Sans CJK, where Debian's package is installed."""
    file = SYSTEM_FOLDER / f"NotoSansCJK-{'Bold' if bold else 'Regular'}.ttc"
    if not file.is_file():
        return None
    index = SYSTEM_ORDER[script]
    codes = sorted(TTFont(file, fontNumber=index, lazy=True).getBestCmap())
    breaks = [place for place in range(1, len(codes)) if codes[place] != codes[place - 1] + 1]
    starts = tuple(codes[place] for place in (0, *breaks))
    ends = tuple(codes[place - 1] for place in (*breaks, len(codes)))
    return Face(
        f"system-{script.lower()}-{700 if bold else 500}", file, "Noto Sans CJK", 700 if bold else 500, (script,), starts, ends, index
    )


@lru_cache(maxsize=1)
def _lent_folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="adsgem-fonts-")


def lend(slug: str, data: bytes, *, family: str, weight: int, ranges: Sequence[Sequence[int]]) -> None:
    """Have a brand's own font at hand under a slug that is made from its hash. `data` was taken in by `font_check.check`.

    FreeType reads from a file, so that a font in thirty sizes is in memory once; the file goes when this process ends.
    """
    if slug in _lent:
        return
    file = Path(_lent_folder().name) / slug
    draft = file.with_name(f".{slug}.{threading.get_ident()}.part")
    draft.write_bytes(data)
    draft.replace(file)
    _lent[slug] = Face(slug, file, family, weight, (), tuple(span[0] for span in ranges), tuple(span[1] for span in ranges))


def is_at_hand(slug: str) -> bool:
    """Whether a face can be drawn here: ours, the machine's, or lent."""
    return face_of(slug) is not None


def face_of(slug: str) -> Face | None:
    """The face with this slug: a brand's own, ours, or the machine's."""
    if slug in _lent:
        return _lent[slug]
    if slug.startswith("system-"):
        _, script, weight = slug.split("-")
        return _system_face(script.capitalize(), weight == "700")
    return faces().get(slug)


@lru_cache(maxsize=512)
def font(slug: str, size: int) -> ImageFont.FreeTypeFont:
    """The face at a size in pixels. Raises FontError for a slug that is not here."""
    face = face_of(slug)
    if face is None:
        raise FontError(f"There is no font '{slug}'.")
    return ImageFont.truetype(str(face.file), size, index=face.index)


def samples(size: int) -> int:
    """How much larger words of a size are measured and drawn: FreeType rounds advances to whole pixels, and small words lose their spaces."""
    return 4 if size < FINE else 2


@lru_cache(maxsize=1)
def _shapes() -> bool:
    return bool(features.check("raqm"))


def features_of(text: str) -> list[str] | None:
    """OpenType features that a text is set with: figures as high as capitals, and of one width in a price."""
    if not _shapes() or not any(letter.isdigit() for letter in text):
        return None
    return ["lnum", "tnum"] if PRICE.search(text) else ["lnum"]


def line_length(text: str, slug: str, size: int) -> float:
    """Pixels that a line takes at a size, to a fraction of a pixel."""
    times = samples(size)
    return float(font(slug, size * times).getlength(text, features=features_of(text))) / times


def bearing(text: str, slug: str, size: int) -> float:
    """Pixels from where a line begins to its first ink: what large letters must be moved by to stand on one edge with small ones."""
    times = samples(size)
    return float(font(slug, size * times).getbbox(text, anchor="ls", features=features_of(text))[0]) / times


def script_of(text: str, language: str = "") -> str:
    """The script of the first letter that is not Latin, else Latin. One kana makes a text Japanese; so does its language."""
    found = "Latin"
    for letter in text:
        code = ord(letter)
        if code < 0x0370 or (found != "Latin" and not 0x3040 <= code <= 0x30FF):
            continue
        script = next((name for first, last, name in BLOCKS if first <= code <= last), "")
        if script == "Japanese":
            return script
        found = script or found
    return "Japanese" if found == "Chinese" and language.startswith("ja") else found


def is_rtl(text: str) -> bool:
    """Whether the text runs from right to left."""
    return script_of(text) in RTL_SCRIPTS


def pick(slug: str, text: str, language: str = "") -> str:
    """The wished face where it has every letter, else a Noto of the right script and a like weight.

    Raises FontError when no face here can write the text, or when it needs shaping that this machine cannot do.
    """
    script = script_of(text, language)
    if (script in SHAPED_SCRIPTS or script in RTL_SCRIPTS) and not _shapes():
        raise FontError(f"This machine cannot set {script}: its Debian package libfribidi0 is missing.")
    wished = face_of(slug)
    letters = {letter for letter in text if not letter.isspace() and letter not in "\u200b\u200c\u200d\u2060"}
    if wished and all(map(wished.has, letters)):
        return slug
    bold = slug in DISPLAY or (wished is not None and wished.weight >= BOLD)
    fallback = faces()[f"{FALLBACKS.get(script, 'noto')}-{700 if bold else 500}"]
    missing = sorted(letter for letter in letters if not fallback.has(letter))
    if missing and script in CJK and (whole := _system_face(script, bold)) and all(map(whole.has, letters)):
        return whole.slug
    if missing:
        more = f", or have {SYSTEM_PACKAGE} installed on this machine" if script in CJK and _system_face(script, bold) is None else ""
        raise FontError(f"No font here can write these letters: {' '.join(missing[:12])}. Write the words without them{more}.")
    return fallback.slug


@lru_cache(maxsize=256)
def cap_height(slug: str, size: int) -> float:
    """Height in pixels of a capital letter (or of an alif, aleph, or Devanagari's first letter) above the baseline."""
    face = face_of(slug)
    # A Chinese or Korean letter fills its square: "H" beside it is what sits level.
    for sample in ("H", "א", "ا", "अ", "ก"):
        if face and face.has(sample):
            times = samples(size)
            return float(-font(slug, size * times).getbbox(sample, anchor="ls")[1]) / times
    return 0.7 * size
