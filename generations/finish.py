"""From a painted picture and some words to one kept file: rows in, a row's fields out; the craft itself is `finishing`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from finishing.finish import FinishError, finish
from finishing.specs import BrandSpec, FinishedAd, StyleSpec
from generations.marks import marking_of
from generations.models import Ad, Generation, Photo, Picture
from keeping import store

__all__ = ["FinishError", "Raw", "finish_ad"]


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

    @classmethod
    def of(cls, picture: Picture) -> Raw:
        """Read what finishing needs. Raises FileNotFoundError when a file is gone."""
        generation = Generation.objects.select_related("brand__logo", "template_version__template", "template_version__layout__layout").get(
            pk=picture.generation_id
        )
        photo = generation.photos.select_related("file", "cutout", "credentials").order_by("generationphoto__position").first()
        usable = generation.use_cutout and photo is not None and photo.cutout_usable
        assert picture.raw is not None
        return cls(
            picture=picture,
            generation=generation,
            image=store.read(picture.raw),
            photo=photo,
            cutout=store.read(photo.cutout) if usable and photo and photo.cutout else None,
            brand=_brand_spec(generation),
            style=_style(generation),
        )


def finish_ad(ad: Ad, raw: Raw) -> dict[str, Any]:
    """Make and keep one finished file. Gives what its row says once it is ready. Raises FinishError."""
    made = finish(
        picture=raw.image,
        geometry=raw.picture.geometry,
        placement=ad.placement.spec(),
        layout=raw.generation.template_version.layout.spec(),
        copy=ad.copy.spec(),
        brand=raw.brand,
        style=raw.style,
        cutout=raw.cutout,
        marks=marking_of(ad, raw.picture, raw.generation, raw.photo),
    )
    file = store.keep(made.data, type=made.type, width=made.width, height=made.height)
    return {
        "file": file,
        "pixels": made.pixels,
        "alt": _alt(ad, raw),
        "checks": [check.as_data() for check in made.checks],
        "fidelity": dict(made.fidelity),
        "recipe": recipe(ad, raw, made),
    }


def recipe(ad: Ad, raw: Raw, made: FinishedAd) -> dict[str, Any]:
    """Every hash that made this file, so that anybody can say later what it came from."""
    version, picture = raw.generation.template_version, raw.picture
    return {
        "template": {"slug": version.template.slug, "version": version.number, "hash": version.hash},
        "layout": {"slug": version.layout.layout.slug, "version": version.layout.number, "hash": version.layout.hash},
        "placement": {"slug": ad.placement.placement.slug, "version": ad.placement.number, "hash": ad.placement.hash},
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


def _brand_spec(generation: Generation) -> BrandSpec:
    brand = generation.brand
    return BrandSpec(
        name=brand.name,
        wordmark=brand.wordmark,
        logo=store.read(brand.logo) if brand.logo else None,
        colours=brand.colours,
        headline_font=brand.headline_font,
        text_font=brand.text_font,
    )


def _style(generation: Generation) -> StyleSpec:
    """The template's style in the brand's own fonts and colours, where the brand has them."""
    style, brand = generation.template_version.style(), generation.brand
    if brand.headline_font:
        style = replace(style, headline_font=brand.headline_font)
    if brand.text_font:
        style = replace(style, text_font=brand.text_font, button_font=brand.text_font)
    if primary := brand.colours.get("primary"):
        style = replace(style, button_fill=primary, button_ink="")
    if ink := brand.colours.get("ink"):
        style = replace(style, inks=(ink, *style.inks))
    return style
