"""A photo on its way into an ad: taken in at once, and marked by hand where the cut-out is a guess."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.queries import brands_of
from generations import actions
from generations.queries import photos_of

SIDES = ("left", "top", "right", "bottom")


@login_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take a dropped photo in and give back its row for the form: the photo, its cut-out and what is to be said of it."""
    brand = brands_of(request.user).first()
    file = request.FILES.get("photo")
    if brand is None or file is None:
        return render(request, "studio/_photo.html", {"photo": None, "error": "Choose a photo first."}, status=422)
    try:
        photo = actions.add_photo(by=request.user, brand=brand, data=file.read(), name=file.name or "")  # type: ignore[arg-type]
    except actions.PhotoRefused as refusal:
        return render(request, "studio/_photo.html", {"photo": None, "error": str(refusal)}, status=422)
    return render(request, "studio/_photo.html", {"photo": photo, "use_cutout": True})


@login_required
def mark(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Draw a box round the product and strokes on what to keep and what to drop; or type the box in percent."""
    photo = get_object_or_404(photos_of(request.user), pk=pk)
    back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = ""
    error, box = "", dict(zip(SIDES, (10, 10, 90, 90), strict=True))
    if request.method == "POST":
        box = {side: request.POST.get(side, "") for side in SIDES}  # type: ignore[misc]
        try:
            fractions = [float(box[side]) / 100 for side in SIDES]
            actions.mark_product(
                by=request.user,  # type: ignore[arg-type]
                photo=photo,
                box=fractions,
                keep=_strokes(request.POST.get("keep")),
                drop=_strokes(request.POST.get("drop")),
            )
            return redirect(f"{back}?photo={photo.pk}" if back else request.get_full_path())
        except actions.PhotoRefused as refusal:
            error = str(refusal)
        except ValueError:
            error = "Give the box as four numbers from 0 to 100: left, top, right and bottom in percent of the photo."
    context = {"photo": photo, "box": box, "error": error, "back": back}
    return render(request, "studio/mark.html", context, status=422 if error else 200)


def _strokes(text: str | None) -> list[list[list[float]]]:
    """Strokes as the page's script sends them: JSON lists of points in fractions. Raises ValueError for anything else."""
    lines = json.loads(text or "[]")
    if not isinstance(lines, list) or len(lines) > 200:
        raise ValueError("strokes")
    return [[[float(x), float(y)] for x, y in line] for line in lines]
