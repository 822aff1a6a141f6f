"""`manage.py prepare`: tables, starter shelf and first accounts, ready for use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from adsgem.preparing import prepare, sign_in_file


class Command(BaseCommand):
    """Run it after every update; `up` runs it by itself."""

    help = "Bring the database up to date, load the starter shelf, make the first accounts. May be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, and say where the first passwords stand."""
        if prepare(settings.PUBLIC_URL, self.stdout.write):
            self.stdout.write(f"The first accounts are made. Their passwords stand in {sign_in_file()}.")
