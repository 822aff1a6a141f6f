"""What the first bytes of a picture file say: its kind, its size, whether it moves. Pure reading, nothing is decoded."""

from __future__ import annotations

from dataclasses import dataclass

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
    (b"8BPS", "PSD"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"PK\x03\x04", "ZIP"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# Start-of-frame markers of JPEG (ITU-T T.81, table B.1): C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Header:
    """Width and height in pixels as the file claims them, and whether it holds more than one frame to be played."""

    width: int
    height: int
    moving: bool = False


def kind(data: bytes) -> str:
    """The kind of file by its first bytes: "JPEG", "PNG", "WEBP", another known name, "text", or "" when unknown."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "HEIC" if brand in _HEIF_BRANDS else "AVIF" if brand in (b"avif", b"avis") else "video"
    for start, name in _STARTS:
        if data.startswith(start):
            return name
    return _kind_of_text(data[:4096])


def _kind_of_text(start: bytes) -> str:
    try:
        text = start.decode("utf-8-sig", errors="strict" if len(start) < 4096 else "ignore")
    except UnicodeDecodeError:
        return ""
    if "<svg" in text.lower():
        return "SVG"
    return "text" if all(letter.isprintable() or letter.isspace() for letter in text) else ""


def read(data: bytes, kind: str) -> Header | None:
    """The header of a JPEG, PNG or WEBP file; None when it is not complete."""
    return {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}[kind](data)


def _png(data: bytes) -> Header | None:
    """PNG: IHDR is the first chunk; `acTL` before the pixels makes it an APNG (W3C PNG, third edition)."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        return None
    place, moving = 8, False
    while place + 8 <= len(data):
        length, name = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        if name in (b"IDAT", b"IEND"):
            break
        moving = moving or name == b"acTL"
        place += 12 + length
    return _sized(int.from_bytes(data[16:20]), int.from_bytes(data[20:24]), moving)


def _jpeg(data: bytes) -> Header | None:
    """JPEG: walk the segments to the start of the frame. A second picture behind the first (phones add one) is no animation."""
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xD8:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            return _sized(int.from_bytes(data[place + 7 : place + 9]), int.from_bytes(data[place + 5 : place + 7]))
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return None


def _webp(data: bytes) -> Header | None:
    """WebP: the first chunk is VP8X (canvas and flags), VP8L (lossless) or VP8 (RFC 9649, sections 2.4 to 2.7)."""
    name, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if name == b"VP8X":
        width, height = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        return _sized(width, height, moving=bool(body[0] & 0x02))
    if name == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return _sized(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if name == b"VP8 ":
        return _sized(int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
    return None


def _sized(width: int, height: int, moving: bool = False) -> Header | None:
    return Header(width, height, moving) if width and height else None
