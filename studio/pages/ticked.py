"""What the buttons below a wall do with the ads that are ticked there: the same on an order's page and in the library."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from generations import actions
from generations.models import Ad
from studio import forms

MOST = 200


def ids_of(request: HttpRequest) -> set[UUID]:
    """The ids that were ticked; what is no id is left out."""
    return {one for text in request.POST.getlist("ad")[:MOST] for one in forms.ids(text)}


def star(request: HttpRequest, ads: Sequence[Ad]) -> None:
    """Put stars on all of these, or take them off where all have one."""
    starred = not all(ad.starred for ad in ads)
    for ad in ads:
        actions.star_ad(by=request.user, ad=ad, starred=starred)  # type: ignore[arg-type]


def delete(request: HttpRequest, ads: Sequence[Ad]) -> None:
    """Take these away, and say how to bring them back."""
    try:
        gone = [ad for ad in ads if actions.delete_ad(by=request.user, ad=ad)]  # type: ignore[arg-type]
    except actions.NotNow as refusal:
        messages.error(request, str(refusal))
        return
    back = f"{reverse('ads-restore')}?{'&'.join(f'ad={ad.pk}' for ad in gone)}"
    messages.success(request, f"{len(gone)} ad{'' if len(gone) == 1 else 's'} taken away.", extra_tags=back)
