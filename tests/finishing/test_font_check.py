"""What people upload as a font: good ones are taken, and hostile ones are refused fast, with a sentence, at little cost."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable

from finishing import fonts
from finishing.font_check import MOST_BYTES, check

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,!?"
MOST_SECONDS, MOST_MEMORY = 1.0, 300_000  # of the processor; kilobytes
ROOT = Path(__file__).parent.parent.parent
ASK = """
import json, resource, sys
from finishing.font_check import FontRefused, check
try:
    check(sys.stdin.buffer.read())
    sentence = "it was taken"
except FontRefused as refusal:
    sentence = str(refusal)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([sentence, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def font(
    letters: str = LETTERS, *, family: str = "Miravel Sans", fs_type: int = 0, weight: int = 700, flavor: str | None = None, extra: str = ""
) -> bytes:
    """A font of plain squares, as TTF, or as WOFF2."""
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for corner in ((50, 700), (550, 700), (550, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    names = {ord(letter): f"u{ord(letter):04X}" for letter in letters}
    build = FontBuilder(1000, isTTF=True)
    build.setupGlyphOrder([".notdef", *names.values()])
    build.setupCharacterMap(names)
    build.setupGlyf({".notdef": square, **dict.fromkeys(names.values(), square)})
    build.setupHorizontalMetrics({".notdef": (600, 50), **dict.fromkeys(names.values(), (600, 50))})
    build.setupHorizontalHeader(ascent=800, descent=-200)
    build.setupNameTable({"familyName": family, "styleName": "Bold"})
    build.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200, fsType=fs_type, usWeightClass=weight)
    build.setupPost()
    if extra:
        table = DefaultTable(extra)
        table.data = b"\0" * 64
        build.font[extra] = table
    build.font.flavor = flavor
    file = io.BytesIO()
    build.font.save(file)
    return file.getvalue()


def woff2_bomb() -> bytes:
    """A WOFF2 of a few hundred bytes that unpacks to 600 MB."""
    packed = brotli.Compressor(quality=5)
    stream = b"".join(packed.process(bytes(10_000_000)) for _ in range(60)) + packed.finish()
    entry = bytes([0]) + b"\x84\x80\x80\x80\x00"  # the first known table, of a length of many bytes
    head = struct.pack(
        ">4sIIHHIIHHIIIII", b"wOF2", 0x00010000, 48 + len(entry) + len(stream), 1, 0, 600_000_000, len(stream), 1, 0, 0, 0, 0, 0, 0
    )
    return head + entry + stream


def many_tables() -> bytes:
    """A directory that promises 65,535 tables, each as large as the file is not."""
    return struct.pack(">IHHHH", 0x00010000, 65_535, 0, 0, 0) + b"".join(
        struct.pack(">4sIII", f"t{number:03d}".encode()[:4], 0, 0, 0xFFFFFFFF) for number in range(1000)
    )


def lying_glyph_count() -> bytes:
    """A font that says it has no glyphs."""
    opened = TTFont(io.BytesIO(font()))
    opened["maxp"].numGlyphs = 0
    raw = bytearray(font())
    entry = next(place for place in range(12, 12 + 16 * 12, 16) if raw[place : place + 4] == b"maxp")
    start = struct.unpack(">I", raw[entry + 8 : entry + 12])[0]
    raw[start + 4 : start + 6] = b"\0\0"
    return bytes(raw)


def test_a_good_font_tells_its_name_weight_and_letters() -> None:
    for flavor, kind in ((None, "TTF"), ("woff2", "WOFF2")):
        found = check(font(flavor=flavor))
        assert (found.kind, found.family, found.style, found.weight) == (kind, "Miravel Sans", "Bold", 700)
        assert (65, 90) in found.ranges and found.glyphs == len(LETTERS) + 1


def test_our_own_faces_pass() -> None:
    assert check((fonts.FOLDER / "noto-arabic-700.woff2").read_bytes()).family.startswith("Noto")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: b"%PDF-1.7 not a font at all", "Upload a TTF, OTF or WOFF2"),
        (lambda: b"", "Upload a TTF, OTF or WOFF2"),
        (lambda: b"\x00\x01\x00\x00" + bytes(MOST_BYTES), "10 MB are the most"),
        (lambda: font()[:900], "damaged"),
        (lambda: font()[:40], "damaged"),
        (lambda: font(flavor="woff2")[:-80], "damaged"),
        (many_tables, ""),
        (lying_glyph_count, "not complete"),
        (woff2_bomb, ""),
        (lambda: font(extra="SVG "), "coloured pictures"),
        (lambda: font(extra="CBDT"), "coloured pictures"),
        (lambda: font(fs_type=2), "does not allow"),
        (lambda: font(fs_type=0x200), "does not allow"),
        (lambda: font("AB"), "next to no letters"),
    ],
    ids="pdf empty large truncated directory-only truncated-woff2 many-tables no-glyphs woff2-bomb svg bitmaps restricted bitmaps-only two-letters".split(),
)
def test_what_is_no_font_for_ads_is_refused_fast_and_with_a_sentence(made: Callable[[], bytes], said: str) -> None:
    # In a process of its own: what the largest child of this one held says nothing of this child.
    asked = subprocess.run([sys.executable, "-c", ASK], input=made(), capture_output=True, check=True, cwd=ROOT)
    sentence, seconds, memory = json.loads(asked.stdout)
    assert said in sentence and sentence.endswith(".")
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY
