"""The child process of `font_check.py`: reads one font from stdin, answers with one JSON line.

Runs by its path, so that a font made to hurt meets a process with little memory, little time, and nothing worth stealing.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY = 110_000_000  # bytes above what Python and fontTools hold themselves
PROCESSOR_SECONDS = 4
GLYPHS = 65_535  # the most that the format itself knows
LETTERS_AT_LEAST = 20
UNPACKED = 30_000_000  # bytes of all tables together
RESTRICTED, BITMAPS_ONLY = 0x0002, 0x0200  # bits of OS/2.fsType
PICTURES = ("SVG ", "CBDT", "sbix", "COLR", "EBDT")  # letters that are drawings: programs, or colours that no ink can change
NEEDED = ("cmap", "head", "hhea", "hmtx", "maxp", "name", "OS/2")


class Refused(Exception):
    """Why a font is not taken, as a word for the parent."""


def limit_itself() -> None:
    """Take memory and processor time away from this process; where the system has no such limits (Windows), do nothing."""
    try:
        import resource
    except ImportError:
        return
    held = 0
    with suppress(OSError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for which, limit in ((resource.RLIMIT_AS, held + MEMORY), (resource.RLIMIT_CPU, PROCESSOR_SECONDS)):
        # macOS knows RLIMIT_AS by name only and refuses it.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (limit, limit))


def read(data: bytes) -> dict[str, Any]:
    """What the font is. Raises Refused, and whatever fontTools raises on damaged files."""
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(data), lazy=True, checkChecksums=0)
    tables = set(font.keys())
    if tables & set(PICTURES):
        raise Refused("pictures")
    if not tables.issuperset(NEEDED) or not tables & {"glyf", "CFF ", "CFF2"}:
        raise Refused("tables")
    if sum(entry.origLength if font.flavor else entry.length for entry in font.reader.tables.values()) > UNPACKED:
        raise Refused("heavy")
    if not 0 < font["maxp"].numGlyphs <= GLYPHS or not 16 <= font["head"].unitsPerEm <= 16_384:
        raise Refused("tables")
    if font["OS/2"].fsType & 0x000F == RESTRICTED or font["OS/2"].fsType & BITMAPS_ONLY:
        raise Refused("restricted")
    codes = sorted(code for code, glyph in (font.getBestCmap() or {}).items() if glyph != ".notdef")
    if len(codes) < LETTERS_AT_LEAST:
        raise Refused("letters")
    draw(data, codes)
    names = font["name"]
    return {
        "family": (names.getBestFamilyName() or "")[:80],
        "style": (names.getBestSubFamilyName() or "")[:40],
        "weight": min(1000, max(1, font["OS/2"].usWeightClass)),
        "glyphs": font["maxp"].numGlyphs,
        "ranges": spans(codes),
    }


def draw(data: bytes, codes: list[int]) -> None:
    """Draw some letters with what will draw the ads. Raises OSError when FreeType cannot, Refused when nothing is seen."""
    from PIL import ImageFont

    face = ImageFont.truetype(io.BytesIO(data), 48)
    step = max(1, len(codes) // 100)
    if not any(face.getmask(chr(code)).getbbox() for code in codes[::step] if not 0xD800 <= code <= 0xDFFF):
        raise Refused("letters")


def spans(codes: list[int]) -> list[list[int]]:
    """Sorted code points as first and last of each unbroken run."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return runs


def main() -> None:
    """Answer one font. Whatever goes wrong with it is an answer, too."""
    from fontTools import ttLib  # noqa: F401 - before the limits: what it needs itself is not the font's

    limit_itself()
    try:
        answer = read(sys.stdin.buffer.read())
    except MemoryError:
        answer = {"error": "heavy"}
    except Refused as refusal:
        answer = {"error": str(refusal)}
    except Exception as error:
        answer = {"error": "broken", "detail": f"{type(error).__name__}: {error}"[:200]}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
