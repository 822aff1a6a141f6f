"""Keys for machines, on the account page: made and shown once, and taken back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import keys
from studio.current import brand_of, require_editor


@login_required
@require_POST
@never_cache
def make(request: HttpRequest) -> HttpResponse:
    """Make a key for the brand that this person works in, and show it this once."""
    brand, days = brand_of(request), request.POST.get("days", "")
    if brand is None:
        messages.error(request, "You do not belong to a brand yet.")
        return redirect("account")
    require_editor(request, brand)
    try:
        key, secret = keys.make_key(
            by=request.user,  # type: ignore[arg-type]
            brand=brand,
            name=request.POST.get("name", "").replace("\0", ""),
            read_only="read_only" in request.POST,
            days=int(days) if days.isdecimal() and len(days) < 4 else keys.DAYS,
        )
    except keys.KeyRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("/account/#keys")
    return render(request, "studio/account/key.html", {"key": key, "secret": secret})


@login_required
@require_POST
def take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a key open nothing any more."""
    key = get_object_or_404(keys.keys_of(request.user), pk=pk)
    require_editor(request, key.brand)
    keys.take_back(key)
    messages.success(request, f"{key.name} opens nothing any more.")
    return redirect("/account/#keys")
