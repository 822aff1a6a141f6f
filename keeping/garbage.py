"""What nobody needs any more goes: rows that nothing points at, files without a row, drafts of files that were never finished."""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from django.core.files.storage import default_storage
from django.db import DatabaseError, IntegrityError, connection, router, transaction
from django.db.models import Exists, ForeignKey, ManyToOneRel, OuterRef, Q, QuerySet

from keeping.claims import DbNow, after, db_now
from keeping.models import Pause, StoredFile
from keeping.thumbs import SIZES

log = logging.getLogger(__name__)

PAUSE_SECONDS, RENEW_SECONDS = 120.0, 20.0
# Only names of our own making are ever taken away: a bucket may hold other things, too.
KEPT = re.compile(r"(?:[0-9a-f]{2}|thumbs/[a-z]+/[0-9a-f]{2})/([0-9a-f]{64})\.[a-z0-9]+")
LEFT_OVER = re.compile(r"(?:[0-9a-f]{2}|thumbs/[a-z]+/[0-9a-f]{2}|health)/\.\w+\.part|health/\w{32}")
# A draft younger than this may be in somebody's hands, whatever was asked for: no file takes longer to write.
DRAFT = timedelta(hours=1)
AT_ONCE = 500  # rows or names asked for in one query


class Busy(Exception):
    """Something else holds the store. The message is a sentence."""


@dataclass(frozen=True)
class Collected:
    """What was taken away."""

    rows: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(self.rows + other.rows, self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True)
class Orphan:
    """A file in the store that no row knows. `sha256` is empty for drafts and probes."""

    name: str
    sha256: str
    modified: datetime


def collect(*, older_than_hours: float = 24) -> Collected:
    """Take away what nobody pointed at, and nobody asked to keep, for so many hours. Ends early while a backup is made.

    May run beside `store.keep`, on several machines at once: each removal is guarded by itself (see `_take_row`, `_take_files`).
    """
    now = datetime.fromtimestamp(db_now() / 1000, UTC)
    cutoff = now - timedelta(hours=older_than_hours)
    done = Collected()
    try:
        for stored in _each(unused(StoredFile.objects.filter(kept_at__lt=cutoff))):
            if _take_row(stored, cutoff):
                done += Collected(rows=1) + _take_files(stored.sha256, names_of(stored))
        for orphan in orphans():
            if orphan.modified < (cutoff if orphan.sha256 else min(cutoff, now - DRAFT)):
                done += _take_files(orphan.sha256, [orphan.name])
    except Busy:
        log.info("A backup is being made: the rest is collected next time.")
    return done


def unused(rows: QuerySet[StoredFile]) -> QuerySet[StoredFile]:
    """Those of these rows that no row of any model points at."""
    for pointer in pointers():
        rows = rows.filter(~Exists(pointer.model._base_manager.filter(**{pointer.name: OuterRef("pk")})))
    return rows


def pointers() -> list[ForeignKey[StoredFile, StoredFile]]:
    """Every foreign key of any model that points at a kept file; also those whose `related_name` hides them."""
    fields = StoredFile._meta.get_fields(include_hidden=True)
    return [field.field for field in fields if isinstance(field, ManyToOneRel)]


def names_of(stored: StoredFile) -> list[str]:
    """The file of this row and its small versions, as the store names them; those may not have been made."""
    return [stored.name, *(f"thumbs/{size}/{stored.sha256[:2]}/{stored.sha256}.webp" for size in SIZES)]


def orphans() -> Iterator[Orphan]:
    """Every file of our making in the store that has no row, with its age; a folder at a time, in constant memory."""
    for folder in _folders():
        names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            found = {name: match[1] for name in some if (match := KEPT.fullmatch(name))}
            known = set(StoredFile.objects.filter(pk__in=set(found.values())).values_list("pk", flat=True))
            for name in (name for name in some if _unknown(name, found, known)):
                if modified := _modified(name):
                    yield Orphan(name, found.get(name, ""), modified)


def remove(stored: StoredFile) -> bool:
    """Take this row and its files away at once, if nothing points at it. For a file that is damaged. Raises Busy during a backup."""
    if not _take_row(stored, None):
        return False
    _take_files(stored.sha256, names_of(stored))
    return True


@contextmanager
def paused() -> Iterator[None]:
    """Nothing is collected inside the block. Raises Busy when another one is running, or when the pause was lost on the way.

    A thread renews it from its own connection: a backup that is killed pauses nothing for longer than PAUSE_SECONDS.
    """
    holder = uuid.uuid4()
    Pause.objects.get_or_create(pk=Pause.ONLY)
    if not Pause.objects.filter(until__lt=DbNow()).update(holder=holder, until=after(PAUSE_SECONDS)):
        raise Busy("Another backup is running, or was stopped less than two minutes ago. Try again when it has ended.")
    mine, done = Pause.objects.filter(holder=holder), threading.Event()
    thread = threading.Thread(target=_renew, args=(mine, done), daemon=True, name="pause")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        kept = mine.filter(until__gte=DbNow()).update(until=0, holder=None)
    if not kept:
        raise Busy("Files may have been removed during this backup, since the database could not be reached for a while. Make another one.")


def _renew(mine: QuerySet[Pause], done: threading.Event) -> None:
    try:
        while not done.wait(RENEW_SECONDS):
            try:
                # Not once it has run out: a collector may have been at work since.
                mine.filter(until__gte=DbNow()).update(until=after(PAUSE_SECONDS))
            except DatabaseError:
                log.warning("The pause of the collector could not be renewed", exc_info=True)
                connection.close()
    finally:
        connection.close()


def _each(rows: QuerySet[StoredFile]) -> Iterator[StoredFile]:
    """These rows, some at a time: an open cursor would be in the way of our own writes on SQLite."""
    last = ""
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield from some
        last = some[-1].pk


def _unknown(name: str, found: dict[str, str], known: set[str]) -> bool:
    return found[name] not in known if name in found else bool(LEFT_OVER.fullmatch(name))


def _modified(name: str) -> datetime | None:
    """When a file was written; None when it was renamed or taken since its name was read. Each kind of store says that in its own way."""
    try:
        return default_storage.get_modified_time(name)
    except Exception:
        if default_storage.exists(name):
            raise
        return None


def _take_row(stored: StoredFile, cutoff: datetime | None) -> bool:
    """Delete a row by one conditional DELETE. False when somebody points at it, or asked to keep it again."""
    old = Q(kept_at__lt=cutoff) if cutoff else Q()
    rows = unused(StoredFile.objects.filter(old, pk=stored.pk))
    try:
        with transaction.atomic():
            _not_during_a_backup()
            return bool(rows._raw_delete(router.db_for_write(StoredFile)))
    except IntegrityError:
        return False  # a row that points here was written while we deleted: its foreign key protects the file


def _take_files(sha256: str, names: list[str]) -> Collected:
    """Delete files whose name has no row, while nobody can write such a row.

    The name is held by a row of our own that is never committed. Who writes the same row waits for us (or we for him, and then leave the
    file), and looks for the file afterwards. So a crash here leaves a file too many, never a row too many.
    """
    gone = Collected()
    try:
        with transaction.atomic():
            _not_during_a_backup()
            if sha256:
                StoredFile.objects.create(sha256=sha256, bytes=0, type="")
            for name in names:
                try:
                    size = default_storage.size(name)
                except FileNotFoundError:
                    continue
                default_storage.delete(name)
                gone += Collected(files=1, bytes=size)
            transaction.set_rollback(True)
    except IntegrityError:
        return Collected()
    return gone


def _not_during_a_backup() -> None:
    """Raises Busy while a backup is made. None can begin before the transaction in which this is called has ended."""
    Pause.objects.get_or_create(pk=Pause.ONLY)
    if Pause.objects.select_for_update().get(pk=Pause.ONLY).until >= db_now():
        raise Busy("A backup is being made. Try again when it has ended.")


def _folders() -> Iterator[str]:
    """The folders of the store that hold files of ours."""
    inside = [("", r"[0-9a-f]{2}|health"), *((f"thumbs/{size}/", r"[0-9a-f]{2}") for size in SIZES)]
    for parent, wanted in inside:
        try:
            folders = default_storage.listdir(parent.rstrip("/"))[0]
        except FileNotFoundError:
            continue
        yield from (str(PurePosixPath(parent) / name) for name in sorted(folders) if re.fullmatch(wanted, name))
