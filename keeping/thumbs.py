"""Small versions of stored pictures, made at the first look and kept beside them."""

from __future__ import annotations

import io

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from keeping import store
from keeping.models import StoredFile

# Longest side in pixels, by the name that stands in an address.
SIZES = {"thumb": 480, "large": 1080}
QUALITY = 80


def thumb(stored: StoredFile, size: str) -> bytes:
    """A WebP of the picture whose longest side is at most `SIZES[size]` pixels; keeps alpha and XMP. Raises KeyError for another size."""
    name = f"thumbs/{size}/{stored.sha256[:2]}/{stored.sha256}.webp"
    if default_storage.exists(name):
        with default_storage.open(name, "rb") as file:
            kept: bytes = file.read()
        return kept
    data = _shrink(store.read(stored), SIZES[size])
    default_storage.save(name, ContentFile(data))
    return data


def _shrink(data: bytes, longest: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        xmp = picture.info.get("xmp", b"")
        picture.draft("RGB", (longest, longest))  # a JPEG is decoded small at once
        small = picture.convert("RGBA" if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info else "RGB")
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY, method=4, **({"xmp": xmp} if xmp else {}))
    return buffer.getvalue()
