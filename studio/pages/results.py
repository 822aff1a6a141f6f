"""What is done with finished ads on the page of their order: stars, more like this, raising, taking away, some of the files."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from generations import actions
from generations.download import ready_ads, zip_name, zip_of
from generations.models import Ad, Generation, Picture
from generations.queries import ads_of, current_ads, deleted_ads_of, deleted_generations_of, generations_of
from studio import forms
from studio.current import require_editor
from studio.pages import ticked
from studio.pages.shapes import SHAPE_NAMES

COMPARED = 2


@login_required
@require_POST
def some(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """One of the buttons below the sheet, for the ads that are ticked."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    do, wanted = request.POST.get("do", ""), ticked.ids_of(request)
    ads = [ad for ad in current_ads(order) if ad.pk in wanted]
    if not ads:
        messages.error(request, "Tick an ad first.")
        return redirect("generation", pk=pk)
    if do == "download":
        return _zip(order, [ad for ad in ads if ad.status == Ad.Status.READY and ad.file])
    if do == "compare":
        return redirect(f"{reverse('generation-compare', args=[pk])}?{'&'.join(f'ad={ad.pk}' for ad in ads[:COMPARED])}")
    require_editor(request, order.brand)
    if do == "star":
        ticked.star(request, ads)
    elif do == "delete":
        ticked.delete(request, ads)
    return redirect("generation", pk=pk)


def _zip(order: Generation, ads: list[Ad]) -> FileResponse:
    response = FileResponse(zip_of(order, ads), as_attachment=True, filename=zip_name(order), content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def starred(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The files with a star as one ZIP."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    ads = [ad for ad in ready_ads(order) if ad.starred]
    if not ads:
        messages.error(request, "No finished ad of this order has a star.")
        return redirect("generation", pk=pk)
    return _zip(order, ads)


@login_required
@require_safe
def compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Two ads, one over the other, with a slider between them; by default the same place in the first two variations."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    ready = ready_ads(order)
    asked = [one for text in request.GET.getlist("ad") for one in forms.ids(text)]
    pair = [ad for one in asked for ad in ready if ad.pk == one][:COMPARED]
    if len(pair) == 1:
        pair += [ad for ad in ready if ad.pk != pair[0].pk and ad.placement_id == pair[0].placement_id][:1]
    if len(pair) < COMPARED:
        messages.error(request, "Tick two finished ads to compare them.")
        return redirect("generation", pk=pk)
    alike = pair[0].placement_id == pair[1].placement_id
    choices = [ad for ad in ready if ad.placement_id in {each.placement_id for each in pair}]
    context = {"generation": order, "pair": pair, "alike": alike, "choices": choices, "shapes": SHAPE_NAMES}
    return render(request, "studio/compare.html", context)


@login_required
@require_POST
def star(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a star on an ad, or take it off."""
    ad = get_object_or_404(ads_of(request.user), pk=pk)
    require_editor(request, ad.picture.generation.brand)
    actions.star_ad(by=request.user, ad=ad, starred=not ad.starred)  # type: ignore[arg-type]
    return redirect("generation", pk=ad.picture.generation_id)


@login_required
@require_POST
def restore_ads(request: HttpRequest) -> HttpResponse:
    """Bring ads back that were taken away a moment ago."""
    wanted = {one for text in request.GET.getlist("ad") for one in forms.ids(text)}
    ads = list(deleted_ads_of(request.user).filter(pk__in=wanted))
    for ad in ads:
        require_editor(request, ad.picture.generation.brand)
        actions.restore_ad(by=request.user, ad=ad)  # type: ignore[arg-type]
    if not ads:
        return redirect("library")
    messages.success(request, "They are back.")
    return redirect("generation", pk=ads[0].picture.generation_id)


@login_required
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a whole order away; what is still being made is stopped."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    require_editor(request, order.brand)
    actions.delete_generation(by=request.user, generation=order)  # type: ignore[arg-type]
    messages.success(request, "Taken away. It can be brought back for thirty days.", extra_tags=reverse("generation-restore", args=[pk]))
    return redirect("library")


@login_required
@require_POST
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Bring an order back."""
    order = get_object_or_404(deleted_generations_of(request.user), pk=pk)
    require_editor(request, order.brand)
    actions.restore_generation(by=request.user, generation=order)  # type: ignore[arg-type]
    messages.success(request, "It is back.")
    return redirect("generation", pk=pk)


@login_required
@require_POST
def more(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Order more variations like one picture."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    require_editor(request, order.brand)
    picture = (
        Picture.objects.filter(generation=order, pk__in=forms.ids(request.POST.get("picture", ""))).select_related("generation").first()
    )
    try:
        if picture is None:
            raise actions.OrderRefused({"picture": "This order has no such picture."})
        made = actions.more_like(by=request.user, picture=picture)  # type: ignore[arg-type]
    except actions.OrderRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("generation", pk=pk)
    return redirect("generation", pk=made.pk)


@login_required
@require_POST
def raise_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Order a draft once more from the best other engine."""
    order = get_object_or_404(generations_of(request.user), pk=pk)
    require_editor(request, order.brand)
    try:
        made = actions.raise_draft(by=request.user, generation=order)  # type: ignore[arg-type]
    except actions.OrderRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("generation", pk=pk)
    return redirect("generation", pk=made.pk)
