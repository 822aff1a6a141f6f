"""Where an ad can run, as the order form shows it: by shape, with banners on their own, and by platform."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from studio.pages.shapes import SHAPE_NAMES
from templates_app.models import Placement

PLATFORM_NAMES = {
    "meta": "Meta",
    "google": "Google",
    "linkedin": "LinkedIn",
    "tiktok": "TikTok",
    "pinterest": "Pinterest",
    "youtube": "YouTube",
    "amazon": "Amazon",
    "reddit": "Reddit",
    "snapchat": "Snapchat",
    "x": "X",
}
# What a platform's chip ticks: the places where most of its campaigns run. The rest is one click further, in the fold.
USUAL = {
    "meta_ig_feed_square",
    "meta_ig_feed_portrait",
    "meta_ig_stories",
    "meta_fb_feed_landscape",
    "google_pmax_landscape",
    "google_pmax_square",
    "google_pmax_portrait",
    "google_display_300x250",
    "linkedin_single_landscape",
    "linkedin_single_square",
    "tiktok_infeed_vertical",
    "pinterest_standard",
    "youtube_shorts_image",
    "amazon_custom_wide",
    "amazon_custom_square",
    "reddit_image_4x3",
    "reddit_image_1x1",
    "snap_single_image",
    "x_image_landscape",
    "x_image_square",
}
# What a shape's frame ticks.
FIRST_OF_SHAPE = {
    "meta_ig_feed_square",
    "meta_ig_feed_portrait",
    "meta_ig_stories",
    "meta_fb_feed_landscape",
    "pinterest_standard",
    "reddit_image_4x3",
    "reddit_image_16x9",
}


def places(placements: Iterable[Placement], chosen: Collection[str]) -> dict[str, Any]:
    """`shapes` with their placements, `banners`, `platforms`, and the numbers of the sum line."""
    shapes: dict[str, dict[str, Any]] = {
        shape: {"id": shape, "name": name, "items": [], "chosen": 0, "number": 0} for shape, name in SHAPE_NAMES.items()
    }
    banners: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for placement in placements:
        item = _item(placement, placement.slug in chosen)
        shape = shapes[item["shape"]]
        shape["ratio"] = item["ratio"]
        shape["number"] += 1
        shape["chosen"] += item["chosen"]
        (banners if item["banner"] else shape["items"]).append(item)
        items.append(item)
    return {
        "shapes": [shape for shape in shapes.values() if shape["number"]],
        "banners": banners,
        "platforms": _platforms(items),
        "number": len(items),
        "chosen": sum(item["chosen"] for item in items),
        "painted": sum(1 for shape in shapes.values() if shape["chosen"]),
    }


def _item(placement: Placement, chosen: bool) -> dict[str, Any]:
    version = placement.current
    assert version is not None
    return {
        "slug": placement.slug,
        "title": placement.title,
        "platform": placement.platform,
        "platform_name": PLATFORM_NAMES.get(placement.platform, placement.platform.title()),
        "width": version.width,
        "height": version.height,
        "shape": version.shape.id,
        "ratio": round(version.shape.ratio, 4),
        "banner": version.is_banner,
        "chosen": chosen,
        "usual": placement.slug in USUAL,
        "first": placement.slug in FIRST_OF_SHAPE,
    }


def extras_of(placements: Iterable[Placement], chosen: Collection[str]) -> list[dict[str, Any]]:
    """Logo files and texts, which go along with pictures."""
    return [
        {
            "slug": placement.slug,
            "title": placement.title,
            "platform_name": PLATFORM_NAMES.get(placement.platform, placement.platform.title()),
            "logo": placement.kind == Placement.Kind.LOGO,
            "size": placement.current.spec().size if placement.current else (0, 0),
            "chosen": placement.slug in chosen,
        }
        for placement in placements
    ]


def _platforms(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The platforms that have a usual place; a chip is on when all of its usual places are chosen."""
    usual: dict[str, list[bool]] = {}
    for item in items:
        if item["usual"]:
            usual.setdefault(item["platform"], []).append(item["chosen"])
    known = [slug for slug in PLATFORM_NAMES if slug in usual]
    return [{"slug": slug, "name": PLATFORM_NAMES[slug], "chosen": all(usual[slug])} for slug in known]
