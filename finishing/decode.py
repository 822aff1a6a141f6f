"""The child process of `photo.py`: reads one picture from stdin, draws it anew, writes one JSON line and the new file.

Runs by its path, with nothing imported but Pillow, so that it starts fast and holds nothing worth stealing.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

MEMORY = 1_000_000_000  # bytes above what Python and Pillow hold themselves
PROCESSOR_SECONDS = 20
SEE_THROUGH = 250  # an alpha below this is meant
SEE_THROUGH_SHARE = 0.001


def limit_itself() -> None:
    """Take memory and processor time away from this process; where the system has no such limits (Windows), do nothing."""
    try:
        import resource
    except ImportError:
        return
    held = MEMORY // 4
    with suppress(OSError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for which, limit in ((resource.RLIMIT_AS, held + MEMORY), (resource.RLIMIT_CPU, PROCESSOR_SECONDS)):
        # macOS knows RLIMIT_AS by name only and refuses it.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (limit, limit))


def draw_anew(data: bytes, kind: str, max_pixels: int, kept_side: int) -> tuple[dict[str, Any], bytes]:
    """Decode a JPEG, PNG or WEBP and encode its pixels: upright, sRGB, at most `kept_side` long, no metadata.

    Raises what Pillow raises on damaged files, and ValueError when there is more than one frame.
    """
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = max_pixels
    picture: Image.Image = Image.open(io.BytesIO(data), formats=(kind,))
    # Phones put a second JPEG (a gain map) behind the first: the first is the photo.
    if kind != "JPEG" and getattr(picture, "n_frames", 1) != 1:
        raise ValueError("more than one frame")
    picture.load()
    picture = ImageOps.exif_transpose(picture)
    profile = picture.info.get("icc_profile")
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif picture.mode.startswith("I"):
        # 16 bits a pixel: plain convert() would clip everything above 255 to white.
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif picture.mode in ("P", "1"):
        picture = picture.convert("RGB")
    if max(picture.size) > kept_side:
        picture.thumbnail((kept_side, kept_side), Image.Resampling.LANCZOS)
    return encode(to_srgb(picture, profile))


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as RGB or RGBA in sRGB. A profile that cannot be used counts as sRGB."""
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                target = ImageCms.createProfile("sRGB")
                turned = ImageCms.profileToProfile(
                    picture, source, target, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode=mode
                )
                if turned is not None:
                    return turned
    return picture.convert(mode)


def encode(picture: Image.Image) -> tuple[dict[str, Any], bytes]:
    """A PNG when a visible part of the picture can be seen through, otherwise a JPEG in full colour resolution."""
    kind = "JPEG"
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A")
        if sum(alpha.histogram()[:SEE_THROUGH]) > SEE_THROUGH_SHARE * picture.width * picture.height:
            kind = "PNG"
        else:
            paper = Image.new("RGB", picture.size, "white")
            paper.paste(picture, mask=alpha)
            picture = paper
    # A new picture from the pixels: comment, EXIF, XMP and the profile hang on the old one.
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    file = io.BytesIO()
    if kind == "PNG":
        clean.save(file, "PNG", compress_level=4)
    else:
        clean.save(file, "JPEG", quality=95, subsampling=0)
    return {"format": kind, "width": clean.width, "height": clean.height}, file.getvalue()


def main() -> None:
    """Answer one picture. Whatever goes wrong with it is an answer, too."""
    limit_itself()
    data = sys.stdin.buffer.read()
    drawn = b""
    try:
        answer, drawn = draw_anew(data, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except MemoryError:
        answer = {"error": "too_heavy"}
    except Exception as error:
        answer = {"error": "broken", "detail": f"{type(error).__name__}: {error}"[:200]}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + drawn)


if __name__ == "__main__":
    main()
