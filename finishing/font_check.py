"""A font that somebody uploads is looked at by `font_file.py` in a process of its own, before anything else touches it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 10_000_000
PATIENCE = 20.0  # seconds by the clock of a busy machine; the child ends itself after 4 of the processor
KINDS = {b"\x00\x01\x00\x00": "TTF", b"true": "TTF", b"OTTO": "OTF", b"wOF2": "WOFF2"}
_READER = Path(__file__).with_name("font_file.py")
_SENTENCES = {
    "pictures": "This font has letters that are coloured pictures. Upload a font of plain outlines.",
    "tables": "This font is not complete. Export it again as TTF or OTF, or ask its maker for another copy.",
    "heavy": "This font unpacks to far more than a font needs. Upload one with fewer letters.",
    "restricted": "Its maker does not allow this font to be built into anything. Ask for a licence that does, and for the file that comes with it.",
    "letters": "This font draws next to no letters. Upload one that has at least the alphabet.",
    "broken": "This font cannot be read: the file is damaged. Upload it again as TTF, OTF or WOFF2.",
}


class FontRefused(ValueError):
    """A font that is not taken; the message says why and what to do."""


@dataclass(frozen=True)
class CheckedFont:
    """A font that opens, draws, and may be used, with the letters it has as runs of code points."""

    data: bytes
    kind: str
    family: str
    style: str
    weight: int
    glyphs: int
    ranges: tuple[tuple[int, int], ...]


def check(data: bytes) -> CheckedFont:
    """Look at a TTF, OTF or WOFF2 of at most 10 MB. Raises FontRefused."""
    if len(data) > MOST_BYTES:
        raise FontRefused(f"This font has {len(data) / 1e6:.1f} MB; 10 MB are the most. Upload one with fewer letters.")
    if data[:4] not in KINDS:
        raise FontRefused("This is not a font that we can read. Upload a TTF, OTF or WOFF2 file.")
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", str(_READER)], input=data, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise FontRefused(_SENTENCES["heavy"]) from None
    try:
        told = json.loads(child.stdout)
    except ValueError:
        # No answer: the system stopped it for its memory or its time.
        raise FontRefused(_SENTENCES["heavy"]) from None
    if error := told.get("error"):
        raise FontRefused(_SENTENCES.get(error, _SENTENCES["broken"]))
    return CheckedFont(
        data,
        KINDS[data[:4]],
        told["family"] or "Unnamed font",
        told["style"],
        told["weight"],
        told["glyphs"],
        tuple((first, last) for first, last in told["ranges"]),
    )
