"""How rows move: a claim or a move is one conditional UPDATE on (id, status, attempt). The table MAY_FOLLOW is the documentation.

Every transaction here takes its rows in one order (order, pictures, ads, brand, credits), so that two of them never wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts import ledger, outbox
from accounts.models import Brand
from generations.models import Ad, Event, Generation, Picture
from generations.queries import OPEN_ADS, OPEN_PICTURES
from keeping.claims import Claimed, Hold, claim, db_now, held, release
from keeping.crashpoints import crashpoint

__all__ = [
    "DAMAGED",
    "MAY_FOLLOW",
    "UNWRITTEN",
    "Hold",
    "cancel",
    "claim",
    "db_now",
    "end_pictures",
    "fail",
    "held",
    "move",
    "note",
    "refuse",
    "release",
    "reopen",
    "reopen_damaged",
    "settle",
    "tell_progress",
]

DAMAGED = "file_damaged"
GENERATION, PICTURE, AD = Generation.Status, Picture.Status, Ad.Status
UNWRITTEN = (GENERATION.WAITING, GENERATION.WRITING)

UNPAINTED: dict[str, Any] = {"status": PICTURE.WAITING, "progress": 0.0, "raw": None, "pixels": ""}

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

    A final status puts the row down and stamps its time. A picture that becomes ready is paid for in the same transaction; one that
    ends otherwise goes through `end_pictures`.
    """
    if to not in MAY_FOLLOW[type(row)].get(row.status, frozenset()):
        raise ValueError(f"{type(row).__name__} {row} cannot go from {row.status} to {to}.")
    if to in row.FINAL:
        fields = {"lease_until": None, "finished_at": timezone.now(), **fields}
    with transaction.atomic():
        same = type(row).objects.filter(pk=row.pk, status=row.status, attempt=row.attempt)
        won = bool(same.update(status=to, **fields))
        if won:
            note(_order_of(row), [(f"{type(row).__name__.lower()}.{to}", row.pk)])
            if isinstance(row, Picture) and to == PICTURE.READY:
                ledger.capture([row.pk])
            if to in row.FINAL:
                crashpoint("K16")
    if won:
        row.refresh_from_db()
    return won


def end_pictures(pictures: models.QuerySet[Picture], to: str, *, code: str = "", sentence: str = "", ads_to: str = AD.FAILED) -> list[UUID]:
    """End those of these pictures that are still open, with their open ads; their credits go back.

    A picture of which a file is ready already is ready itself, and paid: the file stays. Gives the ids of all that this call ended.
    One transaction; the pictures must belong to one order.
    """
    over: dict[str, Any] = {"lease_until": None, "finished_at": timezone.now()}
    ended = {**over, "error_code": code, "error_message": sentence[:400]}
    with transaction.atomic():
        rows = list(pictures.filter(status__in=OPEN_PICTURES).select_related("generation").select_for_update(of=("self",)).order_by("pk"))
        # The ads first: from here on no worker can make one of them ready, so that what we read next stays true.
        Ad.objects.filter(picture__in=rows, status__in=OPEN_ADS).update(status=ads_to, **ended)
        with_a_file = set(Ad.objects.filter(picture__in=rows, status=AD.READY).values_list("picture_id", flat=True))
        ids: dict[str, list[UUID]] = {to: [], PICTURE.READY: []}
        for row in rows:
            status, fields = (PICTURE.READY, over) if row.pk in with_a_file else (to, ended)
            # One by one and by the status seen, so that whoever finishes a picture in this moment either wins or finds it ended.
            if Picture.objects.filter(pk=row.pk, status=row.status).update(status=status, **fields):
                ids[status].append(row.pk)
        if not any(ids.values()):
            return []
        note(rows[0].generation, [(f"picture.{status}", pk) for status, pks in ids.items() for pk in pks])
        ledger.capture(ids[PICTURE.READY])
        ledger.void(ids[to])
    return [*ids[to], *ids[PICTURE.READY]]


def note(generation: Generation, happened: Sequence[tuple[str, UUID]]) -> None:
    """Write events, each a kind and the row it tells of, messages to the brand's webhooks, and an e-mail at the end. Call it inside their transaction.

    The brand's row keeps the numbers in order: a later event never becomes visible before an earlier one.
    """
    Brand.objects.filter(pk=generation.brand_id).update(event_seq=F("event_seq") + len(happened))
    last = Brand.objects.values_list("event_seq", flat=True).get(pk=generation.brand_id)
    first = last - len(happened) + 1
    Event.objects.bulk_create(
        Event(brand_id=generation.brand_id, seq=seq, kind=kind, object_id=pk, generation=generation)
        for seq, (kind, pk) in enumerate(happened, first)
    )
    if outbox.is_told(generation.brand_id, [kind for kind, _ in happened]):
        order = outbox.Order(generation.created_by_id, generation.brief.product, generation.created_at)
        for kind, pk in happened:
            told = {"generation": str(generation.pk), "status": kind.partition(".")[2], "client_ref": generation.client_ref}
            outbox.post(generation.brand_id, kind, pk, told, order=order)


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
    return _end(generation, GENERATION.CANCELLED, PICTURE.CANCELLED, AD.CANCELLED)


def fail(generation: Generation, *, code: str, sentence: str) -> bool:
    """End an order that cannot go on: what is ready stays, everything else fails with this sentence. False when it had ended already."""
    return _end(generation, GENERATION.FAILED, PICTURE.FAILED, AD.FAILED, code, sentence)


def refuse(generation: Generation, *, code: str, sentence: str) -> bool:
    """End an order that will not be made, for a reason in a sentence. False when it had ended already."""
    return _end(generation, GENERATION.REFUSED, PICTURE.REFUSED, AD.FAILED, code, sentence)


def _end(generation: Generation, to: str, picture_to: str, ad_to: str, code: str = "", sentence: str = "") -> bool:
    with transaction.atomic():
        unwritten = Generation.objects.filter(pk=generation.pk, status__in=UNWRITTEN).update(
            status=to, lease_until=None, finished_at=timezone.now(), error_code=code, error_message=sentence[:400]
        )
        ended = end_pictures(Picture.objects.filter(generation=generation), picture_to, code=code, sentence=sentence, ads_to=ad_to)
        if unwritten:
            note(generation, [(f"generation.{to}", generation.pk)])
    settle(generation)
    return bool(unwritten or ended)


def reopen_damaged(ad: Ad) -> bool:
    """Let an ad whose file was damaged on disk be finished once more. False when it is not one of those (any more).

    The way back from `generations.verify.mark_damaged`, and like it not in the table: the picture is ready and paid, only its file went.
    """
    with transaction.atomic():
        damaged = Ad.objects.filter(pk=ad.pk, status=AD.FAILED, error_code=DAMAGED)
        won = bool(damaged.update(status=AD.WAITING, error_code="", error_message="", finished_at=None, attempt=0, deaths=0, run_after=0))
        if won:
            note(ad.picture.generation, [("ad.waiting", ad.pk)])
    return won


def reopen(generation: Generation, pictures: Collection[UUID], *, deadline: int) -> list[UUID]:
    """Order those of these pictures once more that ended without being ready, and finish once more what failed of ready ones.

    What they cost is held again. Gives the ids of what is open again: pictures, and ads whose picture is ready. The second way out of a
    final status (see `reopen_damaged`), so not in the table: only a person takes it, never the work. Fencing numbers go on counting.
    Call it in a transaction. Raises NotEnoughCredits.
    """
    fresh: dict[str, Any] = {"lease_until": None, "finished_at": None, "run_after": 0, "deaths": 0, "error_code": "", "error_message": ""}
    # A worker that froze over it long ago must not fit any more, and the tries of before do not count.
    fresh |= {"attempt": F("attempt") + 1, "pauses": F("attempt") + 1}
    written = Generation.objects.filter(pk=generation.pk, plan_data__isnull=False).exists()
    to = GENERATION.MAKING if written else GENERATION.WAITING
    mine = Q(picture__in=pictures, picture__generation=generation, deleted_at=None, copy__undone_at=None)
    missing = Ad.objects.filter(mine, status__in=[AD.FAILED, AD.CANCELLED]).exclude(error_code=DAMAGED)
    ended = Generation.FINAL - {GENERATION.READY}
    same = Generation.objects.filter(pk=generation.pk, deleted_at=None, status__in=[*ended, GENERATION.MAKING])
    if not missing.exists() or not same.update(**fresh, status=to, deadline=deadline):
        return []
    unready = Picture.objects.filter(generation=generation, status__in=Picture.FINAL - {PICTURE.READY}, pk__in=missing.values("picture"))
    again = [
        row
        for row in unready.order_by("pk")
        if Picture.objects.filter(pk=row.pk, status=row.status).update(**fresh, **UNPAINTED, job_id=uuid4())
    ]
    files = list(missing.filter(picture__status=PICTURE.READY).values_list("pk", flat=True))
    opened = Q(pk__in=files) | Q(picture__in=again)
    Ad.objects.filter(opened, mine, status__in=[AD.FAILED, AD.CANCELLED]).update(**fresh, status=AD.WAITING)
    news = [(f"generation.{to}", generation.pk), *(("picture.waiting", row.pk) for row in again), *(("ad.waiting", pk) for pk in files)]
    note(generation, news)
    ledger.hold(generation.brand_id, {row.pk: row.credits for row in again}, note=f"Again: order {generation.pk.hex[:8]}", again=True)
    return [*(row.pk for row in again), *files]


def settle(generation: Generation) -> bool:
    """End an order of which nothing is open any more: ready, partly, failed, refused or cancelled. True when this call ended it."""
    generation.refresh_from_db(fields=["status", "attempt"])
    if generation.status != GENERATION.MAKING or Picture.objects.filter(generation=generation, status__in=OPEN_PICTURES).exists():
        return False
    ads = set(Ad.objects.filter(picture__generation=generation, deleted_at=None).values_list("status", flat=True))
    pictures = set(Picture.objects.filter(generation=generation).values_list("status", flat=True))
    return move(generation, _sum_of(ads, pictures))


def _sum_of(ads: Collection[str], pictures: Collection[str]) -> str:
    if not {AD.READY, *OPEN_ADS}.isdisjoint(ads):
        return GENERATION.READY if set(ads) <= {AD.READY, *OPEN_ADS} else GENERATION.PARTLY
    if PICTURE.FAILED in pictures or AD.FAILED in ads:
        return GENERATION.FAILED
    return GENERATION.REFUSED if PICTURE.REFUSED in pictures else GENERATION.CANCELLED


def _order_of(row: Generation | Picture | Ad) -> Generation:
    if isinstance(row, Generation):
        return row
    return row.generation if isinstance(row, Picture) else row.picture.generation
