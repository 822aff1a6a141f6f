"""Where words go, per shape: layouts are data. This file reads that data and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import jsonschema

from finishing.shapes import SHAPES, Shape
from finishing.specs import Box, Stage

Align = Literal["left", "center"]
ButtonAt = Literal["flow", "bottom-left", "bottom-center", "bottom-right", "under-product"]
MarkAt = Literal["words", "top-left", "top-center", "bottom-left", "bottom-right", "none"]
BadgeAt = Literal["product", "top-right", "bottom-right"]
SublineAt = Literal["below", "bottom"]

_FRACTION = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBERS = {"type": "number", "exclusiveMinimum": 0}


def _enum(kind: Any) -> dict[str, Any]:
    return {"enum": list(get_args(kind))}


ARRANGEMENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["words", "headline"],
    "additionalProperties": False,
    "properties": {
        "stage": {
            "type": "object",
            "required": ["x", "ground", "width", "height"],
            "additionalProperties": False,
            "properties": dict.fromkeys(("x", "ground", "width", "height"), _FRACTION),
        },
        "words": {"type": "array", "items": _FRACTION, "minItems": 4, "maxItems": 4},
        "align": _enum(Align),
        "valign": {"enum": ["top", "middle", "bottom"]},
        "headline": _NUMBERS,
        "lines": {"type": "integer", "minimum": 1, "maximum": 6},
        "leading": {"type": "number", "minimum": 0.9, "maximum": 1.6},
        "tracking": {"type": "number", "minimum": -0.05, "maximum": 0.3},
        "subline": _NUMBERS,
        "subline_at": _enum(SublineAt),
        "button": _enum(ButtonAt),
        "mark": _enum(MarkAt),
        "badge": _enum(BadgeAt),
        "quote": {"type": "boolean"},
        "fade": {"type": "boolean"},
        "measure": {"type": "number", "minimum": 8, "maximum": 60},
    },
}
BANNER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "product": {"enum": ["left", "right"]},
        "align": _enum(Align),
        "headline": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "fill": {"type": "number", "minimum": 0.3, "maximum": 0.95},
        "words": {"type": "number", "minimum": 0.3, "maximum": 1},
        "calm": {"type": "boolean"},
        "fade": {"type": "boolean"},
    },
}
LAYOUT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["title", "shapes"],
    "additionalProperties": False,
    "properties": {
        "slug": {"type": "string"},
        "title": {"type": "string", "minLength": 1},
        "margin": {"type": "number", "minimum": 0, "maximum": 0.2},
        "shapes": {
            "type": "object",
            "required": list(SHAPES),
            "additionalProperties": False,
            "properties": dict.fromkeys(SHAPES, ARRANGEMENT_SCHEMA),
        },
        "wide": BANNER_SCHEMA,
        "tall": BANNER_SCHEMA,
    },
}


class LayoutError(ValueError):
    """Layout data that cannot be used; the message is one sentence that names the place."""


@dataclass(frozen=True)
class Arrangement:
    """One shape's arrangement. Boxes are fractions of the frame; sizes are shares of the square root of the frame's area.

    `measure` is a sub-line's longest line in its own sizes; a sub-line at the "bottom" stands at the foot of the words where that is quiet
    enough; `fade` says whether the picture may be faded for words that cannot be read.
    """

    words: Box
    headline: float
    stage: Stage | None = None
    align: Align = "left"
    valign: Literal["top", "middle", "bottom"] = "top"
    lines: int = 3
    leading: float = 1.06
    tracking: float = 0.0
    subline: float = 0.029
    subline_at: SublineAt = "below"
    button: ButtonAt = "flow"
    mark: MarkAt = "words"
    badge: BadgeAt = "product"
    quote: bool = False
    fade: bool = True
    measure: float = 25


@dataclass(frozen=True)
class BannerSpec:
    """How a banner stands: `product` says at which end of a wide one; `headline` is its largest size and `fill` the product's largest
    extent, as shares of the short side; `words` is the share of the long side that words may take where no product stands; `calm`
    says whether the scene melts into a quiet ground behind the words; `fade` as for a shape."""

    product: Literal["left", "right"] = "right"
    align: Align = "left"
    headline: float = 0.52
    fill: float = 0.84
    words: float = 0.62
    calm: bool = True
    fade: bool = True


WIDE, TALL = BannerSpec(), BannerSpec(align="center", headline=0.24, fill=0.8, words=0.56)


@dataclass(frozen=True)
class LayoutSpec:
    """A family of arrangements, one a shape, with one margin: a share of the frame's shorter side. Banners have their own two."""

    title: str
    margin: float
    arrangements: Mapping[str, Arrangement]
    wide: BannerSpec = WIDE
    tall: BannerSpec = TALL

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> LayoutSpec:
        """Read layout data. Raises LayoutError with a sentence that says where it is wrong."""
        for error in jsonschema.Draft202012Validator(LAYOUT_SCHEMA).iter_errors(data):
            place = " > ".join(map(str, error.absolute_path)) or "the layout"
            raise LayoutError(f"The layout cannot be used: at {place}, {error.message}.")
        arrangements = {shape: _arrangement(shape, told) for shape, told in data["shapes"].items()}
        banners = {name: replace(default, **data.get(name, {})) for name, default in (("wide", WIDE), ("tall", TALL))}
        return cls(title=data["title"], margin=data.get("margin", 0.06), arrangements=arrangements, **banners)

    def stage(self, shape: Shape) -> Stage | None:
        """Where the engine puts the product in that shape; None when the layout has no place for one."""
        return self.arrangements[shape.id].stage

    def arrangement(self, shape: Shape) -> Arrangement:
        """How the words stand in that shape."""
        return self.arrangements[shape.id]

    def banner(self, width: int, height: int) -> BannerSpec:
        """How a banner of these pixels stands."""
        return self.wide if width > height else self.tall


def _arrangement(shape: str, told: Mapping[str, Any]) -> Arrangement:
    words = Box(*told["words"])
    if not (words.left < words.right and words.top < words.bottom):
        raise LayoutError(f"The layout cannot be used: the words of {shape} have no room. Give left, top, right, bottom.")
    rest = {name: value for name, value in told.items() if name not in ("words", "stage")}
    stage = Stage(**told["stage"]) if "stage" in told else None
    return Arrangement(words=words, stage=stage, **rest)
