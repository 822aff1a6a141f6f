"""The library: everything that was ordered, newest first; or, looked for by words and filters, the single ads of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from generations import actions, library
from generations.download import zip_of_orders
from generations.models import Ad, Collection, Generation
from generations.queries import ads_of, collections_of, current_ads, current_copy, generations_of, searches_of
from studio.current import brand_of, require_editor
from studio.pages import ticked
from studio.pages.places import PLATFORM_NAMES
from studio.pages.shapes import SHAPE_NAMES

A_PAGE = 24
# Which shape stands for each order in turn, so that the wall has a rhythm.
RHYTHM = ("4:5", "1:1", "1.91:1", "9:16", "1:1", "4:5")
DAYS = (("1", "Today"), ("7", "Last 7 days"), ("30", "Last 30 days"))
STATUSES = (("ready", "Ready"), ("waiting", "Waiting"), ("failed", "Failed"))
FILTERS = ("q", "template", "platform", "status", "language", "collection", "starred", "since")


@login_required
def page(request: HttpRequest) -> HttpResponse:
    """One page of it, of the brand that this person works in: orders, or the ads that are looked for."""
    brand = brand_of(request)
    asked = {name: value for name in FILTERS if (value := request.GET.get(name, "").strip())}
    if (days := request.GET.get("days", "")) in dict(DAYS):
        asked["since"] = (timezone.now() - timedelta(days=int(days) - 1)).date().isoformat()
    context = {**_tools(request, asked, days), "brand": brand}
    if asked or request.GET.get("view") == "ads":
        return _ads(request, {**asked, "brand": str(brand.pk) if brand else ""}, context)
    orders = generations_of(request.user).filter(brand=brand).order_by("-created_at", "-id")
    shown = Paginator(orders, A_PAGE).get_page(request.GET.get("page"))
    entries = [_entry(order, place) for place, order in enumerate(shown.object_list)]
    return render(request, "studio/library.html", {**context, "page": shown, "entries": entries})


def _tools(request: HttpRequest, asked: dict[str, str], days: str) -> dict[str, Any]:
    """What one may look for, and what is looked for now."""
    brand = brand_of(request)
    kept = [
        {"row": row, "address": f"{reverse('library')}?{urlencode(row.wanted)}"} for row in searches_of(request.user).filter(brand=brand)
    ]
    told = {name: value for name, value in asked.items() if name != "since" or not days}
    return {
        "asked": asked,
        "days": days,
        "query": urlencode({**told, **({"days": days} if days else {})}),
        "collections": list(collections_of(request.user).filter(brand=brand)),
        "searches": kept,
        "day_choices": DAYS,
        "status_choices": STATUSES,
    }


def _ads(request: HttpRequest, wanted: dict[str, str], context: dict[str, Any]) -> HttpResponse:
    """The ads that are looked for, as a wall of single files."""
    try:
        read = library.Wanted.read(wanted)
    except library.WantedError as refusal:
        messages.error(request, str(refusal))
        return redirect("library")
    ads, after = library.page_of(library.ads_wanted(request.user, read), after=request.GET.get("after", ""))
    facets = library.facets_of(request.user)
    templates = sorted(facets["template"])
    platforms = sorted((slug, PLATFORM_NAMES.get(slug, slug.title())) for slug in facets["platform"])
    tiles = [{"ad": ad, "shape": SHAPE_NAMES[ad.picture.shape]} for ad in ads]
    more = {"tiles": tiles, "after": after, "templates": templates, "platforms": platforms, "languages": sorted(facets["language"])}
    return render(request, "studio/library_ads.html", {**context, **more, "began": "after" in request.GET})


@login_required
@require_POST
def some(request: HttpRequest) -> HttpResponseBase:
    """One of the buttons below the wall, for the ads that are ticked."""
    wanted = ticked.ids_of(request)
    back, do = f"{reverse('library')}?{request.POST.get('query', '') or 'view=ads'}", request.POST.get("do", "")
    ads = list(ads_of(request.user).filter(pk__in=wanted))
    if not ads:
        messages.error(request, "Tick an ad first.")
        return redirect(back)
    if do == "download":
        return _zip(request, ads)
    for ad in ads:
        require_editor(request, ad.picture.generation.brand)
    if do == "star":
        ticked.star(request, ads)
    elif do == "delete":
        ticked.delete(request, ads)
    elif do == "collect":
        _collect(request, ads)
    return redirect(back)


def _zip(request: HttpRequest, ads: list[Ad]) -> HttpResponseBase:
    ready = [ad.pk for ad in ads if ad.status == Ad.Status.READY]
    if not ready:
        messages.error(request, "None of these is ready to download.")
        return redirect("library")
    made = zip_of_orders(library.by_order(request.user, ready))
    name = f"ads-{timezone.now():%Y-%m-%d}.zip"
    response = FileResponse(made, as_attachment=True, filename=name, content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return response


def _collect(request: HttpRequest, ads: list[Ad]) -> None:
    """Put the ads into the collection of this name; it is made where there is none yet."""
    brand, name = ads[0].picture.generation.brand, request.POST.get("name", "").replace("\0", "").strip()
    mine = [ad.pk for ad in ads if ad.picture.generation.brand_id == brand.pk]
    try:
        found = Collection.objects.filter(brand=brand, name=name).first()
        collection = found or actions.make_collection(by=request.user, brand=brand, name=name)  # type: ignore[arg-type]
        actions.put_in(by=request.user, collection=collection, ads=mine)  # type: ignore[arg-type]
    except actions.NotKept as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{len(mine)} ad{'' if len(mine) == 1 else 's'} put into {collection.name}.")


@login_required
@require_POST
def keep_search(request: HttpRequest) -> HttpResponse:
    """Keep what is looked for under a name."""
    brand = brand_of(request)
    if brand is None:
        return redirect("library")
    require_editor(request, brand)
    wanted = {name: request.POST.get(name, "") for name in FILTERS}
    try:
        actions.save_search(by=request.user, brand=brand, name=request.POST.get("name", ""), wanted=wanted)  # type: ignore[arg-type]
    except (actions.NotKept, library.WantedError) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Kept. It stands above the wall now.")
    return redirect(f"{reverse('library')}?{urlencode({name: value for name, value in wanted.items() if value})}")


@login_required
@require_POST
def forget_search(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a kept search away."""
    search = get_object_or_404(searches_of(request.user), pk=pk)
    require_editor(request, search.brand)
    actions.delete_search(by=request.user, search=search)  # type: ignore[arg-type]
    return redirect("library")


@login_required
@require_POST
def forget_collection(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a collection away; its ads stay."""
    collection = get_object_or_404(collections_of(request.user), pk=pk)
    require_editor(request, collection.brand)
    actions.delete_collection(by=request.user, collection=collection)  # type: ignore[arg-type]
    messages.success(request, f"{collection.name} is gone; its ads stay.")
    return redirect("library")


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
