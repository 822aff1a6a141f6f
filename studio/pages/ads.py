"""One finished ad: the picture, whether it is ready to run, and where it came from."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from generations.models import Ad, Copy, Step
from generations.queries import ads_of
from studio.pages.progress import word_fields


@login_required
def ad(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The ad's page."""
    found = get_object_or_404(ads_of(request.user), pk=pk)
    siblings = (
        Ad.objects.filter(picture=found.picture, copy=found.copy, deleted_at=None)
        .select_related("placement__placement", "file")
        .order_by("placement__placement__position")
    )
    context = {
        "ad": found,
        "picture": found.picture,
        "generation": found.picture.generation,
        "siblings": siblings,
        "spec": found.placement.spec(),
        "steps": Step.objects.filter(picture=found.picture).order_by("created_at"),
        "word_fields": word_fields({name: found.copy.words.get(name, "") for name in Copy.WORDS}, {}),
        "passed": [check for check in found.checks if check["result"] == "pass"],
    }
    return render(request, "studio/ad.html", context)
