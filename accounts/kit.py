"""A brand's kit: its logo in two versions, its colours by role, and what an ad must keep of the product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PIL import ImageColor

from accounts.brands import BrandRefused, NotAllowed, role_in
from accounts.models import Brand, Membership, User
from finishing import fonts
from finishing.colour import contrast, luminance
from finishing.fidelity import BOUNDS
from finishing.logo import Logo, LogoRefused, take_in
from keeping import store
from keeping.models import StoredFile

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
CLEAR_AT_MOST = 2.0
TONE_LENGTH = 80
ENOUGH = 4.5  # WCAG 2: contrast of words
MOST_WORDS, WORD_LENGTH = 50, 60


def set_logo(*, by: User, brand: Brand, data: bytes, on_dark: bool = False) -> Brand:
    """Take a PNG or WebP as the brand's logo, or as its version for dark grounds. Raises NotAllowed and BrandRefused."""
    require_editor(by, brand)
    try:
        logo = take_in(data)
    except LogoRefused as refusal:
        raise BrandRefused("file", str(refusal)) from refusal
    return _put(brand, kept(logo), on_dark)


def remove_logo(*, by: User, brand: Brand, on_dark: bool = False) -> Brand:
    """A brand without this version of its logo. Raises NotAllowed."""
    require_editor(by, brand)
    return _put(brand, None, on_dark)


def change(
    *,
    by: User,
    brand: Brand,
    colours: Any = None,
    clear_space: float | None = None,
    truth: Any = None,
    tone: str | None = None,
    words_to_use: Any = None,
    words_to_avoid: Any = None,
) -> Brand:
    """Other colours, clear space, bounds of product truth, tone or words; None leaves each as it is. Raises NotAllowed and BrandRefused."""
    require_editor(by, brand)
    if colours is not None:
        brand.colours = checked_colours(colours)
    if clear_space is not None:
        if not 0 <= clear_space <= CLEAR_AT_MOST:
            raise BrandRefused("clear_space", f"The clear space must be from 0 to {CLEAR_AT_MOST:g} heights of the logo.")
        brand.clear_space = clear_space
    if truth is not None:
        brand.truth = checked_truth(truth)
    if tone is not None:
        brand.tone = " ".join(tone.split())
        if len(brand.tone) > TONE_LENGTH:
            raise BrandRefused("tone", f"Say the tone in at most {TONE_LENGTH} letters.")
    if words_to_use is not None:
        brand.words_to_use = checked_words("words_to_use", words_to_use)
    if words_to_avoid is not None:
        brand.words_to_avoid = checked_words("words_to_avoid", words_to_avoid)
    if both := {word.lower() for word in brand.words_to_use} & {word.lower() for word in brand.words_to_avoid}:
        raise BrandRefused("words_to_avoid", f"“{min(both)}” cannot be both used and avoided. Take it out of one list.")
    brand.save(update_fields=["colours", "clear_space", "truth", "tone", "words_to_use", "words_to_avoid"])
    return brand


def kept(logo: Logo) -> StoredFile:
    """A logo that was taken in, as a kept file."""
    return store.keep(logo.data, type="image/png", width=logo.width, height=logo.height)


def checked_colours(colours: Any) -> dict[str, str]:
    """Roles to #rrggbb. Raises BrandRefused.

    Roles that ads know: primary (button), accent (badge), ink and paper (words on light and on dark); others colour scenes.
    """
    if not isinstance(colours, dict) or not all(isinstance(each, str) and COLOUR.fullmatch(each) for each in colours.values()):
        raise BrandRefused("colours", 'Give roles with colours as #rrggbb, for instance {"primary": "#006746"}.')
    return {str(role): colour for role, colour in colours.items()}


def contrasts(colours: Mapping[str, str]) -> list[tuple[str, float, bool]]:
    """What is read on what, how far apart the two are (WCAG 2), and whether that is enough for words (4.5)."""
    grounds = (("ink", "Words on light, on white", "#ffffff"), ("paper", "Words on dark, on black", "#000000"))
    pairs = [(title, colours[role], ground) for role, title, ground in grounds if role in colours]
    if {"ink", "paper"} <= set(colours):
        pairs.append(("The two word colours", colours["ink"], colours["paper"]))
    told = [(title, contrast(_light(one), _light(other))) for title, one, other in pairs]
    return [(title, round(ratio, 1), ratio >= ENOUGH) for title, ratio in told]


def _light(colour: str) -> float:
    return float(luminance(ImageColor.getrgb(colour)))


def faces() -> list[tuple[str, str]]:
    """The typefaces that come with AdsGem, by slug, as a person would call them."""
    return [(slug, f"{face.family} {face.weight}") for slug, face in sorted(fonts.faces().items()) if not slug.startswith("noto-")]


def checked_words(field: str, words: Any) -> list[str]:
    """Words or short phrases, each once, in their order. Raises BrandRefused."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BrandRefused(field, "Give the words as a list.")
    tidy = list({word.lower(): word for each in words if (word := " ".join(each.split()))}.values())
    if len(tidy) > MOST_WORDS or any(len(word) > WORD_LENGTH for word in tidy):
        raise BrandRefused(field, f"Give at most {MOST_WORDS} words, each of at most {WORD_LENGTH} letters.")
    return tidy


def checked_truth(truth: Any) -> dict[str, float]:
    """Bounds of what is measured. Raises BrandRefused."""
    if not isinstance(truth, dict) or set(truth) - set(BOUNDS):
        raise BrandRefused("truth", f"Give bounds for some of these: {', '.join(BOUNDS)}.")
    for name, bound in truth.items():
        most = 100 if name.startswith("delta_e") else 1
        if type(bound) not in (int, float) or not 0 <= bound <= most:
            raise BrandRefused("truth", f"The bound of {name} must be a number from 0 to {most}.")
    return {name: float(bound) for name, bound in truth.items()}


def _put(brand: Brand, file: StoredFile | None, on_dark: bool) -> Brand:
    name = "logo_on_dark" if on_dark else "logo"
    setattr(brand, name, file)
    brand.save(update_fields=[name])
    return brand


def require_editor(user: User, brand: Brand) -> None:
    """Raises NotAllowed for whoever is no owner or editor of the brand."""
    if role_in(user, brand) not in (Membership.Role.OWNER, Membership.Role.EDITOR):
        raise NotAllowed("Only owners and editors of this brand may do that.")
