"""`manage.py make_alone`: the child process in which a worker makes a row that may be a poison pill."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from generations import alone, pipeline, tries
from keeping import claims

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Not for people: a worker starts it with a row that it has claimed."""

    help = "Make one claimed picture or ad in this process (workers call this)."
    requires_system_checks: list[str] = []  # the worker that calls has run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to make, and the number of the claim."""
        parser.add_argument("kind", choices=sorted(alone.KINDS))
        parser.add_argument("id", type=UUID)
        parser.add_argument("attempt", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the work; nothing, when the row is in other hands by now."""
        alone.limit_itself(tries.STEP_SECONDS + 60)
        try:
            pipeline.work_claimed(options["kind"], options["id"], options["attempt"])
        except claims.AWAY:
            log.exception("The database went away")
            sys.exit(alone.DATABASE_AWAY)
