"""What was deleted a month ago goes for good: brands, orders, ads, photos, and with them, at the next collection, their files."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from accounts import brands
from accounts.models import Brand
from generations.models import Ad, Collection, Generation, Photo, SavedSearch

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
    Collection.objects.filter(brand=brand).delete()
    SavedSearch.objects.filter(brand=brand).delete()
    brands.purge(brand)


def purge_deleted() -> int:
    """Purge orders, ads and photos whose time to be brought back is over. Gives how many.

    A photo stays for as long as an order has it: its ads could not be made again without. What was paid stays in the books.
    """
    before = timezone.now() - brands.UNDO
    orders = Generation.objects.filter(deleted_at__lt=before)
    gone = 0
    for order in orders.iterator(chunk_size=100):
        with transaction.atomic():
            Ad.objects.filter(picture__generation=order).delete()  # before the words they show
            order.delete()
        gone += 1
    ads, _ = Ad.objects.filter(deleted_at__lt=before).delete()
    photos, _ = Photo.objects.filter(deleted_at__lt=before, generationphoto=None).delete()
    return gone + ads + photos
