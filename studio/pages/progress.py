"""One order from waiting to done: the same address, the same sheet; tiles change where they stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from generations import actions
from generations.download import ready_ads, zip_name, zip_of
from generations.models import Ad, Copy, Generation, Picture
from generations.queries import current_ads, current_copy, estimate_seconds, generations_of, progress, queue_place, version_of
from prompting.brief import LIMITS
from studio.pages.create import SHAPE_NAMES

STOP_ASKING = 286  # htmx: swap this, and do not poll again
OPEN = {Ad.Status.WAITING, Ad.Status.FINISHING}


@login_required
def generation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole page."""
    return render(request, "studio/generation.html", sheet_of(get_object_or_404(generations_of(request.user), pk=pk)))


@login_required
def sheet(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part that moves. Nothing new is a 304; nothing more to come stops the asking."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    tag = f'"{version_of(order)}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304)
    context = sheet_of(order)
    response = render(request, "studio/_sheet.html", context, status=200 if context["moving"] else STOP_ASKING)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


@login_required
@require_POST
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop an order: what is ready stays."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    stopped = actions.cancel_generation(by=request.user, generation=order)  # type: ignore[arg-type]
    messages.success(request, "Stopped. What was ready stays here." if stopped else "Everything was made already.")
    return redirect("generation", pk=pk)


@login_required
@require_POST
def words(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Lay new words over the finished pictures."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    told = {name: request.POST.get(name, "") for name in Copy.WORDS}
    variation = request.POST.get("variation", "")
    try:
        actions.change_words(
            by=request.user,  # type: ignore[arg-type]
            generation=order,
            words=told,
            variation=int(variation) if variation.isdigit() else None,
        )
    except actions.BriefError as error:
        context = {**sheet_of(order), "word_fields": word_fields(told, error.errors), "words_open": True, "word_errors": error.errors}
        return render(request, "studio/generation.html", context, status=422)
    messages.success(request, "Text updated. The pictures stayed as they were.")
    return redirect("generation", pk=pk)


@login_required
@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the newest words back."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    try:
        actions.undo_words(by=request.user, copy=current_copy(order))  # type: ignore[arg-type]
    except actions.BriefError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The words from before are back.")
    return redirect("generation", pk=pk)


@login_required
def download(request: HttpRequest, pk: UUID) -> HttpResponse | FileResponse:
    """All finished files as one ZIP."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    if not ready_ads(order):
        messages.error(request, "Nothing is ready to download yet.")
        return redirect("generation", pk=pk)
    response = FileResponse(zip_of(order), as_attachment=True, filename=zip_name(order), content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return response


def sheet_of(order: Generation) -> dict[str, Any]:
    """Everything that the page shows of an order."""
    ads = current_ads(order)
    pictures = sorted(order.pictures.all(), key=lambda picture: (picture.variation, picture.shape_spec.ratio))
    copy = current_copy(order)
    files = [ad for ad in ads if ad.status == Ad.Status.READY and ad.file]
    done = sum(picture.status in Picture.FINAL for picture in pictures)
    moving = not order.is_final or any(ad.status in OPEN for ad in ads)
    return {
        "generation": order,
        "moving": moving,
        "strips": _strips(pictures, ads),
        "done": done,
        "pictures": len(pictures),
        "ads": len(ads),
        "files": len(files),
        "bytes": sum(ad.file.bytes for ad in files if ad.file),
        "failed": sum(picture.status == Picture.Status.FAILED for picture in pictures),
        "painting": sum(picture.status == Picture.Status.PAINTING for picture in pictures),
        "finishing": sum(picture.status == Picture.Status.FINISHING for picture in pictures),
        "percent": round(progress(order) * 100),
        "place": queue_place(order),
        "seconds": round(estimate_seconds(order)),
        "copy": copy,
        "can_undo": copy.parent_id is not None,
        "word_fields": word_fields({name: copy.words.get(name, "") for name in Copy.WORDS}, {}),
    }


def _strips(pictures: list[Picture], ads: list[Ad]) -> list[dict[str, Any]]:
    """One strip a variation; one tile a picture, showing its largest placement."""
    strips: dict[int, dict[str, Any]] = {}
    for picture in pictures:
        own = sorted((ad for ad in ads if ad.picture_id == picture.pk), key=lambda ad: (ad.placement.is_banner, -ad.placement.width))
        strip = strips.setdefault(picture.variation, {"letter": picture.letter, "number": picture.variation, "tiles": []})
        cover = next((ad for ad in own if ad.status == Ad.Status.READY), own[0] if own else None)
        strip["tiles"].append(
            {
                "picture": picture,
                "name": SHAPE_NAMES[picture.shape],
                "cover": cover,
                "others": [ad for ad in own if ad is not cover],
                "ratio": _ratio(picture, cover),
                "percent": round(picture.progress * 100),
                "warnings": len(cover.warnings) if cover else 0,
            }
        )
    return list(strips.values())


def _ratio(picture: Picture, cover: Ad | None) -> float:
    """A tile keeps the proportion of what it shows."""
    if cover and not cover.placement.is_banner:
        return round(cover.placement.width / cover.placement.height, 4)
    return round(picture.shape_spec.ratio, 4)


def word_fields(told: dict[str, str], errors: dict[str, str]) -> list[dict[str, Any]]:
    """The five fields of an ad's words, as the form shows them."""
    labels = {"headline": "Headline", "subline": "Sub-line", "cta": "Call to action", "badge": "Price or badge", "legal": "Legal line"}
    return [
        {"name": name, "label": labels[name], "value": told.get(name, ""), "limit": LIMITS[name], "error": errors.get(name)}
        for name in Copy.WORDS
    ]
