"""Whether the file that came is the picture that was ordered."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from comfy.errors import BadPicture

# Standard deviation (of 255) below which a picture is one flat colour: black, grey, or what a failed decoder leaves.
FLAT = 1.5
_TYPES = ("PNG", "JPEG", "WEBP")


def checked(data: bytes, size: tuple[int, int], *, may_be_flat: bool = False) -> Image.Image:
    """The picture, decoded to its last row, as RGB. Raises BadPicture with what is wrong with it.

    `size` is what was ordered; `may_be_flat` is for a server's smoke test, whose picture is one colour.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_TYPES) as opened:
            if opened.size != size:
                raise BadPicture(f"The picture has {opened.width} × {opened.height} pixels, not {size[0]} × {size[1]}.")
            picture = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BadPicture(f"The file cannot be read as a picture ({len(data)} bytes).") from error
    if not may_be_flat and float(np.asarray(picture.resize((64, 64), Image.Resampling.BOX)).std(axis=(0, 1)).max()) < FLAT:
        raise BadPicture("The picture is one flat colour.")
    return picture
