"""One finished ad: the picture, whether it is ready to run, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from generations.models import Ad, Step
from generations.queries import ads_of, current_ads, first_photo, generations_of, preflight
from generations.truth import certificate
from studio.pages.places import PLATFORM_NAMES
from studio.pages.shapes import SHAPE_NAMES
from studio.pages.sheet import OPEN, word_fields

RESULTS = {"pass": 0, "warn": 1, "fail": 2}


@login_required
def ad(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The ad's page. While its file is being finished, the page asks for itself again."""
    return render(request, "studio/ad.html", page_of(request, get_object_or_404(ads_of(request.user), pk=pk)))


def page_of(request: HttpRequest, found: Ad) -> dict[str, Any]:
    """Everything that the page of this ad shows."""
    order = get_object_or_404(generations_of(request.user), pk=found.picture.generation_id)
    current = [other for other in current_ads(order) if other.picture_id == found.picture_id]
    newer = next((other for other in current if other.placement_id == found.placement_id and other.pk != found.pk), None)
    measured = certificate(found)
    asked = preflight(
        brand=order.brand,
        placements=[found.placement],
        words=found.copy.words,
        photo=first_photo(order),
        captions=found.copy.captions,
        files={found.placement_id: found.file} if found.file else {},
    )
    return {
        "ad": found,
        "certificate": measured,
        "true_to_product": all(each.good for each in measured),
        "findings": sorted(asked[0].findings, key=lambda finding: -RESULTS[finding.result]),
        "moving": found.status in OPEN,
        "picture": found.picture,
        "shape": SHAPE_NAMES[found.picture.shape],
        "generation": order,
        "siblings": sorted(current, key=lambda other: other.placement.placement.position),
        "newer": newer,
        "place": _place(found),
        "checks": sorted(found.checks, key=lambda check: -RESULTS.get(check["result"], 2)),
        "passed": sum(check["result"] == "pass" for check in found.checks),
        "steps": Step.objects.filter(picture=found.picture, ad=None, error="").order_by("created_at"),
        "hashes": _hashes(found.recipe),
        "marks": _marks(found.recipe.get("marks", {})),
        "word_fields": word_fields(found.copy.words, {}),
    }


def _place(found: Ad) -> dict[str, Any]:
    """Where the ad runs, in numbers."""
    spec = found.placement.spec()
    zone = spec.safe_zone
    sides = ((zone.top, "top"), (zone.bottom, "bottom"), (zone.left, "left"), (zone.right, "right"))
    kept = [f"{share:.0%} {side}" for share, side in sides if share]
    return {
        "title": spec.title,
        "platform": PLATFORM_NAMES.get(spec.platform, spec.platform.title()),
        "width": spec.width,
        "height": spec.height,
        "types": ", ".join(kind.upper() for kind in spec.file_types),
        "max_bytes": spec.max_bytes,
        "kept_clear": ", ".join(kept),
    }


def _marks(told: Mapping[str, Any]) -> str:
    """Which marks the file bears, as a sentence; empty for files from before there were any."""
    if not told:
        return ""
    unknown = ", by a certificate of this machine that is not on the C2PA trust list" if told.get("own") else ""
    signed = f"content credentials (C2PA{', time-stamped' if told.get('stamped') else ''}{unknown})" if told.get("c2pa") else ""
    hidden = "an invisible mark" if told.get("watermark") else ""
    label = f"the label “{told['label']}”" if told.get("label") else ""
    said = ", ".join(each for each in (signed, "XMP", hidden, label) if each)
    return f"{said[0].upper()}{said[1:]}."


def _hashes(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The recipe's hashes, short, each with what it is the hash of."""
    versions = [(name, recipe.get(name, {}).get("hash")) for name in ("template", "layout", "placement")]
    files = [("photo", recipe.get("photo")), ("cut-out", recipe.get("cutout")), ("painted picture", recipe.get("raw"))]
    return [(name, str(value)[:12]) for name, value in versions + files + [("pixels", recipe.get("pixels"))] if value]
