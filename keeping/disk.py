"""A folder that survives a power cut: temp file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from keeping.crashpoints import crashpoint


@deconstructible(path="keeping.disk.DurableStorage")
class DurableStorage(FileSystemStorage):
    """Files in a folder on this machine. A name is there whole or not at all, also after a power cut."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name as it is: names are hashes, so the same name is the same file."""
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            crashpoint("K5")
            Path(temporary).replace(target)
            crashpoint("K6")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        fsync(target.parent)  # the rename must reach the disk, too
        return name


def fsync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, has reached the disk. Windows cannot open folders and orders renames by itself."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
