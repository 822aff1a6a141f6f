"""Photo intake: what a person uploads goes in, a photo that is safe to keep and to show comes out.

The cheap looks (size, first bytes, size of the picture by its header) happen here, without any picture library. What
passes is decoded and drawn anew by `decode.py` in a process of its own, with little memory and little time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from finishing import headers

MAX_BYTES = 15_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
MIN_SIDE = 200
KEPT_SIDE = 4_000
PATIENCE = 60.0  # seconds by the clock; the child's own limit is 20 seconds of processor time

_DECODER = Path(__file__).with_name("decode.py")
_KINDS = {"JPEG", "PNG", "WEBP"}


class PhotoRefused(ValueError):
    """A photo that cannot be taken. The message is one sentence for the marketer; `code` is for programs."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class SafePhoto:
    """A photo drawn anew from its pixels: upright, sRGB, without metadata. JPEG, or PNG where it has real transparency."""

    data: bytes
    type: str
    extension: str
    width: int
    height: int


def make_safe(data: bytes, name: str = "") -> SafePhoto:
    """Check an uploaded file by its content and draw it anew; at most 4,000 pixels on its longest side.

    `name` is what the person called the file; it is only used in sentences. Raises PhotoRefused.
    """
    called = _called(name)
    kind = _kind_of(data, called)
    _check_header(data, kind, called)
    facts, drawn = _draw_anew(data, kind, called)
    png = facts["format"] == "PNG"
    return SafePhoto(
        data=drawn,
        type="image/png" if png else "image/jpeg",
        extension="png" if png else "jpg",
        width=int(facts["width"]),
        height=int(facts["height"]),
    )


def _called(name: str) -> str:
    """A file's name as it can stand in a sentence: no folders, no control characters, not too long."""
    last = PurePosixPath(PureWindowsPath(name).name).name
    clean = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(clean) > 60:
        clean = f"{clean[:45]}…{clean[-12:]}"
    return clean or "This file"


def _kind_of(data: bytes, called: str) -> str:
    """JPEG, PNG or WEBP by the first bytes. Everything else is refused, by its own name where we know it."""
    if not data:
        raise PhotoRefused(f"{called} is empty (0 bytes). Choose the photo again and upload it once more.", code="empty")
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1e6:.1f} MB"
        raise PhotoRefused(f"{called} has {size}. At most 15 MB can be taken: save it as a JPEG and upload that.", code="too_many_bytes")
    kind = headers.kind(data)
    if kind in _KINDS:
        return kind
    if not kind:
        raise PhotoRefused(f"{called} is not a picture we can read. Upload the photo as JPEG, PNG or WebP.", code="not_a_picture")
    if kind == "text":
        raise PhotoRefused(f"{called} holds text, not a picture. Upload the photo as JPEG, PNG or WebP.", code="not_a_picture")
    article = "an" if kind in ("SVG", "EPS", "AVIF", "HEIC") else "a"
    advice = {
        "HEIC": "On an iPhone, share it as “Most compatible”, or save it as a JPEG and upload that.",
        "SVG": "A drawing is no photo: export it as a PNG and upload that.",
    }.get(kind, "Save it as JPEG, PNG or WebP and upload that.")
    raise PhotoRefused(f"{called} is {article} {kind} file. {advice}", code="wrong_type")


def _check_header(data: bytes, kind: str, called: str) -> None:
    """Refuse by what the header says, before anything is decoded."""
    header = headers.read(data, kind)
    if header is None:
        raise _broken(called)
    if header.moving:
        raise PhotoRefused(f"{called} moves. Upload one still picture of the product as JPEG, PNG or WebP.", code="moving")
    width, height = header.width, header.height
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise PhotoRefused(
            f"{called} is {width:,} × {height:,}. At most 40 megapixels and {MAX_SIDE:,} pixels a side can be taken: "
            "4,000 pixels on the longest side are plenty.",
            code="too_many_pixels",
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoRefused(
            f"{called} is {width} × {height}. Below {MIN_SIDE} pixels there is too little of the product to show. Is there a larger one?",
            code="too_small",
        )


def _broken(called: str) -> PhotoRefused:
    return PhotoRefused(f"{called} is damaged or not complete. Open it, save it again and upload the new file.", code="broken")


def _draw_anew(data: bytes, kind: str, called: str) -> tuple[dict[str, Any], bytes]:
    """Let the child process decode and encode: its facts about the picture, and the new file."""
    # -I: nothing of the caller's environment or working folder decides what the child imports.
    command = [sys.executable, "-I", str(_DECODER), kind, str(MAX_PIXELS), str(KEPT_SIDE)]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and our own file
            command, input=data, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise _too_heavy(called) from None
    line, _, drawn = child.stdout.partition(b"\n")
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        # No answer: the system stopped it for its memory or its time.
        raise _too_heavy(called) from None
    if error := answer.get("error"):
        raise _too_heavy(called) if error == "too_heavy" else _broken(called)
    return answer, drawn


def _too_heavy(called: str) -> PhotoRefused:
    return PhotoRefused(f"{called} takes too much memory or time to open. Save it as an ordinary JPEG and upload that.", code="too_heavy")
