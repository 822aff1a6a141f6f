"""How things stand, in numbers: for Prometheus and for the staff's board. Each figure is asked in one statement that an index serves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import Now

from accounts.models import CreditAccount, Delivery, Message
from comfy.models import Server
from generations import queries
from generations.models import Ad, Breaker, Generation, Picture, Step
from keeping import room
from keeping.claims import DbNow, db_now
from keeping.models import StoredFile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUANTILES = (0.5, 0.95)
RESTING = Q(open_until__gt=DbNow())


class Figure(NamedTuple):
    """One number: its name, what tells it from others of that name, and what it means."""

    name: str
    labels: dict[str, str]
    value: float
    meaning: str


def figures() -> Iterator[Figure]:
    """All of them, as they are now."""
    yield from _open_rows()
    yield from _waiting()
    yield from _ended()
    yield from _steps()
    yield from _outside()
    yield from _money()
    yield from _store()


def _open_rows() -> Iterator[Figure]:
    """What is open, by where it stands."""
    meaning = "Rows that are open, by where they stand."
    for model, statuses in ((Generation, queries.OPEN_GENERATIONS), (Picture, queries.OPEN_PICTURES), (Ad, queries.OPEN_ADS)):
        counts = model.objects.filter(status__in=statuses).order_by().values_list("status").annotate(Count("pk"))
        found = dict.fromkeys((str(status) for status in statuses), 0) | dict(counts)
        for status, number in found.items():
            yield Figure("adsgem_open", {"kind": model.__name__.lower(), "status": status}, number, meaning)
    by_engine = Picture.objects.filter(status__in=queries.OPEN_PICTURES).order_by().values_list("engine").annotate(Count("pk"))
    for engine, number in by_engine:
        yield Figure("adsgem_open_pictures", {"engine": engine}, number, "Pictures that are open, by the engine that paints them.")


def _waiting() -> Iterator[Figure]:
    """For how long the oldest has waited: the number to scale workers by."""
    now = db_now()
    oldest = {
        "words": Generation.objects.filter(status=Generation.Status.WAITING).aggregate(oldest=Min("created_at"))["oldest"],
        "pictures": Picture.objects.filter(status=Picture.Status.WAITING, generation__status=Generation.Status.MAKING).aggregate(
            oldest=Min("created_at")
        )["oldest"],
        "files": queries.open_ads(now).aggregate(oldest=Min("created_at"))["oldest"],
    }
    for queue, since in oldest.items():
        waited = max(0.0, now / 1000 - since.timestamp()) if since else 0.0
        yield Figure("adsgem_queue_age_seconds", {"queue": queue}, round(waited, 1), "For how long the oldest that waits has waited.")


def _ended() -> Iterator[Figure]:
    """What ended in the last hour, and why not."""
    ended = Picture.objects.filter(finished_at__gt=Now() - HOUR).order_by().values_list("status", "engine").annotate(Count("pk"))
    for status, engine, number in ended:
        meaning = "Pictures that ended within the last hour."
        yield Figure("adsgem_pictures_last_hour", {"status": status, "engine": engine}, number, meaning)
    failed = Picture.objects.filter(finished_at__gt=Now() - HOUR, status=Picture.Status.FAILED).order_by()
    for code, number in failed.values_list("error_code").annotate(Count("pk")):
        yield Figure(
            "adsgem_failures_last_hour", {"code": code or "unknown"}, number, "Pictures that failed within the last hour, by reason."
        )


def _steps() -> Iterator[Figure]:
    """How long steps took in the last hour."""
    took: dict[tuple[str, str], list[float]] = {}
    recent = Step.objects.filter(created_at__gt=Now() - HOUR, error="").order_by("-created_at").values_list("kind", "who", "seconds")
    for kind, who, seconds in recent[:5000]:
        took.setdefault((kind, who), []).append(seconds)
    for (kind, who), every in sorted(took.items()):
        every.sort()
        for quantile in QUANTILES:
            value = every[min(len(every) - 1, int(quantile * len(every)))]
            meaning = "Seconds that a step took within the last hour (of the newest 5,000 steps)."
            yield Figure("adsgem_step_seconds", {"kind": kind, "who": who, "quantile": str(quantile)}, round(value, 3), meaning)


def _outside() -> Iterator[Figure]:
    """Whether what is outside works, and what waits to be told."""
    for name, is_open in Breaker.objects.values_list("name").annotate(open=Count("pk", filter=RESTING)):
        yield Figure("adsgem_breaker_open", {"name": name}, is_open, "1 while an engine or the store is left in peace.")
    for name, resting in Server.objects.values_list("name").annotate(resting=Count("pk", filter=RESTING)):
        yield Figure("adsgem_server_resting", {"server": name}, resting, "1 while a ComfyUI server is left in peace.")
    for name, taken in Server.objects.values_list("name").annotate(taken=Count("jobs__seat")):
        yield Figure("adsgem_server_jobs", {"server": name}, taken, "Seats of a ComfyUI server that are taken.")
    letters = {"webhook": Delivery.objects.exclude(status__in=Delivery.FINAL), "email": Message.objects.exclude(status__in=Message.FINAL)}
    for kind, rows in letters.items():
        yield Figure("adsgem_outbox_waiting", {"kind": kind}, rows.count(), "Messages that have not arrived yet.")


def _money() -> Iterator[Figure]:
    """Money, GPU time and tokens of a day, and all credits."""
    used = Step.objects.filter(created_at__gt=Now() - DAY).order_by().values_list("who")
    for who, micro_usd, gpu, tokens in used.annotate(Sum("micro_usd"), Sum("gpu_seconds"), Sum("tokens")):
        if micro_usd or gpu or tokens:
            yield Figure("adsgem_cost_usd_last_day", {"who": who}, micro_usd / 1_000_000, "Money that was paid within a day.")
            yield Figure("adsgem_gpu_seconds_last_day", {"who": who}, round(gpu, 1), "GPU seconds that were used within a day.")
            yield Figure("adsgem_tokens_last_day", {"who": who}, tokens, "Tokens that were used within a day.")
    for kind, total in CreditAccount.objects.order_by().values_list("kind").annotate(Sum("balance")):
        yield Figure("adsgem_credits", {"kind": kind}, total, "Credits, by where they lie.")


def _store() -> Iterator[Figure]:
    """What is kept, and how much room there is."""
    kept = StoredFile.objects.aggregate(number=Count("pk"), total=Sum("bytes"))
    yield Figure("adsgem_files", {}, kept["number"], "Files that are kept.")
    yield Figure("adsgem_files_bytes", {}, kept["total"] or 0, "Bytes of all files that are kept.")
    yield Figure("adsgem_free_bytes", {}, room.free_bytes(), "Free bytes of the fullest disk.")
