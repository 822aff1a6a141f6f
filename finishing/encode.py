"""From pixels to a file that a network takes: its type, its byte limit, sRGB, marks."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

QUALITY, LOWEST_QUALITY = 92, 30
FULL_CHROMA_FROM = 80  # below this quality red letters smear anyway, and 4:2:0 halves the bytes
PNG_LEVEL = 6
PALETTE = (256, 128, 64, 32)  # colours of an indexed PNG, tried in this order
DITHERS = (Image.Dither.FLOYDSTEINBERG, Image.Dither.NONE)
MEDIA = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class FinishError(ValueError):
    """An ad that cannot be finished; the message is a sentence for the marketer."""


@dataclass(frozen=True)
class Encoded:
    """A file's bytes, its media type and its ending."""

    data: bytes
    type: str
    extension: str


@lru_cache(maxsize=1)
def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encode(picture: Image.Image, file_types: Sequence[str], max_bytes: int | None, xmp: bytes = b"") -> Encoded:
    """Encode under the byte limit: as the first of `file_types` that we write, as the next one when the limit is too low for it.

    A picture with transparency is never written as JPEG. Raises FinishError when the network takes none of our types or the picture
    cannot be made small enough.
    """
    writers: dict[str, Callable[[Image.Image, int | None, bytes], Encoded | None]] = {
        "jpg": _jpeg,
        "png": _png,
        "png8": _indexed_png,
        "webp": _webp,
    }
    taken = dict.fromkeys("jpg" if kind == "jpeg" else kind for kind in file_types)
    types = [kind for kind in taken if kind in writers and not (kind == "jpg" and picture.mode == "RGBA")]
    if not types:
        raise FinishError("This place takes no JPEG, PNG or WebP, so no file can be made for it.")
    for kind in types:
        if encoded := writers[kind](picture, max_bytes, xmp):
            return encoded
    raise FinishError(f"The picture cannot be made smaller than the {weight(max_bytes or 0)} that this place allows.")


def _jpeg(picture: Image.Image, max_bytes: int | None, xmp: bytes) -> Encoded | None:
    """The best quality under the limit, by bisection; full chroma while the quality is high."""

    def write(quality: int) -> bytes:
        buffer = io.BytesIO()
        subsampling = "4:4:4" if quality >= FULL_CHROMA_FROM else "4:2:0"
        options = {"xmp": xmp} if xmp else {}
        picture.save(
            buffer, "JPEG", quality=quality, subsampling=subsampling, progressive=True, optimize=True, icc_profile=_profile(), **options
        )
        return buffer.getvalue()

    data = _bisected(write, max_bytes)
    return Encoded(data, MEDIA["jpg"], "jpg") if data else None


def _webp(picture: Image.Image, max_bytes: int | None, xmp: bytes) -> Encoded | None:
    def write(quality: int) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=4, icc_profile=_profile(), **({"xmp": xmp} if xmp else {}))
        return buffer.getvalue()

    data = _bisected(write, max_bytes)
    return Encoded(data, MEDIA["webp"], "webp") if data else None


def _bisected(write: Callable[[int], bytes], max_bytes: int | None) -> bytes | None:
    data = write(QUALITY)
    if max_bytes is None or len(data) <= max_bytes:
        return data
    low, high, best = LOWEST_QUALITY, QUALITY - 1, None
    while low <= high:
        middle = (low + high) // 2
        data = write(middle)
        if len(data) <= max_bytes:
            best, low = data, middle + 1
        else:
            high = middle - 1
    return best


def _png(picture: Image.Image, max_bytes: int | None, xmp: bytes) -> Encoded | None:
    data = _png_bytes(picture, xmp)
    if max_bytes is None or len(data) <= max_bytes:
        return Encoded(data, MEDIA["png"], "png")
    return _indexed_png(picture, max_bytes, xmp)


def _indexed_png(picture: Image.Image, max_bytes: int | None, xmp: bytes) -> Encoded | None:
    """As many colours as the limit has room for, with dither where it has; a palette that carries transparency is never dithered."""
    see_through = picture.mode == "RGBA"
    for colours in PALETTE:
        if see_through:
            drafts = [picture.quantize(colours, method=Image.Quantize.FASTOCTREE)]
        else:
            palette = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=1)
            drafts = [picture.quantize(colours, palette=palette, dither=dither) for dither in DITHERS]
        for draft in drafts:
            data = _png_bytes(draft, xmp)
            if max_bytes is None or len(data) <= max_bytes:
                return Encoded(data, MEDIA["png"], "png")
    return None


def _png_bytes(picture: Image.Image, xmp: bytes) -> bytes:
    info = PngInfo()
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=PNG_LEVEL, icc_profile=_profile(), pnginfo=info)
    return buffer.getvalue()


def weight(count: int) -> str:
    """Bytes as a person says them: kB up to a million, then MB (decimal, as networks count)."""
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{round(count / 1_000_000, 1):g} MB"
