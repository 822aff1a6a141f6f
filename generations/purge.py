"""Brands that were deleted a month ago go for good: orders, pictures, ads, photos, and with them, at the next collection, their files."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts import brands
from accounts.models import Brand
from generations.models import Ad, Generation, Photo

log = logging.getLogger(__name__)


def purge_brands() -> int:
    """Purge every brand whose time to be brought back is over. Gives how many."""
    due = list(brands.brands_to_purge())
    for brand in due:
        purge(brand)
        log.info("Brand %s was purged", brand.pk)
    return len(due)


@transaction.atomic
def purge(brand: Brand) -> None:
    """Delete all that a brand made and was given. Its credits stay in the books."""
    Ad.objects.filter(picture__generation__brand=brand).delete()  # before the words they show
    Generation.objects.filter(brand=brand).delete()
    Photo.objects.filter(brand=brand).delete()
    brands.purge(brand)
