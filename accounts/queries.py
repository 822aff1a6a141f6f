"""Reads about people and brands, always from the caller's own."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import Brand, User


def brands_of(user: User | AnonymousUser) -> QuerySet[Brand]:
    """The brands this person shares, deleted ones left out."""
    if not user.is_authenticated:
        return Brand.objects.none()
    return Brand.objects.filter(memberships__user=user, deleted_at=None).select_related("logo")
