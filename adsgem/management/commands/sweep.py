"""`manage.py sweep`: rings again for every row that is open and in nobody's hands. Any number of them may run."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from adsgem.celery import app
from generations import tasks

log = logging.getLogger("adsgem.sweep")
TIDY_SECONDS = 60 * 60


class Command(BaseCommand):
    """A plain loop and not a task of Celery's beat: it sweeps also while every worker has its hands full."""

    help = "Ring the workers again for work that nobody is at, every SWEEP_SECONDS, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--once`."""
        parser.add_argument("--once", action="store_true", help="sweep one time, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until a signal comes. An error costs one round, not the loop."""
        if options["once"]:
            tasks.sweep()
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        tidied = time.monotonic() - TIDY_SECONDS + 60
        while not stop.is_set():
            try:
                close_old_connections()
                tasks.sweep()
                if time.monotonic() - tidied >= TIDY_SECONDS:
                    tidied = time.monotonic()
                    app.backend.cleanup()  # Celery's results are kept for CELERY_RESULT_EXPIRES
            except Exception:
                log.exception("A sweep did not work. The next one comes in %g seconds.", settings.SWEEP_SECONDS)
            stop.wait(settings.SWEEP_SECONDS)
