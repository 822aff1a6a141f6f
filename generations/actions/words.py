"""What a person may do with the words of an order: lay others over the same pictures, and go back to those before."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from generations import queries, states
from generations.captions import write_captions
from generations.models import Ad, Copy, Generation, Picture
from generations.tasks import finish_ad
from keeping.bell import ring
from prompting.brief import Brief, BriefError
from templates_app.models import Placement

ANGLE_LENGTH = 20


def change_copy(
    *,
    by: User | None,
    generation: Generation,
    words: Mapping[str, str],
    ad: Ad | None = None,
    variation: int | None = None,
    language: str = "",
    angle: str = "",
    client_ref: str = "",
) -> Copy:
    """Lay new words over pictures that are painted: a new Copy and new Ads, free, never a new picture.

    `words` holds headline, subline, cta, badge, legal; what is missing stays as it was. They go over one ad, over one variation, or over the
    whole order. Another `language` or `angle` than there is stands beside the words that are there; the same takes their place.
    Raises BriefError with a sentence for each wrong field.
    """
    parent = _parent(generation, ad, language, angle)
    merged = {name: words.get(name, parent.words.get(name, "")) for name in Copy.WORDS}
    checked = Brief.read({**merged, "language": language or parent.language})
    if len(angle) > ANGLE_LENGTH:
        raise BriefError({"angle": f"The angle is too long. {ANGLE_LENGTH} characters are the most."})
    with transaction.atomic():
        copy = Copy.objects.create(
            generation=generation,
            parent=parent,
            language=checked.language,
            angle=angle or (parent.angle if checked.language == parent.language else ""),
            created_by=by,
            words={name: getattr(checked, name) for name in Copy.WORDS},
        )
        ads = Ad.objects.bulk_create(
            Ad(picture_id=picture, copy=copy, placement_id=placement, client_ref=client_ref[:100])
            for picture, placement in _places(generation, ad, variation)
        )
        if not ads:
            raise BriefError({"headline": "There is no finished picture yet to lay new words over. Wait until one is ready."})
        states.note(generation, [("copy.made", copy.pk)])
        for made in ads:
            ring(finish_ad, made.pk)
        ring(write_captions, copy.pk)
    return copy


def _parent(generation: Generation, ad: Ad | None, language: str, angle: str) -> Copy:
    """The wording that new words begin from: the ad's own, else the newest of this language and angle, else the newest of all."""
    if ad is not None and language in ("", ad.copy.language) and angle in ("", ad.copy.angle):
        return ad.copy
    found = sorted(generation.copies.filter(undone_at=None), key=lambda copy: (copy.created_at, str(copy.pk)), reverse=True)
    alike = [copy for copy in found if language in ("", copy.language) and angle in ("", copy.angle)]
    return (alike or found)[0]


def _places(generation: Generation, ad: Ad | None, variation: int | None) -> list[tuple[UUID, int]]:
    """The pictures and placements that new words go over. Logo files have no words."""
    if ad is not None:
        ready = ad.picture.raw_id is not None and ad.placement.placement.kind == Placement.Kind.IMAGE
        return [(ad.picture_id, ad.placement_id)] if ready else []
    over = (Picture.Status.CANCELLED, Picture.Status.FAILED, Picture.Status.REFUSED)
    ads = Ad.objects.filter(
        picture__generation=generation, picture__raw__isnull=False, deleted_at=None, placement__placement__kind=Placement.Kind.IMAGE
    ).exclude(picture__status__in=over)
    if variation is not None:
        ads = ads.filter(picture__variation=variation)
    return list(ads.order_by("picture__variation", "picture_id", "placement_id").values_list("picture_id", "placement_id").distinct())


def undo_copy(*, by: User | None, copy: Copy) -> None:
    """Go back to the wording before this one. The first wording of an order cannot be undone; that is a BriefError."""
    if copy.parent_id is None:
        raise BriefError({"headline": "These are the first words of this order; there is nothing to go back to."})
    if any(queries.approvals_of(ad) for ad in copy.ads.select_related("picture")):
        raise BriefError({"headline": "An ad with these words was approved, so they stay. Write new words beside them."})
    with transaction.atomic():
        if Copy.objects.filter(pk=copy.pk, undone_at=None).update(undone_at=timezone.now()):
            states.note(copy.generation, [("copy.undone", copy.pk)])
