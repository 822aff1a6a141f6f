"""What a network lets an ad say and show in one placement, beyond sizes: rules as data, kept with the placement's version.

A rule has a name from `KINDS`, a value, who says so, and when that was read. Here the rules are held to when an ad is laid out; what
cannot be held to without the marketer is said beforehand by `preflight.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageDraw

from finishing.specs import CopySpec, PlacementSpec, Rule, SafeZone, StyleSpec

# What gives way first when a placement takes only so many words.
GIVES_WAY = ("badge", "cta", "legal", "subline")
_SIGN, _CODE = r"[€$£¥₹₽₺₴₪฿₩]", r"(?:EUR|USD|GBP|CHF|PLN|kr|zł)"
PRICE = re.compile(rf"(?:{_SIGN}|\b{_CODE})\s?\d[\d.,]*|\d[\d.,]*\s?(?:{_SIGN}|%|{_CODE}\b)", re.IGNORECASE)
DIVIDING = (10, 12, 14)  # grey of a border's line: black enough beside every ad, never white


class RuleError(ValueError):
    """A rule that cannot be used; the message is a sentence for whoever wrote it."""


@dataclass(frozen=True)
class Kind:
    """A kind of rule: what it asks for, in words for staff, and what its value must be."""

    title: str
    value: type
    least: float = 0
    most: float = 1


KINDS: dict[str, Kind] = {
    "border": Kind("A line round the ad, in pixels of the file", int, 1, 8),
    "button": Kind("Whether a button may be drawn: the network brings its own where not", bool),
    "price": Kind("Whether a price or a discount may stand in the picture", bool),
    "capitals": Kind("Whether words may be set in capitals throughout", bool),
    "logo": Kind("Whether the brand's logo or name has to be seen", bool),
    "words": Kind("At most so many words in the picture", int, 1, 200),
    "letters": Kind("The smallest letters, in pixels of the file", int, 6, 60),
    "phrases": Kind("Words that must not stand in the picture, as a list", list),
    "signs": Kind("Characters that captions must not have, as a text", str),
    "transparent": Kind("At least this share of the file must be transparent", float, 0.05, 0.95),
    "circle": Kind("A logo is shown in a circle: its corners stay empty", bool),
    "white": Kind("Whether the ground may be white", bool),
}


def read_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules as they stand in a row. Raises RuleError with a sentence that names what is wrong."""
    rules: list[Rule] = []
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise RuleError("The rules must be a list of objects with rule, value, source and read.")
    for row in rows:
        name = row.get("rule")
        if name not in KINDS:
            raise RuleError(f"There is no rule '{name}'. Choose one of {', '.join(KINDS)}.")
        if any(rule.name == name for rule in rules):
            raise RuleError(f"The rule '{name}' stands there twice. Keep one.")
        if extra := set(row) - {"rule", "value", "source", "read"}:
            raise RuleError(f"A rule has no '{sorted(extra)[0]}': it has rule, value, source and read.")
        source, read = row.get("source") or "", row.get("read") or ""
        if not isinstance(source, str) or not isinstance(read, str) or (read and not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", read)):
            raise RuleError(f"The rule '{name}' needs its source as text, and when it was read as a date: 2026-03-31.")
        rules.append(Rule(str(name), _value(str(name), row.get("value")), source, read))
    return tuple(rules)


def _value(name: str, value: Any) -> Any:
    kind = KINDS[name]
    if kind.value is bool and isinstance(value, bool):
        return value
    number = kind.value in (int, float) and type(value) in (int, float) and kind.least <= value <= kind.most
    if number and (kind.value is float or value == int(value)):
        return kind.value(value)
    if kind.value is str and isinstance(value, str) and value.strip():
        return value
    if kind.value is list and isinstance(value, list) and value and all(isinstance(each, str) and each.strip() for each in value):
        return tuple(value)
    wanted = {
        bool: "true or false",
        int: f"a whole number from {kind.least:g} to {kind.most:g}",
        float: f"a number from {kind.least:g} to {kind.most:g}",
        str: "a text",
        list: "a list of texts",
    }[kind.value]
    raise RuleError(f"The rule '{name}' needs {wanted}.")


def words_of(copy: CopySpec) -> int:
    """How many words would stand in the picture."""
    return sum(len(part.split()) for part in (copy.headline, copy.subline, copy.cta, copy.badge, copy.legal))


def has_price(text: str) -> bool:
    """Whether a text names a price or a discount."""
    return bool(PRICE.search(text))


def dropped(copy: CopySpec, placement: PlacementSpec) -> dict[str, str]:
    """Which of the words do not stand in this placement's picture, and why, by their names; the words themselves are not changed."""
    if placement.text_in_image == "forbidden":
        return {name: "no words may stand in the picture" for name in ("headline", *GIVES_WAY) if getattr(copy, name)}
    gone: dict[str, str] = {}
    if placement.rule("button") is False and copy.cta:
        gone["cta"] = "the network brings its own button"
    if placement.rule("price") is False:
        priced = (name for name in GIVES_WAY if name not in gone and has_price(getattr(copy, name)))
        gone |= dict.fromkeys(priced, "no price may stand in the picture")
    if most := placement.rule("words"):
        for name in GIVES_WAY:
            if words_of(_without(copy, gone)) > most and getattr(copy, name) and name not in gone:
                gone[name] = f"at most {most} words may stand in the picture"
    return gone


def words_for(copy: CopySpec, placement: PlacementSpec) -> CopySpec:
    """The words that may stand in this placement's picture. The headline stays whole, unless no words are allowed."""
    return _without(copy, dropped(copy, placement))


def _without(copy: CopySpec, names: Iterable[str]) -> CopySpec:
    return replace(copy, **dict.fromkeys(names, ""))


def style_for(style: StyleSpec, placement: PlacementSpec) -> StyleSpec:
    """The template's style, in small letters where the network wants no capitals."""
    return replace(style, upper=False) if placement.rule("capitals") is False else style


def universal(zones: Iterable[SafeZone]) -> SafeZone:
    """One zone that is safe in all of these: each side as wide as the widest."""
    found = list(zones)
    sides = {side: max((getattr(zone, side) for zone in found), default=0.0) for side in ("left", "top", "right", "bottom")}
    return SafeZone(**sides)


def is_vertical(placement: PlacementSpec) -> bool:
    """Whether a placement is one of the full-screen 9:16 ones, within 3 %: they share one safe box when several are chosen."""
    return abs(placement.width / placement.height / (9 / 16) - 1) <= 0.03


def bordered(picture: Image.Image, placement: PlacementSpec) -> Image.Image:
    """The picture with the line round it that the placement asks for; itself where it asks for none."""
    width = placement.rule("border")
    if not width:
        return picture
    drawn = picture.copy()
    ImageDraw.Draw(drawn).rectangle((0, 0, drawn.width - 1, drawn.height - 1), outline=DIVIDING, width=width)
    return drawn
