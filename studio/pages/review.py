"""Looking at an order by a link, without an account: a verdict and a sentence for each variation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generations import actions
from generations.models import Ad, Generation, ReviewLink, Verdict
from generations.queries import current_ads, current_copy, generations_of, review_links_of, with_pictures
from keeping.thumbs import SIZES
from studio.current import require_editor
from studio.pages.files import as_thumb
from studio.pages.shapes import SHAPE_NAMES, SHAPE_ORDER

WORDS = ((Verdict.Word.RUN, "check"), (Verdict.Word.CHANGE, "message-circle"))


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a link. One that was taken back or ran out says so, and nothing else."""
    link = actions.link_of(token)
    if link is None:
        return render(request, "studio/review_over.html", status=404)
    if request.method != "POST":
        return render(request, "studio/review.html", _page(link, token, {}, {}))
    order = _order(link)
    variations = {ad.picture.variation for ad in current_ads(order)}
    said = {
        number: actions.Said(request.POST.get(f"said-{number}", ""), request.POST.get(f"comment-{number}", "").replace("\0", ""))
        for number in variations
    }
    who = request.POST.get("who", "").replace("\0", "")
    try:
        given = actions.give_verdicts(link=link, who=who, said=said)
    except actions.ReviewRefused as refusal:
        return render(request, "studio/review.html", _page(link, token, {"who": who, "said": said}, refusal.errors), status=422)
    return render(request, "studio/review_thanks.html", {"link": link, "given": given, "token": token, "asker": _asker(link)})


@login_not_required
@require_safe
def picture(request: HttpRequest, token: str, pk: UUID, size: str) -> HttpResponse:
    """A thumbnail of one of the order's ads, for whoever has the link."""
    link = actions.link_of(token)
    ad = Ad.objects.filter(picture__generation=link.generation_id, deleted_at=None, pk=pk).select_related("file").first() if link else None
    if ad is None or ad.file is None or size not in SIZES:
        raise Http404("There is no such picture.")
    return as_thumb(ad.file, size)


@login_required
@require_POST
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a link for an order."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    require_editor(request, order.brand)
    days = request.POST.get("days", "")
    try:
        actions.ask_for_review(
            by=request.user,  # type: ignore[arg-type]
            generation=order,
            note=request.POST.get("note", "").replace("\0", ""),
            days=int(days) if days.isdecimal() and len(days) < 4 else actions.DAYS,
        )
    except actions.ReviewRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The link is made. Copy it from the list of reviews, and send it to whom you ask.")
    return redirect(f"{order_address(order)}#reviews")


@login_required
@require_POST
def take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a link open nothing any more."""
    link = get_object_or_404(review_links_of(request.user), pk=pk)
    require_editor(request, link.generation.brand)
    actions.take_link_back(by=request.user, link=link)  # type: ignore[arg-type]
    messages.success(request, "The link opens nothing any more. What was said stays.")
    return redirect(f"{order_address(link.generation)}#reviews")


def order_address(order: Generation) -> str:
    """The address of an order's page."""
    return redirect("generation", pk=order.pk).url


def _order(link: ReviewLink) -> Generation:
    return with_pictures(Generation.objects.filter(pk=link.generation_id)).get()


def _asker(link: ReviewLink) -> str:
    """Who asked, as a person."""
    return (link.created_by.name if link.created_by else "") or link.generation.brand.name


def _page(link: ReviewLink, token: str, told: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    order = _order(link)
    ready = [ad for ad in current_ads(order) if ad.status == Ad.Status.READY and ad.file]
    strips: dict[int, list[Ad]] = {}
    for ad in ready:
        strips.setdefault(ad.picture.variation, []).append(ad)
    before: dict[int, actions.Said] = told.get("said", {})
    return {
        "link": link,
        "token": token,
        "order": order,
        "headline": current_copy(order).words["headline"],
        "asker": _asker(link),
        "who": told.get("who", ""),
        "wrong": errors and (errors.get("said") or errors.get("who") or "Something is missing below."),
        "who_wrong": "who" in errors,
        "strips": [
            {
                "number": number,
                "letter": ads[0].picture.letter,
                "tiles": [{"ad": ad, "name": SHAPE_NAMES[ad.picture.shape]} for ad in sorted(_one_each(ads), key=_by_shape)],
                "word": before.get(number, actions.Said("", "")).word,
                "comment": before.get(number, actions.Said("", "")).comment,
                "may_run": all(ad.can_be_approved for ad in ads),
                "error": errors.get(f"said-{number}"),
            }
            for number, ads in sorted(strips.items())
        ],
        "words": [(word, word.label, icon) for word, icon in WORDS],
    }


def _one_each(ads: list[Ad]) -> list[Ad]:
    """The largest ad of each shape: one who judges looks at pictures, not at file sizes. Banners only when there is nothing else."""
    best: dict[str, Ad] = {}
    for ad in sorted(ads, key=lambda ad: (ad.placement.is_banner, -ad.placement.width * ad.placement.height)):
        best.setdefault(ad.picture.shape, ad)
    return list(best.values())


def _by_shape(ad: Ad) -> int:
    return SHAPE_ORDER[ad.picture.shape]
