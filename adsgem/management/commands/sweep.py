"""`manage.py sweep`: rings again for every row that is open and in nobody's hands. Any number of them may run."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adsgem import schema, sweeping
from generations import tasks


class Command(BaseCommand):
    """A plain loop and not a task of Celery's beat: it sweeps also while every worker has its hands full, or none is there."""

    help = "Ring the workers again for work that nobody is at, every SWEEP_SECONDS, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--once`."""
        parser.add_argument("--once", action="store_true", help="sweep one time, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until a signal comes."""
        if newer := schema.newer_than_code():
            raise CommandError(schema.sentence(newer), returncode=schema.NEWER)
        if options["once"]:
            tasks.sweep()
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        sweeping.sweep_until(stop)
