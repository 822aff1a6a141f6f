"""The store: files named by their own hash, a row only after its file exists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models.functions import Now

from keeping.models import StoredFile


class StoreUnavailable(OSError):
    """The store cannot take or give files now: a full or broken disk, an S3 that does not answer. Later it may be able to."""


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except _troubles() as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


@cache
def _troubles() -> tuple[type[Exception], ...]:
    """What a store raises that does not work."""
    if isinstance(default_storage, FileSystemStorage):  # asking for its class also sets up the lazy storage
        return (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError  # only where files are on S3

    return (OSError, BotoCoreError, ClientError)


def keep(
    data: bytes,
    *,
    type: str,  # noqa: A002 - the row's own word
    width: int | None = None,
    height: int | None = None,
) -> StoredFile:
    """Keep these bytes and give their row; the same bytes twice are one file and one row.

    `type` is a media type of `StoredFile.EXTENSIONS`. Raises StoreUnavailable when the store cannot take the file.
    """
    # The race with the collector (keeping/garbage.py). It takes a row away that nothing points at and that nobody asked to keep for a
    # while, and after that, the file; it never takes a file while a row of its name exists or is being written. So:
    # - The row is there: make it young in one UPDATE. Either the collector's DELETE came first and we find no row, or it finds a young one.
    # - No row: write the file first, also when one lies there, since a collector may be about to take that one away. Our INSERT then waits
    #   for a collector that has the name in its hands.
    # - After UPDATE or INSERT no collector can touch the file any more. What one took between our write and our row is missing now: look
    #   once more, and write it again.
    sha256 = hashlib.sha256(data).hexdigest()
    facts = {"bytes": len(data), "type": type, "width": width, "height": height}
    with transaction.atomic():
        young = StoredFile.objects.filter(pk=sha256).update(kept_at=Now())
        row = StoredFile.objects.get(pk=sha256) if young else None
    if row is None:
        _write(StoredFile(sha256=sha256, **facts).name, data)
        row, _ = StoredFile.objects.get_or_create(sha256=sha256, defaults=facts)
    if size(row) != len(data):
        _write(row.name, data)
    return row


def _write(name: str, data: bytes) -> None:
    with _asking():
        default_storage.save(name, ContentFile(data))


def size(stored: StoredFile) -> int | None:
    """How many bytes the file really has; None when it is gone. Raises StoreUnavailable."""
    try:
        with _asking():
            return int(default_storage.size(stored.name))
    except FileNotFoundError:
        return None


def read(stored: StoredFile) -> bytes:
    """The file's bytes. Raises FileNotFoundError when it is gone, and StoreUnavailable."""
    with _asking(), default_storage.open(stored.name, "rb") as file:
        data: bytes = file.read()
    return data


def open_file(stored: StoredFile) -> File[Any]:
    """The file, open for reading: for streaming it to a person."""
    return default_storage.open(stored.name, "rb")
