"""From a painted picture and some words to one kept file: rows in, a row's fields out; the craft itself is `finishing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from accounts import fonts as own_fonts
from accounts.models import Brand, BrandFont
from finishing import fonts
from finishing.fidelity import shortfalls
from finishing.finish import FinishError, finish, finish_logo
from finishing.policy import is_vertical, universal
from finishing.specs import BrandSpec, Check, FinishedAd, PlacementSpec, StyleSpec
from generations.marks import marking_of
from generations.models import Ad, Generation, Photo, Picture
from keeping import store
from keeping.versions import hash_of
from templates_app.models import Placement

__all__ = ["FinishError", "Raw", "finish_ad", "hires_of"]

TYPEFACE = "brand font"  # the rule that tells when the brand's own font cannot write the words
TRUTH = "product truth"  # the rule by which an ad is flagged


@dataclass(frozen=True)
class Raw:
    """A painted picture with what all its ads share, read once."""

    picture: Picture
    generation: Generation
    image: bytes
    photo: Photo | None
    cutout: bytes | None
    brand: BrandSpec
    style: StyleSpec
    fonts: Mapping[str, BrandFont]  # the brand's own, by role

    @classmethod
    def of(cls, picture: Picture) -> Raw:
        """Read what finishing needs. Raises FileNotFoundError when a file is gone."""
        generation = Generation.objects.select_related(
            "brand__logo", "brand__logo_on_dark", "template_version__template", "template_version__layout__layout"
        ).get(pk=picture.generation_id)
        photo = generation.photos.select_related("file", "cutout", "credentials").order_by("generationphoto__position").first()
        usable = generation.use_cutout and photo is not None and photo.cutout_usable
        assert picture.raw is not None
        return cls(
            picture=picture,
            generation=generation,
            image=store.read(picture.raw),
            photo=photo,
            cutout=store.read(photo.cutout) if usable and photo and photo.cutout else None,
            brand=brand_spec(generation.brand),
            style=style_in(generation.brand, generation.template_version.style()),
            fonts=own_fonts.at_hand(generation.brand),
        )


def finish_ad(ad: Ad, raw: Raw) -> dict[str, Any]:
    """Make and keep one finished file. Gives what its row says once it is ready. Raises FinishError."""
    if ad.placement.placement.kind == Placement.Kind.LOGO:
        made = finish_logo(raw.brand, ad.placement.spec())
    else:
        made = _made(ad, raw, placement_of(ad, raw.picture))
    file = store.keep(made.data, type=made.type, width=made.width, height=made.height)
    return {
        "file": file,
        "pixels": made.pixels,
        "alt": _alt(ad, raw),
        "checks": [check.as_data() for check in (*made.checks, *_truth(made, raw), *_typefaces(ad, raw))],
        "fidelity": dict(made.fidelity),
        "recipe": recipe(ad, raw, made),
    }


def hires_of(ad: Ad) -> FinishedAd:
    """A ready ad once more in the larger size that its placement takes, too; made when it is asked for, and not kept.

    Words, logo and lines are drawn at that size, the scene is enlarged. Raises FinishError where the placement has no larger size.
    """
    raw = Raw.of(ad.picture)
    placement = placement_of(ad, raw.picture)
    if placement.hires is None or ad.placement.placement.kind != Placement.Kind.IMAGE:
        raise FinishError(f"{placement.title} takes no larger size than {placement.size[0]} × {placement.size[1]}.")
    return _made(ad, raw, replace(placement, deliver=placement.hires))


def placement_of(ad: Ad, picture: Picture) -> PlacementSpec:
    """An ad's placement as it is laid out: full-screen vertical ones of one picture share the zone that is safe in all of them."""
    own = ad.placement.spec()
    if not is_vertical(own):
        return own
    others = Ad.objects.filter(picture=picture).select_related("placement__placement").order_by("placement_id")
    specs = {other.placement_id: other.placement.spec() for other in others}
    return replace(own, safe_zone=universal([own.safe_zone, *(spec.safe_zone for spec in specs.values() if is_vertical(spec))]))


def _made(ad: Ad, raw: Raw, placement: PlacementSpec) -> FinishedAd:
    return finish(
        picture=raw.image,
        geometry=raw.picture.geometry,
        placement=placement,
        layout=raw.generation.template_version.layout.spec(),
        copy=ad.copy.spec(),
        brand=raw.brand,
        style=raw.style,
        cutout=raw.cutout,
        marks=marking_of(ad, raw.picture, raw.generation, raw.photo),
    )


def _truth(made: FinishedAd, raw: Raw) -> list[Check]:
    """Whether the product is shown as it is, by the brand's own bounds; nothing where it was not cut out."""
    if not made.fidelity:
        return []
    if said := shortfalls(made.fidelity, raw.generation.brand.truth):
        return [Check(TRUTH, "fail", " ".join(said))]
    return [Check(TRUTH, "pass", "The product is shown as it is in the photo.")]


def _typefaces(ad: Ad, raw: Raw) -> list[Check]:
    """Whether the brand's own fonts have every letter of the words they are for; said before anybody wonders at another face."""
    words, said = ad.copy.words, []
    for role, font in raw.fonts.items():
        text = (
            words.get("headline", "")
            if role == "headline"
            else " ".join(words.get(part, "") for part in ("subline", "cta", "badge", "legal"))
        )
        stand_in = fonts.face_of(fonts.pick(font.slug, text, ad.copy.language))
        if stand_in and stand_in.slug != font.slug:
            said.append(Check(TYPEFACE, "warn", f"Your font {font} lacks letters of these words; {stand_in.family} stands in for it."))
    return said


def recipe(ad: Ad, raw: Raw, made: FinishedAd) -> dict[str, Any]:
    """Every hash that made this file, so that anybody can say later what it came from."""
    version, picture = raw.generation.template_version, raw.picture
    return {
        "template": {"slug": version.template.slug, "version": version.number, "hash": version.hash},
        "layout": {"slug": version.layout.layout.slug, "version": version.layout.number, "hash": version.layout.hash},
        "placement": {
            "slug": ad.placement.placement.slug,
            "version": ad.placement.number,
            "hash": ad.placement.hash,
            "rules": hash_of(ad.placement.rules),
        },
        "photo": raw.photo.file_id if raw.photo else None,
        "cutout": raw.photo.cutout_id if raw.photo and raw.cutout else None,
        "copy": str(ad.copy_id),
        "plan": raw.generation.plan_data,
        "written": raw.generation.facts,
        "engine": picture.engine,
        "seed": picture.seed,
        "shape": picture.shape,
        "raw": picture.raw_id,
        "raw_pixels": picture.pixels,
        "scene": picture.facts,
        "pixels": made.pixels,
        "fonts": {role: font.file_id for role, font in raw.fonts.items()},
        "marks": dict(made.marks),
    }


def _alt(ad: Ad, raw: Raw) -> str:
    """The writer's alt text, while the words are those it was written for; else the new words after the scene."""
    plan, words = raw.generation.plan, ad.copy.words
    if plan is None:
        return str(words["headline"])
    if words.get("headline") == raw.generation.brief.headline:
        return plan.alt_text[:500]
    return plan.alt_text.replace(raw.generation.brief.headline, words["headline"])[:500]


def brand_spec(brand: Brand) -> BrandSpec:
    """What of a brand is seen in an ad. Raises FileNotFoundError when its logo is gone."""
    return BrandSpec(
        name=brand.name,
        wordmark=brand.wordmark,
        logo=store.read(brand.logo) if brand.logo else None,
        logo_on_dark=store.read(brand.logo_on_dark) if brand.logo_on_dark else None,
        clear_space=brand.clear_space,
        colours=brand.colours,
        headline_font=brand.headline_font,
        text_font=brand.text_font,
    )


def style_in(brand: Brand, style: StyleSpec) -> StyleSpec:
    """A template's style in the brand's own fonts and colours, where the brand has them."""
    if brand.headline_font:
        style = replace(style, headline_font=brand.headline_font)
    if brand.text_font:
        style = replace(style, text_font=brand.text_font, button_font=brand.text_font)
    if primary := brand.colours.get("primary"):
        style = replace(style, button_fill=primary, button_ink="")
    if ink := brand.colours.get("ink"):
        style = replace(style, inks=(ink, *style.inks))
    if paper := brand.colours.get("paper"):  # words on dark grounds
        style = replace(style, inks=(*style.inks, paper))
    if accent := brand.colours.get("accent"):
        style = replace(style, badge_fill=accent, badge_ink="")
    return style
