"""`manage.py tunnel`: the process that holds a tunnel open. `manage.py share` starts it; nobody else needs to."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from adsgem import tunnel

LOOK_SECONDS = 1.0
NO_USE = 2  # exit code: another try would end as this one did


class Command(BaseCommand):
    """Ends when ngrok's program does, so that the supervisor opens the tunnel again."""

    help = "Hold a tunnel open to a port of this machine (part of manage.py share)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the port."""
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        """Open it and wait for a signal (exit code 0) or for its end (1). Exit code 2 when it did not open in this run at all."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        before = tunnel.address()
        try:
            tunnel.open_address(options["port"])
        except tunnel.TunnelError as error:
            self.stderr.write(str(error))
            tunnel.close()
            sys.exit(1 if before else NO_USE)
        while not stop.wait(LOOK_SECONDS):
            if not tunnel.alive():
                self.stderr.write("ngrok's program ended.")
                sys.exit(1)
        tunnel.close()
