"""Django's own `migrate`, with the named point between two migrations at which the chaos tests end it (RELIABILITY: M1)."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from keeping.crashpoints import crashpoint


class Command(migrate.Command):
    """Brings the tables up to date. Ended at any moment, it goes on where it was when it is called again."""

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        """Say what is done, as Django does."""
        super().migration_progress_callback(action, migration, fake)
        if action == "apply_success":
            crashpoint("M1")
