"""A raw picture's pixels, decoded once for its check and for all the ads that are cut from it."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image


@lru_cache(maxsize=1)  # a worker makes the ads of one picture one after the other
def rgb_of(picture: bytes) -> Image.Image:
    """The encoded picture as RGB. It is shared: whoever draws on it takes a copy. Raises what Pillow raises for a file it cannot read."""
    with Image.open(io.BytesIO(picture)) as opened:
        return opened.convert("RGB")
