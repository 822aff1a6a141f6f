"""Whether everything that must hold does hold, for every row and every file (RELIABILITY: the invariant checker after section 3).

Each question about rows is one statement, so that it sees one moment: it may be asked while everybody works.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit, ledger
from accounts.models import Brand, Transfer
from generations import queries, states
from generations.models import Ad, Generation, Picture, Step
from keeping import garbage, store
from keeping.claims import Claimed, after
from keeping.models import StoredFile

DAMAGED = "This file was damaged on our disk. Make it again: it costs nothing."
LINES_AT_MOST = 1000  # kept of each report; the rest is counted
AT_ONCE = 500
FEW = 3  # so many damaged files are mended whatever their share is
SPARE_SECONDS = 60  # nobody is blamed for what a sweep is about to do
SETTLING_SECONDS = 2.0
UNKNOWN_HOURS = 24  # a file without a row may have been written just before its row


@dataclass(frozen=True)
class Problem:
    """Something that must not be. `code` is for machines; `row` names the model and the id."""

    code: str
    row: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.row}: {self.sentence}"


@dataclass
class Report:
    """What was looked at, what is wrong, and what was wrong and is mended. At most LINES_AT_MOST of each are named; `counts` has all."""

    problems: list[Problem] = field(default_factory=list)
    repaired: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, problem: Problem, *, mended: bool) -> None:
        """Write one finding down."""
        lines, name = (self.repaired, "repaired") if mended else (self.problems, "problems")
        self.counts[name] += 1
        if len(lines) < LINES_AT_MOST:
            lines.append(problem)


Mend = Callable[[], object]  # mends one problem; true when it did
Found = Iterator[tuple[Problem, Mend | None]]
Row = TypeVar("Row", bound=models.Model)


def verify(*, rehash: bool | int = True, repair: bool = False, even_many: bool = False) -> Report:
    """Ask everything once. Gives the report; with `repair`, what can be mended without harm is mended on the way.

    `rehash` True reads every file and compares it with its name, False looks only whether each is there and as long as it should be; a
    number looks at so many files, picked at random, and reads those.

    Files are not mended when many are gone or damaged, unless `even_many`: then it is the disk that is missing, and not the files.
    """
    report = Report()
    report.counts.update(orders=Generation.objects.count(), pictures=Picture.objects.count(), ads=Ad.objects.count())
    looks = (_orders, _open_rows, _late_orders, _ads, _payments, _jobs, _events, _ledger, _audit)
    for found in (*(look() for look in looks), _files(report, rehash, even_many=even_many), _unknown_files(report)):
        for problem, mend in found:
            report.note(problem, mended=bool(repair and mend and mend()))
    return report


def mark_damaged(ad: Ad) -> bool:
    """A ready ad whose file is gone or damaged fails with a sentence, so that it can be made again. False when it is another file by now.

    The only way out of `ready`: the table MAY_FOLLOW knows none, since no work ever takes it. What was paid stays paid.
    """
    with transaction.atomic():
        ours = Ad.objects.filter(pk=ad.pk, status=Ad.Status.READY, file=ad.file_id)
        won = ours.update(status=Ad.Status.FAILED, file=None, lease_until=None, error_code=states.DAMAGED, error_message=DAMAGED)
        if won:
            # What is remembered of finishing it must not stand for a file that is no more.
            Step.objects.filter(ad=ad, output=ad.file_id).update(output=None)
            states.note(ad.picture.generation, [("ad.failed", ad.pk)])
    return bool(won)


def _orders() -> Found:
    """Orders that have ended have nothing open; orders that are being made have."""
    unsettled = set(queries.unsettled_generations().values_list("pk", flat=True)[:LINES_AT_MOST])
    if unsettled:
        time.sleep(SETTLING_SECONDS)  # a worker does it in the next moment: only what stays is wrong
    for generation in queries.unsettled_generations().filter(pk__in=unsettled):
        sentence = "it is being made, but nothing of it is open any more."
        yield Problem("unsettled", _name(generation), sentence), partial(states.settle, generation)
    open_pictures = Picture.objects.filter(generation=OuterRef("pk"), status__in=queries.OPEN_PICTURES)
    for generation in _each(Generation.objects.filter(Exists(open_pictures), status__in=Generation.FINAL)):
        yield Problem("open_picture_of_ended_order", _name(generation), f"it is {generation.status}, but has open pictures."), None


def _open_rows() -> Found:
    """Whatever is open is in a worker's hands, or can be taken: now or before its deadline."""
    beyond = Q(run_after__gt=after(settings.DEADLINE_SECONDS))
    open_rows: list[tuple[QuerySet[Any], Q]] = [
        (Generation.objects.filter(status__in=states.UNWRITTEN), Q(run_after__gt=F("deadline"))),
        (
            Picture.objects.filter(status__in=queries.OPEN_PICTURES, generation__status=Generation.Status.MAKING),
            Q(run_after__gt=F("generation__deadline")),
        ),
        (Ad.objects.filter(status__in=queries.OPEN_ADS, picture__status=Picture.Status.READY), beyond),
    ]
    for rows, late in open_rows:
        for row in _each(rows.filter(lease_until__gt=after(settings.LEASE_SECONDS + SPARE_SECONDS))):
            yield Problem("dead_lease", _name(row), "it is held for longer than any lease lasts: nobody is at it."), partial(_free, row)
        for row in _each(rows.filter(late)):
            yield Problem("after_deadline", _name(row), "its next try would come after its deadline."), partial(_free, row)


def _late_orders() -> Found:
    """Nothing is open for long after its deadline."""
    late = queries.overdue_generations(states.db_now() - SPARE_SECONDS * 1000)
    for generation in _each(late):
        yield Problem("overdue", _name(generation), f"it is still {generation.status} after its deadline. Does the sweep run?"), None


def _ads() -> Found:
    """A picture that ended without being ready, and was given back, has no open and no ready ads; new words over a ready one may well be open."""
    ended = Picture.FINAL - {Picture.Status.READY}
    for ad in _each(Ad.objects.filter(status=Ad.Status.READY, picture__status__in=ended).select_related("picture")):
        yield Problem("unpaid_file", _name(ad), f"it is ready, but its picture is {ad.picture.status} and was given back."), None
    for ad in _each(Ad.objects.filter(status__in=queries.OPEN_ADS, picture__status__in=ended).select_related("picture")):
        yield Problem("open_ad_of_ended_picture", _name(ad), f"it is {ad.status}, but its picture is {ad.picture.status}."), None
    for picture in _each(Picture.objects.filter(status=Picture.Status.READY, raw=None)):
        yield Problem("ready_without_file", _name(picture), "it is ready, but has no file."), None


def _payments() -> Found:
    """Every picture has one hold, and one more for each time it was ordered again after it had been given back.

    The last is captured when the picture is ready, given back when it ended otherwise, and open until then; all before it are given back.
    """
    counted: QuerySet[Any] = Picture.objects.annotate(holds=_transfers("hold"), captures=_transfers("capture"), voids=_transfers("void"))
    paths: list[tuple[Q, int, int, Callable[[list[Any]], int] | None]] = [
        (Q(status=Picture.Status.READY), 1, 1, ledger.capture),
        (Q(status__in=Picture.FINAL) & ~Q(status=Picture.Status.READY), 0, 0, ledger.void),
        (Q(status__in=queries.OPEN_PICTURES), 0, 1, None),
    ]
    for which, captures, unreturned, resolve in paths:
        right = Q(holds__gte=1, captures=captures, voids=F("holds") - unreturned)
        for picture in _each(counted.filter(which).exclude(right)):
            unresolved = picture.holds == picture.captures + picture.voids + 1 and not picture.captures and resolve is not None
            code = "unresolved" if unresolved else "wrong_credits"
            sentence = f"it is {picture.status} with {picture.holds} hold(s), {picture.captures} capture(s) and {picture.voids} void(s), not {captures} capture(s) and {max(0, picture.holds - unreturned)} void(s)."
            yield Problem(code, _name(picture), sentence), partial(resolve, [picture.pk]) if unresolved and resolve else None


def _jobs() -> Found:
    """No two ready pictures come from one job of an engine."""
    ready = Picture.objects.filter(status=Picture.Status.READY)
    # Grouped, since there is no index to ask picture by picture.
    shared = ready.order_by().values("job_id").annotate(number=Count("pk")).filter(number__gt=1).values("job_id")
    for picture in _each(ready.filter(job_id__in=shared)):
        yield Problem("shared_job", _name(picture), f"another ready picture has its job {picture.job_id}, too."), None


def _events() -> Found:
    """The events of a brand follow each other without a hole up to its newest number. Old ones may have been removed from the front."""
    told: QuerySet[Any] = Brand.objects.annotate(told=Count("events"), first=Min("events__seq"), last=Max("events__seq"))
    for brand in _each(told.filter(told__gt=0).exclude(told=F("last") - F("first") + 1, last=F("event_seq"))):
        sentence = f"its events {brand.first} to {brand.last} are {brand.told}, and the newest should be {brand.event_seq}."
        yield Problem("events_missing", _name(brand), sentence), None


def _ledger() -> Found:
    """The books balance."""
    for sentence in ledger.reconcile():
        yield Problem("ledger", "Ledger", sentence), None


def _audit() -> Found:
    """The log of who did what is whole and unchanged."""
    for sentence in audit.faults():
        yield Problem("audit", "Audit log", sentence), None


def _files(report: Report, rehash: bool | int, *, even_many: bool) -> Found:
    """Every row of a file has its file, and the file is what its name says."""
    everything = rehash is True or rehash is False
    some = _each(StoredFile.objects.all()) if everything else StoredFile.objects.order_by("?")[: int(rehash)]
    bad: list[tuple[StoredFile, str]] = []
    number = 0
    for stored in some:
        report.counts["files"] += 1
        fault = _fault(report, stored, read=rehash is not False)
        # A collector may have taken row and file since we read the row.
        if fault and StoredFile.objects.filter(pk=stored.pk).exists():
            number += 1
            if number <= LINES_AT_MOST:
                bad.append((stored, fault))
    looked = report.counts["files"]
    too_many = number > max(FEW, looked // 10) and not even_many
    if too_many or number > len(bad):
        sentence = f"{number} of {looked} files are gone or damaged. Is the disk or bucket the right one? If it is: --repair --even-many."
        yield Problem("many_files", "Store", sentence), None
    for stored, fault in bad:
        for ad in _each(Ad.objects.filter(file=stored, status=Ad.Status.READY).select_related("picture__generation")):
            yield (
                Problem("ad_file", _name(ad), f"it is ready, but its file {stored} is {fault}."),
                None if too_many else partial(mark_damaged, ad),
            )
        yield Problem("file", _name(stored), f"it is {fault}{_needed_by(stored)}."), None if too_many else partial(_remove, stored)


def _fault(report: Report, stored: StoredFile, *, read: bool) -> str:
    """What is wrong with a file, in words that follow "it is"; empty when nothing is."""
    digest = hashlib.sha256()
    try:
        size = store.size(stored)
        if size is None:
            return "gone"
        if size != stored.bytes:
            return f"damaged: {size} bytes and not {stored.bytes}"
        if not read:
            return ""
        report.counts.update(files_read=1, bytes_read=size)
        with store.open_file(stored) as file:
            for chunk in file.chunks():
                digest.update(chunk)
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        return f"damaged: it cannot be read ({error.strerror or type(error).__name__})"
    return "" if digest.hexdigest() == stored.sha256 else "damaged: its bytes are not those it was named after"


def _unknown_files(report: Report) -> Found:
    """Files that no row knows are taken away by the collector; old ones say that it does not run."""
    old = timezone.now() - timedelta(hours=UNKNOWN_HOURS)
    for orphan in garbage.orphans():
        report.counts["files_without_row"] += 1
        if orphan.modified < old:
            yield Problem("unknown_file", f"File {orphan.name}", "no row knows it, for more than a day. Does the collector run?"), None


def _needed_by(stored: StoredFile) -> str:
    """Which rows point at a file: the first of each kind."""
    rows = [pointer.model._base_manager.filter(**{pointer.name: stored.pk}).first() for pointer in garbage.pointers()]
    return ", and needed by " + ", ".join(dict.fromkeys(_name(row) for row in rows if row)) if any(rows) else ""


def _remove(stored: StoredFile) -> bool:
    """Take a bad file away, if nothing needs it: the same bytes would be kept under its name again, and found there."""
    try:
        return garbage.remove(stored)
    except garbage.Busy:
        return False


def _free(row: Claimed) -> int:
    """Put a row down so that the next worker takes it, if it still stands as we saw it."""
    same = type(row)._default_manager.filter(pk=row.pk, status=row.status, attempt=row.attempt)  # type: ignore[misc] # each claimed row has a status
    return same.filter(lease_until=row.lease_until).update(lease_until=None, run_after=0)


def _transfers(kind: str) -> Coalesce:
    rows = Transfer.objects.filter(kind=kind, object_id=OuterRef("pk")).order_by().values("object_id")
    return Coalesce(Subquery(rows.annotate(number=Count("pk")).values("number")), 0)


def _each(rows: QuerySet[Row]) -> Iterator[Row]:
    """These rows by their key, some at a time: little memory for any number of them, and no open cursor in the way of our own writes."""
    last = None
    while some := list((rows.filter(pk__gt=last) if last else rows).order_by("pk")[:AT_ONCE]):
        yield from some
        last = some[-1].pk


def _name(row: models.Model) -> str:
    return f"{type(row).__name__} {row.pk}"
