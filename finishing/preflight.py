"""What a placement would say of an ad, asked before it is made: by the form, by whoever changes words, by the API, and once more at export.

Every finding names the rule, who says so and when that was read, and where there is one the change that mends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from finishing.encode import MEDIA, weight
from finishing.policy import PRICE, dropped, has_price, words_for, words_of
from finishing.shapes import is_banner, shape_for
from finishing.specs import CopySpec, PlacementSpec, Rule

Result = Literal["pass", "warn", "fail"]
OURS = "AdsGem's own measure"
FIELDS = {"headline": "headline", "subline": "sub-line", "cta": "button", "badge": "badge", "legal": "legal line"}
# How many letters of a headline can be read: a share of the long side in short sides for banners, a number for small squares.
BANNER_LETTERS, SMALL, SMALL_LETTERS, LETTERS = 5.2, 260, 32, 60
LEAST_LETTERS = 14
NO_LEGAL = 150  # pixels of the shorter side: below there is no room for a legal line that can be read
PHOTO = 0.45  # of a file's longer side: a product of fewer pixels looks soft
LITTLE_ROOM = 0.3  # of the area that the network leaves uncovered
# What a cut text does not end with: marks, and words that lead to one that is gone.
LOOSE = re.compile(r"(?:[\s,;:–—-]+|\s(?:and|or|the|a|an|of|for|to|with|und|oder|der|die|das|et|ou|de|y|e|o))$")
WORST = {"pass": 0, "warn": 1, "fail": 2}


@dataclass(frozen=True)
class Fix:
    """One click that mends a finding. `words` are new words by field; `fit` a field and a limit that a writer may shorten it to (the words
    are what it becomes without one); `leave_out` a placement to leave out, `take` one to take in its place; `logo`: add a logo."""

    label: str
    words: Mapping[str, str] = field(default_factory=dict)
    fit: tuple[str, int] | None = None
    leave_out: str = ""
    take: str = ""
    logo: bool = False

    def as_data(self) -> dict[str, Any]:
        """As JSON."""
        fit = {"field": self.fit[0], "limit": self.fit[1]} if self.fit else None
        told = {
            "label": self.label,
            "words": dict(self.words),
            "fit": fit,
            "leave_out": self.leave_out,
            "take": self.take,
            "logo": self.logo,
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Finding:
    """One rule of one placement, held against an ad."""

    placement: str
    rule: str
    result: Result
    detail: str
    source: str = ""
    read: str = ""
    fix: Fix | None = None


@dataclass(frozen=True)
class FileFacts:
    """A finished file: its media type, pixels, bytes."""

    type: str
    width: int
    height: int
    bytes: int


def preflight(
    placement: PlacementSpec,
    copy: CopySpec,
    *,
    has_logo: bool,
    photo: tuple[int, int] | None = None,
    captions: Mapping[str, str] | None = None,
    file: FileFacts | None = None,
) -> tuple[Finding, ...]:
    """Every rule of a placement held against these words, this product photo (its pixels), these captions and this finished file.

    What is None is not there yet, and is not asked for.
    """
    found = [*_words(placement, copy, has_logo), *_letters(placement, copy), *_photo(placement, photo), *_zone(placement)]
    found += [*_captions(placement, captions or {}), *(_file(placement, file) if file else _types(placement))]
    return tuple(found)


def worst(findings: tuple[Finding, ...]) -> Result:
    """The worst result among these; pass when there are none."""
    return max((finding.result for finding in findings), key=lambda result: WORST[result], default="pass")


def _rule(placement: PlacementSpec, name: str) -> Rule:
    return next(rule for rule in placement.rules if rule.name == name)


def _found(placement: PlacementSpec, name: str, result: Result, detail: str, fix: Fix | None = None, rule: Rule | None = None) -> Finding:
    """A finding by a rule of its own, or by the placement's numbers."""
    source, read = (rule.source, rule.read) if rule else (placement.source, placement.read)
    return Finding(placement.slug, name, result, detail, source, read, fix)


def _words(placement: PlacementSpec, copy: CopySpec, has_logo: bool) -> Iterator[Finding]:
    if placement.text_in_image == "forbidden":
        detail = "No words and no logo may stand in the picture here; they go into the texts beside it."
        yield _found(placement, "text in the picture", "pass", detail)
        return
    gone = dropped(copy, placement)
    for name, why in gone.items():
        rule = next((rule for rule in placement.rules if rule.name == _rule_of(why)), None)
        yield _found(placement, "left out", "warn" if name != "cta" else "pass", f"The {FIELDS[name]} is left out here: {why}.", rule=rule)
    left = words_for(copy, placement)
    if (most := placement.rule("words")) and (said := words_of(left)) > most:
        short = " ".join(copy.headline.split()[:most])
        fix = Fix(f"Shorten the headline to {most} words", {"headline": short}, ("headline", len(short)))
        yield _found(
            placement, "words", "fail", f"The headline has {said} words; {most} are the most here.", fix, _rule(placement, "words")
        )
    if placement.rule("price") is False and has_price(copy.headline):
        without = " ".join(PRICE.sub("", copy.headline).split()).strip(" -,–:·")
        without_price = Fix("Take the price out of the headline", {"headline": without}) if len(without) >= 3 else None
        yield _found(placement, "price", "fail", "No price may stand in the picture here.", without_price, _rule(placement, "price"))
    if placement.rule("capitals") is False and _shouts(copy.headline):
        fix = Fix("Write the headline as a sentence", {"headline": copy.headline.capitalize()})
        detail = "Headlines in capitals throughout are not taken here."
        yield _found(placement, "capitals", "warn", detail, fix, _rule(placement, "capitals"))
    for phrase in placement.rule("phrases") or ():
        for name in FIELDS:
            text = getattr(copy, name)
            if phrase.lower() in text.lower():
                rest = " ".join(re.sub(re.escape(phrase), "", text, flags=re.IGNORECASE).split())
                without_it = Fix(f"Take “{phrase}” out", {name: rest}) if rest or name != "headline" else None
                detail = f"“{phrase}” may not stand in the picture here, and the {FIELDS[name]} says it."
                yield _found(placement, "phrases", "fail", detail, without_it, _rule(placement, "phrases"))
    if placement.rule("logo") and not has_logo:
        detail = "The brand's logo or name has to be seen here. Until there is a logo, the name stands there."
        yield _found(placement, "logo", "warn", detail, Fix("Add a logo", logo=True), _rule(placement, "logo"))
    if placement.text_in_image == "required" and not copy.headline:
        yield _found(placement, "text in the picture", "fail", "A finished ad is wanted here, with words in it. Write a headline.")


def _rule_of(why: str) -> str:
    return {"the network brings its own button": "button", "no price may stand in the picture": "price"}.get(why, "words")


def _shouts(text: str) -> bool:
    return len(text.split()) > 1 and text.upper() == text and text.lower() != text


def letters_for(placement: PlacementSpec) -> int:
    """How many letters of a headline read well in a placement."""
    long, short = max(placement.width, placement.height), min(placement.width, placement.height)
    if is_banner(placement.width, placement.height):
        wide = placement.width > placement.height
        return max(LEAST_LETTERS, min(LETTERS, round(BANNER_LETTERS * long / short) if wide else 34))
    return SMALL_LETTERS if short < SMALL else LETTERS


def _letters(placement: PlacementSpec, copy: CopySpec) -> Iterator[Finding]:
    if placement.text_in_image == "forbidden":
        return
    most, size = letters_for(placement), f"{placement.width} × {placement.height}"
    if len(copy.headline) > most:
        fix = Fix(f"Shorten the headline to {most} characters", {"headline": cut(copy.headline, most)}, ("headline", most))
        detail = f"{len(copy.headline)} characters are many for {size}; up to {most} read well."
        yield Finding(placement.slug, "headline", "warn", detail, OURS, "", fix)
    else:
        yield Finding(placement.slug, "headline", "pass", f"{len(copy.headline)} characters read well at {size}.", OURS)
    if copy.legal and min(placement.width, placement.height) < NO_LEGAL:
        fix = Fix("Leave this placement out", leave_out=placement.slug)
        yield Finding(placement.slug, "legal line", "warn", f"There is no room at {size} for a legal line that can be read.", OURS, "", fix)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, whole words, without loose marks at its end."""
    if len(text) <= most:
        return text
    held = text[: most + 1]
    held = held[: held.rfind(" ")] if " " in held else text[:most]
    while (shorter := LOOSE.sub("", held).strip()) != held:
        held = shorter
    return held


def _photo(placement: PlacementSpec, photo: tuple[int, int] | None) -> Iterator[Finding]:
    if photo is None:
        return
    wanted = round(PHOTO * min(max(placement.size), max(shape_for(*placement.size).size)))
    if max(photo) < wanted:
        detail = f"The product has {max(photo)} pixels on its longer side; {wanted} would be crisp here. Use a larger photo."
        yield Finding(placement.slug, "photo", "warn", detail, OURS)
    else:
        yield Finding(placement.slug, "photo", "pass", "The product photo has pixels enough.", OURS)


def _zone(placement: PlacementSpec) -> Iterator[Finding]:
    zone = placement.safe_zone
    free = (1 - zone.left - zone.right) * (1 - zone.top - zone.bottom)
    if free < LITTLE_ROOM:
        detail = f"The network's own buttons leave {free:.0%} of the picture to words: few words read best."
        yield _found(placement, "safe zone", "warn", detail)
    elif free < 1:
        yield _found(placement, "safe zone", "pass", f"Words keep to the {free:.0%} of the picture that the network leaves uncovered.")


def _captions(placement: PlacementSpec, captions: Mapping[str, str]) -> Iterator[Finding]:
    for name, text in captions.items():
        limit = placement.text_limits.get(name, {})
        hard, soft = limit.get("hard"), limit.get("soft")
        title = name.replace("_", " ")
        if hard and len(text) > hard:
            fix = Fix(f"Shorten it to {hard} characters", {name: cut(text, hard)}, (name, hard))
            yield _found(placement, title, "fail", f"The {title} beside the ad has {len(text)} characters; over {hard} it is refused.", fix)
        elif soft and len(text) > soft:
            fix = Fix(f"Shorten it to {soft} characters", {name: cut(text, soft)}, (name, soft))
            yield _found(placement, title, "warn", f"The {title} beside the ad has {len(text)} characters; after {soft} it is cut.", fix)
        elif hard or soft:
            yield _found(placement, title, "pass", f"The {title} has {len(text)} of {soft or hard} characters.")
        if bad := "".join(sorted(set(text) & set(placement.rule("signs") or ""))):
            rest = " ".join("".join(sign for sign in text if sign not in bad).split())
            detail = f"The {title} has signs that are not taken here: {bad}"
            yield _found(placement, title, "fail", detail, Fix("Take them out", {name: rest}), _rule(placement, "signs"))


def _types(placement: PlacementSpec) -> Iterator[Finding]:
    taken = [kind for kind in placement.file_types if kind in MEDIA or kind in ("jpeg", "png8")]
    if not taken:
        fix = Fix("Leave this placement out", leave_out=placement.slug)
        yield _found(placement, "file type", "fail", "None of the files that are made here is taken by this network.", fix)
    else:
        limit = f" of at most {weight(placement.max_bytes)}" if placement.max_bytes else ""
        size = f"{placement.size[0]} × {placement.size[1]} pixels"
        yield _found(placement, "file", "pass", f"A {taken[0].upper()}{limit} with {size} will be made.")


def _file(placement: PlacementSpec, file: FileFacts) -> Iterator[Finding]:
    sizes = {placement.size, placement.hires or placement.size}
    right = (file.width, file.height) in sizes
    yield _found(placement, "pixels", "pass" if right else "fail", f"The file has {file.width} × {file.height} pixels.")
    types = {
        MEDIA["jpg" if kind == "jpeg" else "png" if kind == "png8" else kind]
        for kind in placement.file_types
        if kind in (*MEDIA, "jpeg", "png8")
    }
    yield _found(placement, "file type", "pass" if file.type in types else "fail", f"The file is a {file.type.partition('/')[2].upper()}.")
    if placement.max_bytes:
        fits = file.bytes <= placement.max_bytes
        detail = f"The file has {weight(file.bytes)}; {weight(placement.max_bytes)} are the most."
        yield _found(placement, "file size", "pass" if fits else "fail", detail)
