"""What a person may take away, and bring back within thirty days: photos, orders, single ads."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from generations import queries, states
from generations.actions.orders import cancel_generation
from generations.models import Ad, Generation, Photo


class NotNow(ValueError):
    """Something that cannot be done as things stand. The message says what to do first."""


def star_ad(*, by: User | None, ad: Ad, starred: bool = True) -> bool:
    """Put a star on an ad, or take it off. False when it was so already."""
    with transaction.atomic():
        changed = bool(Ad.objects.filter(pk=ad.pk, deleted_at=None).exclude(starred=starred).update(starred=starred))
        if changed:
            states.note(ad.picture.generation, [("ad.starred" if starred else "ad.unstarred", ad.pk)])
    return changed


def delete_ad(*, by: User | None, ad: Ad) -> bool:
    """Take one ad away, and with it the words before it at its place, which would be shown again otherwise.

    False when it was gone already. Raises NotNow while it is being made, and once it was approved.
    """
    if queries.approvals_of(ad):
        raise NotNow("This ad was approved, so it stays. Delete its order if nothing of it is needed any more.")
    now = timezone.now()
    with transaction.atomic():
        if Ad.objects.filter(pk=ad.pk, deleted_at=None, status__in=Ad.FINAL).update(deleted_at=now):
            before = _before(ad).filter(deleted_at=None).select_related("picture")
            Ad.objects.filter(pk__in=[each.pk for each in before if not queries.approvals_of(each)]).update(deleted_at=now)
            states.note(ad.picture.generation, [("ad.deleted", ad.pk)])
            return True
    if Ad.objects.filter(pk=ad.pk, deleted_at=None).exists():
        raise NotNow("This ad is still being made. Wait a moment, or stop the order first.")
    return False


def restore_ad(*, by: User | None, ad: Ad) -> bool:
    """Bring an ad back that was taken away, with what went along with it. False when it is there."""
    ad.refresh_from_db(fields=["deleted_at"])
    if ad.deleted_at is None:
        return False
    with transaction.atomic():
        back = bool(Ad.objects.filter(pk=ad.pk, deleted_at=ad.deleted_at).update(deleted_at=None))
        if back:
            _before(ad).filter(deleted_at=ad.deleted_at).update(deleted_at=None)
            states.note(ad.picture.generation, [("ad.restored", ad.pk)])
    return back


def _before(ad: Ad) -> QuerySet[Ad]:
    """The ads with earlier words of the same language and angle at the same place."""
    alike = Ad.objects.filter(picture=ad.picture_id, placement=ad.placement_id, status__in=Ad.FINAL).exclude(pk=ad.pk)
    same = alike.filter(copy__language=ad.copy.language, copy__angle=ad.copy.angle)
    return same.filter(copy__created_at__lte=ad.copy.created_at)


def delete_generation(*, by: User | None, generation: Generation) -> bool:
    """Take an order away with all its ads; what is still being made of it is stopped. False when it was gone already."""
    with transaction.atomic():
        gone = bool(Generation.objects.filter(pk=generation.pk, deleted_at=None).update(deleted_at=timezone.now()))
        if gone:
            states.note(generation, [("generation.deleted", generation.pk)])
            audit.record("order.deleted", by=by, brand=generation.brand_id, subject=generation)
    # Once it is gone nobody can begin it again, so that what is stopped now stays stopped; twice does no harm.
    cancel_generation(by=by, generation=generation)
    return gone


def restore_generation(*, by: User | None, generation: Generation) -> bool:
    """Bring an order back with the ads that it had. False when it is there."""
    with transaction.atomic():
        back = bool(Generation.objects.filter(pk=generation.pk).exclude(deleted_at=None).update(deleted_at=None))
        if back:
            states.note(generation, [("generation.restored", generation.pk)])
            audit.record("order.restored", by=by, brand=generation.brand_id, subject=generation)
    return back


def delete_photo(*, by: User | None, photo: Photo) -> bool:
    """Take a photo away; orders that were given with it keep it until they go. False when it was gone already."""
    with transaction.atomic():
        gone = bool(Photo.objects.filter(pk=photo.pk, deleted_at=None).update(deleted_at=timezone.now()))
        if gone:
            audit.record("photo.deleted", by=by, brand=photo.brand_id, subject=photo)
    return gone


def restore_photo(*, by: User | None, photo: Photo) -> bool:
    """Bring a photo back. False when it is there."""
    with transaction.atomic():
        back = bool(Photo.objects.filter(pk=photo.pk).exclude(deleted_at=None).update(deleted_at=None))
        if back:
            audit.record("photo.restored", by=by, brand=photo.brand_id, subject=photo)
    return back
