"""The library: everything that was ordered, newest first."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from generations.models import Ad, Generation
from generations.queries import current_ads, current_copy, generations_of
from studio.current import brand_of
from studio.pages.shapes import SHAPE_NAMES

A_PAGE = 24
# Which shape stands for each order in turn, so that the wall has a rhythm.
RHYTHM = ("4:5", "1:1", "1.91:1", "9:16", "1:1", "4:5")


@login_required
def library(request: HttpRequest) -> HttpResponse:
    """One page of it, of the brand that this person works in. A page that is not there shows the nearest that is."""
    orders = generations_of(request.user).filter(brand=brand_of(request)).order_by("-created_at", "-id")
    page = Paginator(orders, A_PAGE).get_page(request.GET.get("page"))
    entries = [_entry(order, place) for place, order in enumerate(page.object_list)]
    return render(request, "studio/library.html", {"page": page, "entries": entries})


def _entry(order: Generation, place: int) -> dict[str, Any]:
    """An order as a tile: a finished ad stands for it, and marks say how far it is."""
    ads = current_ads(order)
    ready = [ad for ad in ads if ad.status == Ad.Status.READY and ad.file]
    cover = _cover(ready, place)
    return {
        "order": order,
        "cover": cover,
        "shape": SHAPE_NAMES[cover.picture.shape] if cover else "",
        "headline": current_copy(order).words["headline"],
        "ready": len(ready),
        "ads": len(ads),
        "making": not order.is_final,
    }


def _cover(ready: list[Ad], place: int) -> Ad | None:
    """A finished ad in the shape whose turn it is, or any; never a banner while there is something else."""
    wanted = RHYTHM[place % len(RHYTHM)]
    return min(ready, key=lambda ad: (ad.placement.is_banner, ad.picture.shape != wanted, ad.picture.variation), default=None)
