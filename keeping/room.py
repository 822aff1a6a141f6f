"""Whether there is room for more files. New work stops while what is being made can still be kept."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

NO_ROOM = "There is no room left on this machine for new pictures. Ask whoever runs it to free some space, then try again."
LOOK_EVERY = 1.0  # seconds: every order asks, and the disk does not fill up faster than that

_seen: tuple[float, int] | None = None


def enough_room() -> bool:
    """Whether new work may begin: KEEP_FREE_BYTES are free where files and database lie."""
    return free_bytes() >= settings.KEEP_FREE_BYTES


def free_bytes() -> int:
    """The free bytes of the fullest of our disks, at most a second old; `sys.maxsize` when none of them is on this machine."""
    global _seen  # noqa: PLW0603 - one number for the whole process is the point
    now = time.monotonic()
    if _seen is None or now - _seen[0] >= LOOK_EVERY:
        _seen = now, min((shutil.disk_usage(_there(place)).free for place in _places()), default=sys.maxsize)
    return _seen[1]


def _places() -> list[Path]:
    """Folders on this machine that we fill. What S3 and PostgreSQL hold is not ours to measure."""
    places = []
    if isinstance(default_storage, FileSystemStorage):
        places.append(Path(default_storage.location))
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        places.append(Path(database["NAME"]).parent)
    return places


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists: the disk is the same."""
    return next(path for path in (folder, *folder.parents) if path.exists())
