"""Load the starter shelf."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from templates_app.shelf_loader import load_shelf


class Command(BaseCommand):
    help = "Load the starter shelf: categories, fonts, layouts, templates, previews. Staff edits survive."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and say in one line what was new."""
        loaded = load_shelf()
        if options["verbosity"]:
            self.stdout.write(str(loaded))
