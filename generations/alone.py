"""A row whose worker died once is made alone in a child process: if it is a poison pill, it takes nobody along (RELIABILITY: R-15)."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings
from django.db.models import F

from generations.models import Ad, Picture
from keeping import claims

log = logging.getLogger(__name__)

MEMORY = 2_000_000_000  # bytes above what Python and its libraries hold themselves
DATABASE_AWAY = 75  # the child's exit code when the database went away: sysexits.h, EX_TEMPFAIL
KINDS: dict[str, type[Picture] | type[Ad]] = {"picture": Picture, "ad": Ad}


def make_alone(row: Picture | Ad, *, seconds: float) -> None:
    """Hand a row that this worker has claimed to a child process, and wait for it. A child that dies counts as a death of the row."""
    kind = next(name for name, model in KINDS.items() if isinstance(row, model))
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "make_alone", kind, str(row.pk), str(row.attempt)]
    # The child holds the row by a heartbeat of its own, too, and is not tied to us: when this worker is killed, it ends what it began.
    with claims.held(row, at_most_seconds=seconds):
        child = subprocess.Popen(command)  # noqa: S603 - our own command
        try:
            code = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
    ours = type(row)._default_manager.filter(pk=row.pk, attempt=row.attempt).exclude(status__in=row.FINAL)
    if code == DATABASE_AWAY:  # no death; the child has put the row down, if it could
        ours.exclude(lease_until=None).update(lease_until=None, run_after=claims.after(claims.AWAY_SECONDS), pauses=F("pauses") + 1)
    elif code != 0:
        log.error("The process that made %s %s alone ended with %d", kind, row.pk, code)
        ours.update(lease_until=None, deaths=F("deaths") + 1, run_after=claims.after(0))


def limit_itself(seconds: float) -> None:
    """In the child: no more memory than one picture can need, and an end to it even when the work hangs in a library."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    timer = threading.Timer(seconds, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
