"""The store: files named by their own hash, a row only after its file exists."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from keeping.models import StoredFile


def keep(
    data: bytes,
    *,
    type: str,  # noqa: A002 - the row's own word
    width: int | None = None,
    height: int | None = None,
) -> StoredFile:
    """Keep these bytes and give their row; the same bytes twice are one file and one row.

    `type` is a media type of `StoredFile.EXTENSIONS`. Raises OSError when the store cannot take the file.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    stored = StoredFile(sha256=sha256, bytes=len(data), type=type, width=width, height=height)
    if not default_storage.exists(stored.name) or default_storage.size(stored.name) != len(data):
        default_storage.save(stored.name, ContentFile(data))
    row, _ = StoredFile.objects.get_or_create(sha256=sha256, defaults={"bytes": len(data), "type": type, "width": width, "height": height})
    return row


def read(stored: StoredFile) -> bytes:
    """The file's bytes. Raises FileNotFoundError when it is gone."""
    with default_storage.open(stored.name, "rb") as file:
        data: bytes = file.read()
    return data


def open_file(stored: StoredFile) -> File[Any]:
    """The file, open for reading: for streaming it to a person."""
    return default_storage.open(stored.name, "rb")
