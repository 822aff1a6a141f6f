"""How rows move: a claim or a move is one conditional UPDATE on (id, status, attempt). The table MAY_FOLLOW is the documentation."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from accounts.models import Brand
from generations.models import Ad, Event, Generation, Picture
from generations.queries import OPEN_ADS, OPEN_PICTURES
from keeping.claims import Claimed, Hold, claim, db_now, held, release

__all__ = ["MAY_FOLLOW", "Hold", "cancel", "claim", "db_now", "held", "move", "note", "release", "settle", "tell_progress"]

GENERATION, PICTURE, AD = Generation.Status, Picture.Status, Ad.Status

MAY_FOLLOW: dict[type[Claimed], dict[str, frozenset[str]]] = {
    Generation: {
        GENERATION.WAITING: frozenset({GENERATION.WRITING, GENERATION.FAILED, GENERATION.CANCELLED}),
        GENERATION.WRITING: frozenset({GENERATION.MAKING, GENERATION.FAILED, GENERATION.REFUSED, GENERATION.CANCELLED}),
        GENERATION.MAKING: frozenset({GENERATION.READY, GENERATION.PARTLY, GENERATION.FAILED, GENERATION.REFUSED, GENERATION.CANCELLED}),
    },
    Picture: {
        PICTURE.WAITING: frozenset({PICTURE.PAINTING, PICTURE.FAILED, PICTURE.REFUSED, PICTURE.CANCELLED}),
        PICTURE.PAINTING: frozenset({PICTURE.FINISHING, PICTURE.FAILED, PICTURE.REFUSED, PICTURE.CANCELLED}),
        PICTURE.FINISHING: frozenset({PICTURE.READY, PICTURE.FAILED, PICTURE.CANCELLED}),
    },
    Ad: {
        AD.WAITING: frozenset({AD.FINISHING, AD.FAILED, AD.CANCELLED}),
        AD.FINISHING: frozenset({AD.READY, AD.FAILED, AD.CANCELLED}),
    },
}

Row = TypeVar("Row", Generation, Picture, Ad)


def move(row: Row, to: str, **fields: Any) -> bool:
    """Move a row to its next status and write the event, if it still is where we saw it; False means another hand moved it.

    A final status puts the row down and stamps its time.
    """
    if to not in MAY_FOLLOW[type(row)].get(row.status, frozenset()):
        raise ValueError(f"{type(row).__name__} {row} cannot go from {row.status} to {to}.")
    if to in row.FINAL:
        fields = {"lease_until": None, "finished_at": timezone.now(), **fields}
    with transaction.atomic():
        same = type(row).objects.filter(pk=row.pk, status=row.status, attempt=row.attempt)
        won = bool(same.update(status=to, **fields))
        if won:
            note(_order_of(row), f"{type(row).__name__.lower()}.{to}", row.pk)
    if won:
        row.refresh_from_db()
    return won


def note(generation: Generation, kind: str, object_id: UUID) -> None:
    """Write an event. Call it inside the transaction of what it tells of: the brand's row keeps the numbers in order."""
    Brand.objects.filter(pk=generation.brand_id).update(event_seq=F("event_seq") + 1)
    seq = Brand.objects.values_list("event_seq", flat=True).get(pk=generation.brand_id)
    Event.objects.create(brand_id=generation.brand_id, seq=seq, kind=kind, object_id=object_id, generation=generation)


def tell_progress(picture: Picture, fraction: float) -> bool:
    """Write how far a painting is, never backwards. False when the picture is no longer ours."""
    ours = Picture.objects.filter(pk=picture.pk, status=PICTURE.PAINTING, attempt=picture.attempt)
    return bool(
        ours.update(
            progress=Case(When(progress__lt=fraction, then=Value(fraction)), default=F("progress"), output_field=models.FloatField())
        )
    )


def cancel(generation: Generation) -> bool:
    """Stop an order: what is ready stays, everything else is cancelled. False when it had ended already."""
    with transaction.atomic():
        if Generation.objects.filter(pk=generation.pk, status__in=[GENERATION.WAITING, GENERATION.WRITING]).update(
            status=GENERATION.CANCELLED, lease_until=None, finished_at=timezone.now()
        ):
            stopped = True
            note(generation, "generation.cancelled", generation.pk)
        else:
            stopped = bool(Picture.objects.filter(generation=generation, status__in=OPEN_PICTURES).exists())
        Ad.objects.filter(picture__generation=generation, picture__status__in=OPEN_PICTURES, status__in=OPEN_ADS).update(
            status=AD.CANCELLED, lease_until=None, finished_at=timezone.now()
        )
        for pk in list(Picture.objects.filter(generation=generation, status__in=OPEN_PICTURES).values_list("pk", flat=True)):
            if Picture.objects.filter(pk=pk, status__in=OPEN_PICTURES).update(
                status=PICTURE.CANCELLED, lease_until=None, finished_at=timezone.now()
            ):
                note(generation, "picture.cancelled", pk)
    settle(generation)
    return stopped


def settle(generation: Generation) -> bool:
    """End an order of which nothing is open any more: ready, partly, failed, refused or cancelled. True when this call ended it."""
    generation.refresh_from_db(fields=["status", "attempt"])
    if generation.status != GENERATION.MAKING or Picture.objects.filter(generation=generation, status__in=OPEN_PICTURES).exists():
        return False
    ads = set(Ad.objects.filter(picture__generation=generation, deleted_at=None).values_list("status", flat=True))
    pictures = set(Picture.objects.filter(generation=generation).values_list("status", flat=True))
    return move(generation, _sum_of(ads, pictures))


def _sum_of(ads: set[str], pictures: set[str]) -> str:
    if AD.READY in ads:
        return GENERATION.READY if ads <= {AD.READY, *OPEN_ADS} else GENERATION.PARTLY
    if PICTURE.FAILED in pictures or AD.FAILED in ads:
        return GENERATION.FAILED
    return GENERATION.REFUSED if PICTURE.REFUSED in pictures else GENERATION.CANCELLED


def _order_of(row: Generation | Picture | Ad) -> Generation:
    if isinstance(row, Generation):
        return row
    return row.generation if isinstance(row, Picture) else row.picture.generation
