"""What finishing is told and what it gives back. Plain frozen data: rows convert themselves into these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple


class Box(NamedTuple):
    """A rectangle as fractions (0 to 1) of a picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Stage:
    """Where the product stands in a picture, as fractions of it: the middle of its foot, and its largest size.

    A photograph in a frame (the variant without cut-out) is centred on `x`, ends at `ground` and fills `width` x `height`.
    """

    x: float
    ground: float
    width: float
    height: float


@dataclass(frozen=True)
class SafeZone:
    """Margins that the network covers with its own buttons, as fractions of width (left, right) and height (top, bottom)."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One thing that a network says of a placement beyond its sizes: what (a name of `finishing/policy.py`), how much, who says so, read when."""

    name: str
    value: Any = True
    source: str = ""
    read: str = ""


@dataclass(frozen=True)
class PlacementSpec:
    """One place an ad can run, as its network describes it. `deliver` is the size of the file where it differs from the slot's.

    `file_types` stand in the order of preference. `hires` is a larger size that the network takes, too. `text_limits` are the captions'
    characters (`soft`: cut beyond it, `hard`: refused). `source` and `read` say where and when the sizes were read.
    """

    slug: str
    title: str
    platform: str
    width: int
    height: int
    file_types: tuple[str, ...] = ("jpg", "png")
    max_bytes: int | None = None
    safe_zone: SafeZone = SafeZone()
    deliver: tuple[int, int] | None = None
    text_in_image: Literal["allowed", "required", "limited", "forbidden"] = "allowed"
    hires: tuple[int, int] | None = None
    rules: tuple[Rule, ...] = ()
    text_limits: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    source: str = ""
    read: str = ""

    def rule(self, name: str) -> Any:
        """What a rule of this name says; None when there is none."""
        return next((rule.value for rule in self.rules if rule.name == name), None)

    @property
    def size(self) -> tuple[int, int]:
        """Pixels of the finished file."""
        return self.deliver or (self.width, self.height)


@dataclass(frozen=True)
class CopySpec:
    """The words laid over a picture. Empty text means: this block is not there."""

    headline: str
    subline: str = ""
    cta: str = ""
    badge: str = ""
    legal: str = ""
    language: str = "en"


@dataclass(frozen=True)
class BrandSpec:
    """What of a brand is seen in an ad. `colours` maps a role (primary, accent, ink, paper) to "#rrggbb".

    `logo` is a PNG or WebP file, `logo_on_dark` its version for dark grounds; `clear_space` is what stays free round it, in its heights.
    """

    name: str
    wordmark: str = ""
    logo: bytes | None = None
    logo_on_dark: bytes | None = None
    clear_space: float = 0.25
    colours: Mapping[str, str] = field(default_factory=dict)
    headline_font: str = ""
    text_font: str = ""


@dataclass(frozen=True)
class StyleSpec:
    """How a template sets its words: fonts by slug of `finishing/fonts`, wished inks in order, button and badge colours.

    `language` is that of the words at hand ("tr", "ja"): it decides capitals, line breaks and which letters of Han are drawn.
    """

    headline_font: str
    text_font: str
    button_font: str
    inks: tuple[str, ...]
    button_fill: str
    button_ink: str = ""
    badge_fill: str = ""
    badge_ink: str = ""
    upper: bool = False
    arrow: bool = False
    language: str = ""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> StyleSpec:
        """Read the `style` part of a template's data. Raises TypeError for a name it does not know."""
        return cls(**{**data, "inks": tuple(data["inks"])})


@dataclass(frozen=True)
class Geometry:
    """Where things stand in a raw picture, as the engine that painted it says. Fractions of the picture."""

    product: Box | None = None
    ground: float | None = None

    def as_data(self) -> dict[str, Any]:
        """As JSON for a row."""
        return {"product": list(self.product) if self.product else None, "ground": self.ground}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Geometry:
        """Back from a row."""
        box = data.get("product")
        return cls(product=Box(*box) if box else None, ground=data.get("ground"))


@dataclass(frozen=True)
class Check:
    """One rule, looked at on one finished ad. `detail` is a sentence for the marketer."""

    rule: str
    result: Literal["pass", "warn", "fail"]
    detail: str

    def as_data(self) -> dict[str, str]:
        """As JSON for a row and for the API."""
        return {"rule": self.rule, "result": self.result, "detail": self.detail}


@dataclass(frozen=True)
class FinishedAd:
    """A file that a network takes, and what was measured while it was made. `pixels` is the SHA-256 of its RGB before marks.

    `marks` says which marks it bears (JSON).
    """

    data: bytes
    type: str
    extension: str
    width: int
    height: int
    pixels: str
    checks: tuple[Check, ...] = ()
    fidelity: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, Any] = field(default_factory=dict)
