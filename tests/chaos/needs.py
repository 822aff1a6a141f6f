"""What a chaos test needs of the machine. At home a test without it is skipped, with the name of what is missing; where CI is set, it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

PROGRAMS = "initdb", "pg_ctl", "pg_dump", "psql"


def needs(*names: str) -> None:
    """Skip the test that asks, or fail it where CI is set, when this machine misses one of root, tmpfs, strace, faketime, postgres-server."""
    missing = [name for name in names if not THERE[name]()]
    if missing:
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end(f"This machine misses: {', '.join(missing)}.")


@cache
def postgres_programs() -> Path | None:
    """The folder with PostgreSQL's own programs, the newest one that has all of them; None when there is none."""
    folders = [Path(found).resolve().parent for found in [shutil.which("pg_ctl")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return next((folder for folder in folders if all((folder / name).exists() for name in PROGRAMS)), None)


@cache
def _tmpfs() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        mounted = (
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False).returncode == 0
        )
        return mounted and subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0


@cache
def _strace() -> bool:
    """It is there, and may trace here."""
    return _runs("strace", "-o", os.devnull, "true")


@cache
def _faketime() -> bool:
    return _runs("faketime", "-f", "+2h", "true")


def _runs(*command: str) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


THERE: dict[str, Callable[[], bool]] = {
    "root": lambda: os.geteuid() == 0,
    "tmpfs": _tmpfs,
    "strace": _strace,
    "faketime": _faketime,
    "postgres-server": lambda: postgres_programs() is not None and (os.geteuid() != 0 or shutil.which("runuser") is not None),
}
