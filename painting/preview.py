"""A picture as far as it is painted: made small and encoded anew, since whoever painted it may send anything."""

from __future__ import annotations

import io

from PIL import Image

LONGEST, QUALITY = 512, 80
MOST_PIXELS = 16_000_000  # of what is sent; more is not worth its decoding


def small_jpeg(data: bytes) -> bytes | None:
    """A JPEG of at most 512 pixels a side; None when this is no picture."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            opened.draft("RGB", (LONGEST, LONGEST))  # a JPEG is decoded small at once
            small = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
