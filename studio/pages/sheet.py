"""The contact sheet of one order: everything that its page shows, from waiting to done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from generations import previews
from generations.models import Ad, Copy, Generation, Picture
from generations.queries import can_be_raised, current_ads, current_copy, estimate_seconds, progress, queue_place, version_of, waits_for
from generations.states import DAMAGED
from prompting.brief import LIMITS
from studio.pages.shapes import SHAPE_NAMES, SHAPE_ORDER

OPEN = {Ad.Status.WAITING, Ad.Status.FINISHING}
LABELS = {"headline": "Headline", "subline": "Sub-line", "cta": "Call to action", "badge": "Price or badge", "legal": "Legal line"}
FAILED = {Picture.Status.FAILED, Picture.Status.REFUSED}
MISSING = {*FAILED, Picture.Status.CANCELLED}


def sheet_of(order: Generation) -> dict[str, Any]:
    """The order with its strips of tiles, and the numbers above them."""
    ads = current_ads(order)
    pictures = sorted(order.pictures.all(), key=lambda picture: (picture.variation, SHAPE_ORDER[picture.shape]))
    copy = current_copy(order)
    files = [ad for ad in ads if ad.status == Ad.Status.READY and ad.file]
    by_status = {status: sum(picture.status == status for picture in pictures) for status in Picture.Status}
    ready, place = by_status[Picture.Status.READY], queue_place(order)
    return {
        "generation": order,
        "moving": not order.is_final or any(ad.status in OPEN for ad in ads),
        "tag": tag_of(order),
        "strips": _strips(pictures, ads, place),
        "done": ready,
        "open": sum(picture.status not in Picture.FINAL for picture in pictures),
        "pictures": len(pictures),
        "ads": len(ads),
        "files": len(files),
        "bytes": sum(ad.file.bytes for ad in files if ad.file),
        "failed": sum(picture.status in FAILED for picture in pictures),
        "painting": by_status[Picture.Status.PAINTING],
        "finishing": by_status[Picture.Status.FINISHING],
        "percent": round(progress(order) * 100),
        "place": place,
        "notice": waits_for(order),
        "missing": sum(picture.status in MISSING for picture in pictures),
        "missing_credits": sum(picture.credits for picture in pictures if picture.status in MISSING),
        "starred": sum(ad.starred for ad in files),
        "can_raise": order.is_final and can_be_raised(order),
        "parent": order.parent if order.parent and not order.parent.deleted_at else None,
        "damaged": sum(ad.status == Ad.Status.FAILED and ad.error_code == DAMAGED for ad in ads),
        "seconds": round(estimate_seconds(order)),
        "copy": copy,
        "can_undo": copy.parent_id is not None,
        "word_fields": word_fields(copy.words, {}),
    }


def tag_of(order: Generation) -> str:
    """Changes with everything that the sheet shows; the order's place among others is part of it."""
    return f"{version_of(order)}-{queue_place(order)}-{len(waits_for(order))}"


def _strips(pictures: list[Picture], ads: list[Ad], before: int) -> list[dict[str, Any]]:
    """One strip a variation; one tile a picture. `before` is how many pictures of others come first."""
    line = _line(pictures, before)
    strips: dict[int, dict[str, Any]] = {}
    shown = {ad.picture_id for ad in ads}
    for picture in pictures:
        if picture.status == Picture.Status.READY and picture.pk not in shown:
            continue  # all its ads were taken away
        strip = strips.setdefault(picture.variation, {"letter": picture.letter, "number": picture.variation, "tiles": [], "likeable": None})
        if picture.status == Picture.Status.READY and strip["likeable"] is None:
            strip["likeable"] = picture.pk
        strip["tiles"].append(
            {
                **_tile(picture, [ad for ad in ads if ad.picture_id == picture.pk]),
                "line": line.get(picture.pk),
            }
        )
    return list(strips.values())


def _line(pictures: list[Picture], before: int) -> dict[UUID, int]:
    """The place in line of each picture that waits, in the order in which workers take them."""
    waiting = [picture for picture in pictures if picture.status == Picture.Status.WAITING]
    waiting.sort(key=lambda picture: (picture.created_at, picture.variation, picture.pk.hex))
    return {picture.pk: place for place, picture in enumerate(waiting, before + 1)}


def _tile(picture: Picture, ads: list[Ad]) -> dict[str, Any]:
    """A picture, shown by its largest finished ad that is no banner."""
    own = sorted(ads, key=lambda ad: (ad.status != Ad.Status.READY, ad.placement.is_banner, -ad.placement.width * ad.placement.height))
    cover = own[0] if own else None
    return {
        "picture": picture,
        "name": SHAPE_NAMES[picture.shape],
        "state": _state(picture, cover),
        "cover": cover,
        "others": own[1:],
        "ratio": _ratio(picture, cover),
        "percent": round(picture.progress * 100),
        "preview": picture.status == Picture.Status.PAINTING and previews.of(picture.pk) is not None,
        "warnings": len(cover.warnings) if cover else 0,
    }


def _state(picture: Picture, cover: Ad | None) -> str:
    """What a tile looks like: wait, draw, lay, done, stop or fail."""
    if cover is not None and cover.status == Ad.Status.READY:
        return "done"
    if picture.status == Picture.Status.READY:  # painted; its files are on their way, or could not be made
        return "lay" if cover is not None and cover.status in OPEN else "fail"
    looks = {
        Picture.Status.WAITING: "wait",
        Picture.Status.PAINTING: "draw",
        Picture.Status.FINISHING: "lay",
        Picture.Status.CANCELLED: "stop",
    }
    return looks.get(Picture.Status(picture.status), "fail")


def _ratio(picture: Picture, cover: Ad | None) -> float:
    """A tile keeps the proportion of what it shows; a lone banner that of the picture it is laid out from."""
    if cover and not cover.placement.is_banner:
        return round(cover.placement.width / cover.placement.height, 4)
    return round(picture.shape_spec.ratio, 4)


def word_fields(told: dict[str, str], errors: dict[str, str]) -> list[dict[str, Any]]:
    """The five fields of an ad's words, as the form shows them."""
    return [
        {
            "name": name,
            "label": LABELS[name],
            "value": told.get(name, ""),
            "length": len(told.get(name, "")),
            "limit": LIMITS[name],
            "error": errors.get(name),
        }
        for name in Copy.WORDS
    ]
