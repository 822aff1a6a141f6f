"""`manage.py share`: `up`, with a public address through ngrok."""

from __future__ import annotations

from typing import Any

from adsgem.management.commands import up


class Command(up.Command):
    """For trying things out on a phone, or showing them to somebody; never for production."""

    help = "Serve everything, and open a public https address through ngrok (needs NGROK_AUTHTOKEN) until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """As `up --share`."""
        super().handle(*args, **{**options, "share": True})
