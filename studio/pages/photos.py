"""A photo on its way into an ad: taken in at once, and marked by hand where the cut-out is a guess."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from generations import actions
from generations.models import Photo
from generations.queries import photos_of
from studio import forms
from studio.current import brand_of, require_editor
from studio.forms import Draft

SIDES = ("left", "top", "right", "bottom")
STROKES_AT_MOST, POINTS_AT_MOST = 200, 20_000


@login_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take a dropped photo in and give back its row for the form: the photo, its cut-out and what is to be said of it."""
    draft, errors = Draft.of(request.POST), dict[str, str]()
    brand, data = forms.brand_for(request, draft), forms.upload_of(request)
    if brand is None:
        errors["photo"] = "You are in no brand yet. Ask for an invitation to one."
        return _row(request, None, draft, errors)
    require_editor(request, brand)
    photo = forms.photo_for(request, draft, brand, data, errors)
    if errors:  # a photo that was there before stays
        photo = forms.photo_for(request, draft, brand, None, {})
    return _row(request, photo, draft, errors)


@login_required
def row(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An earlier photo's row for the form."""
    return _row(request, get_object_or_404(photos_of(request.user), pk=pk), Draft(), {})


def _row(request: HttpRequest, photo: Photo | None, draft: Draft, errors: dict[str, str]) -> HttpResponse:
    earlier = list(photos_of(request.user).filter(brand=brand_of(request))[: forms.EARLIER_PHOTOS]) if photo is None else []
    context = {
        "address": request.POST.get("photo_url", "") if errors else "",
        "photo": photo,
        "earlier": earlier,
        "use_cutout": draft.use_cutout,
        "error": errors.get("photo", ""),
    }
    return render(request, "studio/_photo.html", context, status=422 if errors else 200)


@login_required
def mark(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Draw a box round the product and strokes on what to keep and what to drop; or type the box in percent."""
    photo = get_object_or_404(photos_of(request.user), pk=pk)
    if request.method == "POST":
        require_editor(request, photo.brand)
    back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = ""
    error, box = "", _box_of(photo)
    keep, drop = request.POST.get("keep", "[]"), request.POST.get("drop", "[]")
    if request.method == "POST":
        box = {side: request.POST.get(side, "").strip() for side in SIDES}
        try:
            fractions = [float(box[side].replace(",", ".")) / 100 for side in SIDES]
            lines = _strokes(keep), _strokes(drop)
        except (ValueError, TypeError, OverflowError, RecursionError):
            error = "Give the box as four numbers from 0 to 100: left, top, right and bottom in percent of the photo."
        else:
            try:
                actions.mark_product(by=request.user, photo=photo, box=fractions, keep=lines[0], drop=lines[1])  # type: ignore[arg-type]
            except actions.PhotoRefused as refusal:
                error = str(refusal)
            else:
                messages.success(request, "Cut out again. Look at the edges on the checked ground.")
                return redirect(request.get_full_path())
    context: dict[str, Any] = {"photo": photo, "box": box, "error": error, "back": back, "keep": keep, "drop": drop}
    return render(request, "studio/mark.html", context, status=422 if error else 200)


def _box_of(photo: Photo) -> dict[str, str]:
    """Where the product lies now, in percent; else most of the photo."""
    found = photo.cutout_box or (0.1, 0.1, 0.9, 0.9)
    return {side: f"{100 * value:.1f}".removesuffix(".0") for side, value in zip(SIDES, found, strict=True)}


def _strokes(text: str) -> list[list[list[float]]]:
    """Strokes as the page's script sends them: JSON lists of points in fractions. Raises ValueError or TypeError for anything else."""
    lines = json.loads(text or "[]")
    if not isinstance(lines, list) or len(lines) > STROKES_AT_MOST or sum(len(line) for line in lines) > POINTS_AT_MOST:
        raise ValueError("Too many strokes.")
    return [[[min(1.0, max(0.0, float(x))), min(1.0, max(0.0, float(y)))] for x, y in line] for line in lines if line]
