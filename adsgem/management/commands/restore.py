"""`manage.py restore DIR`: an installation from a backup."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adsgem.backup import BackupError, restore
from adsgem.management.commands.verify import tell


class Command(BaseCommand):
    """Stop AdsGem first; workers must not write into a database that is being replaced."""

    help = "Restore a backup, then look at everything. Stop AdsGem first. Exit code 0: nothing is wrong; 1: something is; 2: not restored."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the folder and `--force`."""
        parser.add_argument("folder", type=Path, help="a folder that manage.py backup made")
        parser.add_argument("--force", action="store_true", help="replace an installation that is in use")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, and say what was found."""
        try:
            report = restore(options["folder"].resolve(), force=options["force"], tell=self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(f"The backup could not be restored: {error.strerror}. Make room and try again.", returncode=2) from error
        tell(report, self.stdout.write)
        self.stdout.write("Restored. Start AdsGem now; orders that were open go on by themselves.")
        if report.problems:
            sys.exit(1)
