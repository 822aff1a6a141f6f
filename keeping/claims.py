"""How a worker holds a row: a claim is one conditional UPDATE by the database's clock, a lease is renewed while the work goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, models
from django.db.models import Case, F, Func, Q, Value, When

log = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)  # what a database that went away makes of a question
AWAY_SECONDS = 2.0  # before a row is tried again whose work was stopped by a database that went away


class Claimed(models.Model):
    """The columns by which a worker holds a row. Times are epoch milliseconds of the database's clock.

    A row that is claimed also has a `status`, and says in `FINAL` after which of them nothing more happens.
    """

    attempt = models.PositiveIntegerField(default=0, editable=False, help_text="The fencing number: one more at each claim.")
    lease_until = models.BigIntegerField(null=True, blank=True, editable=False)
    deaths = models.PositiveIntegerField(default=0, editable=False, help_text="How often a lease ran out.")
    pauses = models.PositiveIntegerField(default=0, editable=False, help_text="Claims that ended in an outage; they do not count as tries.")
    run_after = models.BigIntegerField(default=0, editable=False)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=400, blank=True, help_text="A sentence for the marketer.")

    FINAL: ClassVar[frozenset[Any]]
    status: Any

    class Meta:
        abstract = True

    @property
    def tries(self) -> int:
        """How often it was really tried: an outage of somebody else is no try of ours."""
        return max(0, self.attempt - self.pauses)


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


def in_nobodys_hands(now: int) -> Q:
    """Rows that are due and that no worker holds, at `now` of the database's clock."""
    return Q(run_after__lte=now) & (Q(lease_until=None) | Q(lease_until__lt=now))


Row = TypeVar("Row", bound=Claimed)


def claim(row: Row) -> bool:
    """Take a row into this worker's hands, if it is free, due and still as we saw it. A lease that ran out counts as a death."""
    free = Q(lease_until=None) | Q(lease_until__lt=DbNow())
    same = _rows(row).filter(free, pk=row.pk, status=row.status, attempt=row.attempt, run_after__lte=DbNow())
    won = same.update(
        attempt=F("attempt") + 1,
        lease_until=after(settings.LEASE_SECONDS),
        deaths=Case(When(lease_until__isnull=False, then=F("deaths") + 1), default=F("deaths"), output_field=models.PositiveIntegerField()),
    )
    if won:
        try:
            row.refresh_from_db(fields=["attempt", "lease_until", "deaths", "pauses", "run_after", "status"])
        except AWAY:
            row.attempt += 1  # nobody else can have it under this number
            _put_down_when_it_answers(row)
            raise
    return bool(won)


def release(row: Row, *, after_seconds: float = 0.0, **fields: Any) -> bool:
    """Put a row down where it stands, to be taken again after some seconds. False when it is no longer ours."""
    ours = _rows(row).filter(pk=row.pk, status=row.status, attempt=row.attempt)
    return bool(ours.update(lease_until=None, run_after=after(after_seconds), **fields))


def after(seconds: float) -> Any:
    """So many seconds from now by the database's clock, for use inside an UPDATE."""
    return DbNow() + Value(round(seconds * 1000))


class Hold:
    """A claimed row in this worker's hands. `lost` is set when it is not any more: stop, and drop what you made."""

    def __init__(self) -> None:
        self.lost = threading.Event()
        self.done = threading.Event()


@contextmanager
def held(row: Row, *, at_most_seconds: float) -> Iterator[Hold]:
    """Renew a claimed row's lease from a thread with its own connection until the block ends, or until `at_most_seconds` are over.

    Work that hangs must not hold its row for ever: after that time the lease runs out, and another worker takes the row. A database that
    went away in the block is neither a death nor a try of ours: the row is put down as soon as it answers again.
    """
    hold = Hold()
    thread = threading.Thread(target=_beat, args=(row, hold, at_most_seconds), daemon=True, name=f"lease-{row.pk}")
    thread.start()
    try:
        yield hold
    except AWAY:
        _put_down_when_it_answers(row)
        raise
    finally:
        hold.done.set()
        thread.join(timeout=5)


def _put_down_when_it_answers(row: Claimed) -> None:
    deadline = time.monotonic() + settings.LEASE_SECONDS
    while not connection.in_atomic_block and time.monotonic() < deadline:
        connection.close()
        try:
            _ours(row).update(lease_until=None, run_after=after(AWAY_SECONDS), pauses=F("pauses") + 1)
        except DatabaseError:
            time.sleep(settings.HEARTBEAT_SECONDS)
        else:
            return


def _beat(row: Claimed, hold: Hold, at_most_seconds: float) -> None:
    ours = _ours(row).exclude(lease_until=None)  # a row that was put down already must not look held again
    began = time.monotonic()
    try:
        while not hold.done.wait(settings.HEARTBEAT_SECONDS):
            if time.monotonic() - began > at_most_seconds:
                log.error("%s %s took longer than %d s and is given up", type(row).__name__, row.pk, at_most_seconds)
                hold.lost.set()
                return
            try:
                renewed = ours.update(lease_until=after(settings.LEASE_SECONDS))
            except DatabaseError:
                # The database may be back before the lease runs out; if not, the fence stops whatever we write late.
                log.warning("The lease of %s %s could not be renewed", type(row).__name__, row.pk, exc_info=True)
                connection.close()
                continue
            if not renewed:
                hold.lost.set()
                return
    finally:
        connection.close()


def _ours(row: Claimed) -> models.QuerySet[Any]:
    """This row, while it is open and still under the number by which we took it."""
    return _rows(row).filter(pk=row.pk, attempt=row.attempt).exclude(status__in=row.FINAL)  # type: ignore[misc] # each claimed row has a status


def _rows(row: Row) -> models.QuerySet[Row]:
    return type(row)._default_manager.all()
