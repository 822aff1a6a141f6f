"""At which size OpenAI's image models paint a shape, and which part of their picture the shape takes."""

from __future__ import annotations

from functools import cache
from math import log

# The sizes that every image model knows, and the rule of the newer ones: whole steps, and not fewer pixels than this.
FIXED = ((1024, 1024), (1536, 1024), (1024, 1536))
STEP, FEWEST = 16, 655_360
# A picture's price grows with its pixels: never more of them than the shape has, and not so few that enlarging is seen.
SHARE = 0.75

Size = tuple[int, int]
Window = tuple[int, int, int, int]


@cache
def free_size(shape: Size) -> Size:
    """For models that take any size in steps of 16: nearest to the shape's ratio, the largest of those, never larger than the shape."""
    width, height = shape
    fewest = max(SHARE * width * height, FEWEST)
    sizes = [(w, h) for w in range(STEP, width + 1, STEP) for h in range(STEP, height + 1, STEP) if w * h >= fewest]
    return min(sizes, key=lambda size: (round(_apart(size, shape), 3), -size[0] * size[1]))


def fixed_size(shape: Size) -> Size:
    """For older models: the one of their three sizes that is nearest to the shape's ratio."""
    return min(FIXED, key=lambda size: _apart(size, shape))


def window(size: Size, shape: Size) -> Window:
    """The largest part of a picture of `size`, in its middle, that has the shape's ratio: left, top, right, bottom in pixels."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    width, height = round(shape[0] * scale), round(shape[1] * scale)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _apart(size: Size, shape: Size) -> float:
    return abs(log(size[0] * shape[1] / (size[1] * shape[0])))
