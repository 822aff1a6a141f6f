"""How rows move: a claim or a move is one conditional UPDATE on (id, status, attempt). The table MAY_FOLLOW is the documentation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Case, F, Func, Q, Value, When
from django.utils import timezone

from accounts.models import Brand
from generations.models import Ad, Claimed, Event, Generation, Picture
from generations.queries import OPEN_ADS, OPEN_PICTURES

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
log = logging.getLogger(__name__)


class DbNow(Func):
    """The database's clock in epoch milliseconds, for use inside an UPDATE."""

    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """Days since noon in Greenwich on 24 November 4714 BC, less those to 1970, as milliseconds."""
        return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", ()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """The wall clock, not the transaction's: a long transaction must not hold a lease back."""
        return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)", ()


def db_now() -> int:
    """The database's clock in epoch milliseconds."""
    sql, _ = getattr(DbNow(), f"as_{connection.vendor}")(None, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}")
        return int(cursor.fetchone()[0])


def claim(row: Row) -> bool:
    """Take a row into this worker's hands, if it is free, due and still as we saw it. A lease that ran out counts as a death."""
    free = Q(lease_until=None) | Q(lease_until__lt=DbNow())
    same = type(row).objects.filter(free, pk=row.pk, status=row.status, attempt=row.attempt, run_after__lte=DbNow())
    won = same.update(
        attempt=F("attempt") + 1,
        lease_until=DbNow() + Value(_milliseconds(settings.LEASE_SECONDS)),
        deaths=Case(When(lease_until__isnull=False, then=F("deaths") + 1), default=F("deaths"), output_field=models.PositiveIntegerField()),
    )
    if won:
        row.refresh_from_db(fields=["attempt", "lease_until", "deaths", "run_after", "status"])
    return bool(won)


def release(row: Row, *, after_seconds: float = 0.0, **fields: Any) -> bool:
    """Put a row down where it stands, to be taken again after some seconds. False when it is no longer ours."""
    ours = type(row).objects.filter(pk=row.pk, status=row.status, attempt=row.attempt)
    return bool(ours.update(lease_until=None, run_after=DbNow() + Value(_milliseconds(after_seconds)), **fields))


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


class Hold:
    """A claimed row in this worker's hands. `lost` is set when somebody else has it now: stop, and drop what you made."""

    def __init__(self) -> None:
        self.lost = threading.Event()
        self.done = threading.Event()


@contextmanager
def held(row: Row) -> Iterator[Hold]:
    """Renew a claimed row's lease from a thread with its own connection until the block ends."""
    hold = Hold()
    thread = threading.Thread(target=_beat, args=(type(row), row.pk, row.attempt, hold), daemon=True, name=f"lease-{row.pk}")
    thread.start()
    try:
        yield hold
    finally:
        hold.done.set()
        thread.join(timeout=5)


def _beat(model: type[Generation] | type[Picture] | type[Ad], pk: UUID, attempt: int, hold: Hold) -> None:
    try:
        while not hold.done.wait(settings.HEARTBEAT_SECONDS):
            ours = model.objects.filter(pk=pk, attempt=attempt).exclude(status__in=model.FINAL)
            try:
                renewed = ours.update(lease_until=DbNow() + Value(_milliseconds(settings.LEASE_SECONDS)))
            except DatabaseError:
                # The database may be back before the lease runs out; if not, the fence stops whatever we write late.
                log.warning("The lease of %s %s could not be renewed", model.__name__, pk, exc_info=True)
                connection.close()
                continue
            if not renewed:
                hold.lost.set()
                return
    finally:
        connection.close()


def _order_of(row: Generation | Picture | Ad) -> Generation:
    if isinstance(row, Generation):
        return row
    return row.generation if isinstance(row, Picture) else row.picture.generation


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
