"""`manage.py drain`: have every worker put its work down, before an upgrade or before machines are switched off."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generations import draining

LOOK_SECONDS = 0.5
LONGEST = 24 * 3600


class Command(BaseCommand):
    """Orders are still taken while it lasts: they wait as rows."""

    help = "Begin nothing new on any machine, wait until nothing is in hand any more. Exit code 0: nothing is; 1: something still was."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--wait`, `--hold` and `--end`."""
        parser.add_argument(
            "--wait", type=float, default=960, metavar="SECONDS", help="how long to wait for what is in hand (default: 960)"
        )
        parser.add_argument(
            "--hold",
            type=float,
            default=1800,
            metavar="SECONDS",
            help="how long nothing new is begun, should nobody end it (default: 1800)",
        )
        parser.add_argument("--end", action="store_true", help="have everybody work again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drain, or end it."""
        if options["end"]:
            self.stdout.write("Everybody works again." if draining.end() else "Nothing was held back.")
            return
        wait, hold = options["wait"], options["hold"]
        if not 0 <= wait <= LONGEST or not 1 <= hold <= LONGEST:
            raise CommandError(f"--wait and --hold are seconds, from 0 and from 1 to {LONGEST}.", returncode=2)
        draining.begin(hold)
        self.stdout.write(f"Nothing new is begun for {hold:g} seconds, or until: manage.py drain --end")
        deadline, told = time.monotonic() + wait, -1
        while left := draining.in_hand():
            if left != told:
                told = left
                self.stdout.write(f"In hand: {left}")
                self.stdout.flush()
            if time.monotonic() >= deadline:
                self.stderr.write(
                    f"After {wait:g} seconds still in hand: {left}. What is ended now is taken up again at the step it had reached."
                )
                sys.exit(1)
            time.sleep(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
        self.stdout.write("Nothing is in hand.")
