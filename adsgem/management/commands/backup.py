"""`manage.py backup DIR`: the whole installation in one folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from adsgem.backup import BackupError, backup


class Command(BaseCommand):
    """May be run while everybody works."""

    help = (
        "Copy database, files and secrets into a new folder. Exit code 0: all is there; 1: some files were damaged already; 2: no backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the folder."""
        parser.add_argument("folder", type=Path, help="a folder that is new or empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and say what is in it."""
        folder = options["folder"].resolve()
        try:
            made = backup(folder, self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(
                f"The backup could not be written: {error.strerror}. It is not complete; remove {folder}.", returncode=2
            ) from error
        for line in made.damaged:
            self.stderr.write(f"Not copied: {line}")
        self.stdout.write(f"The backup is in {folder}: the database and {made.files} files, {filesizeformat(made.bytes)}.")
        if made.secrets:
            self.stdout.write("It holds the secrets of this installation (secrets.json). Keep it where nobody else can read it.")
        else:
            self.stdout.write("Its secrets stand in the environment and are not in it. Keep them, too.")
        if made.damaged:
            self.stderr.write(f"{len(made.damaged)} files were damaged before. Run manage.py verify --repair, then make another backup.")
            sys.exit(1)
