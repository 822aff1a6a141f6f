"""Which brand somebody works in: chosen with one click, kept in the session, and all lists show this one's rows only."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.brands import may_edit
from accounts.models import Brand, User
from accounts.queries import brands_of

KEPT = "brand"


def brand_of(request: HttpRequest) -> Brand | None:
    """The brand that this person works in: the one they chose while they share it, else their first. None when they share none."""
    return next((brand for brand in brands_here(request) if brand.current), None)  # type: ignore[attr-defined]


def brands_here(request: HttpRequest) -> list[Brand]:
    """This person's brands by name, asked once a request. The one they work in has `current` set."""
    found: list[Brand] | None = getattr(request, "brands_here", None)
    if found is None:
        found = list(brands_of(request.user))
        chosen = request.session.get(KEPT) if request.user.is_authenticated else None
        first = min(found, key=lambda brand: brand.created_at, default=None)
        current = next((brand for brand in found if str(brand.pk) == chosen), first)
        for brand in found:
            brand.current = brand is current  # type: ignore[attr-defined]
        request.brands_here = found  # type: ignore[attr-defined]
    return found


def require_editor(request: HttpRequest, brand: Brand | None) -> None:
    """Raises PermissionDenied for reviewers, who look and change nothing."""
    if brand is not None and isinstance(request.user, User) and not may_edit(request.user, brand):
        raise PermissionDenied


def choose(request: HttpRequest, brand_id: UUID | str) -> None:
    """Work in another brand from now on. Whether it is one of this person's is asked at every read."""
    request.session[KEPT] = str(brand_id)
    if hasattr(request, "brands_here"):
        del request.brands_here
