"""One order from waiting to done: the same address, the same sheet; tiles change where they stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.outbox import address
from generations import actions
from generations.download import ready_ads, zip_name, zip_of
from generations.models import Ad, Copy, Generation
from generations.queries import ads_of, current_copy, generations_of, open_links, verdicts_of
from studio import forms
from studio.current import require_editor
from studio.pages.ads import page_of
from studio.pages.sheet import sheet_of, tag_of, word_fields

STOP_ASKING = 286  # htmx: swap this, and do not poll again


@login_required
def generation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole page."""
    order = _order(request, pk)
    return render(request, "studio/generation.html", {**sheet_of(order), **_reviews(order)})


def _reviews(order: Generation) -> dict[str, Any]:
    """What others said of it, and the links by which they may."""
    links = [{"row": link, "address": address("review", actions.token_of(link))} for link in open_links(order)]
    return {"verdicts": verdicts_of(order), "links": links, "days": actions.DAYS}


@login_required
def sheet(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part that moves. Nothing new is a 304; nothing more to come stops the asking."""
    order = _order(request, pk)
    tag = f'"{tag_of(order)}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        context = sheet_of(order)
        status = 200 if context["moving"] else STOP_ASKING
        response = render(request, "studio/_order.html", {**context, "alone": True}, status=status)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


@login_required
@require_POST
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop an order: what is ready stays."""
    stopped = actions.cancel_generation(by=request.user, generation=_order(request, pk))  # type: ignore[arg-type]
    messages.success(request, "Stopped. What was ready stays here." if stopped else "Everything was made already.")
    return redirect("generation", pk=pk)


@login_required
@require_POST
def again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have made again what failed or was stopped: all of it, or one picture."""
    one = forms.ids(request.POST.get("picture", ""))
    try:
        again = actions.retry_generation(by=request.user, generation=_order(request, pk), pictures=one or None)  # type: ignore[arg-type]
    except actions.OrderRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "It is being made again." if again else "Nothing of this order is missing.")
    return redirect("generation", pk=pk)


@login_required
@require_POST
def words(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Lay new words over the finished pictures of an order, or of one variation; then back to where they were typed."""
    order = _order(request, pk)
    told = {name: request.POST.get(name, "") for name in Copy.WORDS}
    variation = request.POST.get("variation", "")
    try:
        copy = actions.change_copy(
            by=request.user,  # type: ignore[arg-type]
            generation=order,
            words=told,
            ad=_ad_before(request) if variation == "ad" else None,
            variation=int(variation) if variation.isdecimal() else None,
        )
    except actions.BriefError as error:
        return _words_again(request, order, told, error.errors)
    number = copy.ads.count()
    messages.success(request, f"Text updated on {number} ad{'' if number == 1 else 's'}.", extra_tags=reverse("generation-undo", args=[pk]))
    if (shown := _same_ad(request, copy)) is not None:
        return redirect("ad", pk=shown.pk)
    return redirect("generation", pk=pk)


def _words_again(request: HttpRequest, order: Generation, told: dict[str, str], errors: dict[str, str]) -> HttpResponse:
    """The page from which the words came, with what was typed and what is wrong with it."""
    fields = word_fields(told, errors)
    if (shown := _ad_before(request)) is not None:
        return render(request, "studio/ad.html", {**page_of(request, shown), "word_fields": fields}, status=422)
    return render(
        request, "studio/generation.html", {**sheet_of(order), **_reviews(order), "word_fields": fields, "words_wrong": True}, status=422
    )


def _ad_before(request: HttpRequest) -> Ad | None:
    """The ad from whose page the words came."""
    return ads_of(request.user).filter(pk__in=forms.ids(request.POST.get("ad", ""))).first()


def _same_ad(request: HttpRequest, copy: Copy) -> Ad | None:
    """That ad in its new wording."""
    before = _ad_before(request)
    return copy.ads.filter(picture=before.picture_id, placement=before.placement_id).first() if before else None


@login_required
@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the newest words back."""
    try:
        actions.undo_copy(by=request.user, copy=current_copy(_order(request, pk)))  # type: ignore[arg-type]
    except actions.BriefError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The words from before are back.")
    return redirect("generation", pk=pk)


@login_required
def download(request: HttpRequest, pk: UUID) -> HttpResponse | FileResponse:
    """All finished files as one ZIP."""
    order = _order(request, pk)
    if not ready_ads(order):
        messages.error(request, "Nothing is ready to download yet.")
        return redirect("generation", pk=pk)
    response: Any = FileResponse(zip_of(order), as_attachment=True, filename=zip_name(order), content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return response  # type: ignore[no-any-return]


def _order(request: HttpRequest, pk: UUID) -> Generation:
    order = get_object_or_404(generations_of(request.user), pk=pk)
    if request.method == "POST":
        require_editor(request, order.brand)
    return order
