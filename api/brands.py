"""Which of the caller's brands is meant."""

from __future__ import annotations

import re
from uuid import UUID

from rest_framework.exceptions import ValidationError

from accounts.models import Brand, User
from accounts.queries import brands_of
from api.base import UUID_PATTERN

UUID_TEXT = re.compile(UUID_PATTERN)


def own_brand(user: User, name: str | None) -> Brand:
    """The caller's brand with this id or slug; without a name their first. Raises ValidationError when they have no such brand."""
    own = brands_of(user)
    if not name:
        brand = own.order_by("created_at", "id").first()
    else:
        brand = own.filter(pk=UUID(name)).first() if UUID_TEXT.fullmatch(name) else own.filter(slug=name).first()
    if brand is None:
        raise ValidationError({"brand": f"You have no brand '{name}'." if name else "You do not belong to a brand yet."})
    return brand
