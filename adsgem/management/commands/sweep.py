"""`manage.py sweep`: rings again for every row that is open and in nobody's hands. Any number of them may run."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections, connection

from adsgem import schema
from adsgem.celery import app
from generations import rates, tasks
from generations.verify import verify
from keeping import garbage

log = logging.getLogger("adsgem.sweep")
HOUR = 60 * 60
SAMPLE = 200  # files that are read again each hour


class Command(BaseCommand):
    """A plain loop and not a task of Celery's beat: it sweeps also while every worker has its hands full."""

    help = "Ring the workers again for work that nobody is at, every SWEEP_SECONDS, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--once`."""
        parser.add_argument("--once", action="store_true", help="sweep one time, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until a signal comes. An error costs one round, not the loop."""
        if newer := schema.newer_than_code():
            raise CommandError(schema.sentence(newer), returncode=schema.NEWER)
        if options["once"]:
            tasks.sweep()
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        house = threading.Thread()
        while not stop.is_set():
            try:
                close_old_connections()
                tasks.sweep()
                if not house.is_alive() and rates.take("hourly", seconds=HOUR):
                    house = threading.Thread(target=keep_house, daemon=True)
                    house.start()
            except Exception:
                log.exception("A sweep did not work. The next one comes in %g seconds.", settings.SWEEP_SECONDS)
            stop.wait(settings.SWEEP_SECONDS)


def keep_house() -> None:
    """Once an hour, in one of all processes that sweep: old results and unneeded files go, and everything is looked over."""
    try:
        app.backend.cleanup()  # Celery's results are kept for CELERY_RESULT_EXPIRES
        garbage.collect()
        report = verify(rehash=SAMPLE, repair=True)
        for problem in (*report.problems, *report.repaired):
            log.error("%s: %s", "Mended" if problem in report.repaired else "Wrong", problem)
    except Exception:
        log.exception("The hourly round did not work.")
    finally:
        connection.close()
