"""`manage.py verify`: whether everything that must hold does hold."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generations.verify import Report, verify


class Command(BaseCommand):
    """May be run at any time, also while everybody works."""

    help = "Check every order, picture, ad, credit and file. Exit code 0: nothing is wrong (any more); 1: something is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--repair`, `--even-many`, `--sample` and `--json`."""
        parser.add_argument("--repair", action="store_true", help="mend what can be mended without harm")
        parser.add_argument("--even-many", action="store_true", help="mend files also when so many are bad that the disk may be missing")
        parser.add_argument("--sample", type=int, metavar="N", help="look at N files picked at random instead of reading every file")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and print the report."""
        sample = options["sample"]
        if sample is not None and sample < 0:
            raise CommandError("--sample must be 0 or more.", returncode=2)
        report = verify(rehash=True if sample is None else sample, repair=options["repair"], even_many=options["even_many"])
        if options["json"]:
            found = {name: [asdict(problem) for problem in getattr(report, name)] for name in ("problems", "repaired")}
            self.stdout.write(json.dumps({"ok": not report.problems, **found, "counts": report.counts}))
        else:
            tell(report, self.stdout.write)
        if report.problems:
            sys.exit(1)


def tell(report: Report, write: Any) -> None:
    """Say a report in lines: what is wrong, what was mended, and the sum."""
    for heading, problems in (("wrong", report.problems), ("mended", report.repaired)):
        for problem in problems:
            write(f"{heading}: {problem}")
    counts = report.counts
    for name, shown in (("problems", report.problems), ("repaired", report.repaired)):
        if counts[name] > len(shown):
            write(f"... and {counts[name] - len(shown)} more {name}.")
    looked = f"{counts['orders']} orders, {counts['pictures']} pictures, {counts['ads']} ads, {counts['files']} files"
    said = f"{counts['problems']} problems" if counts["problems"] else "nothing is wrong"
    mended = f", {counts['repaired']} mended" if counts["repaired"] else ""
    write(f"{looked} ({counts['files_read']} read, {counts['files_without_row']} without a row): {said}{mended}.")
