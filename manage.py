#!/usr/bin/env python
"""AdsGem's command line: `python manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys

from adsgem.env import SettingError


def main() -> None:
    """Run one command; a setting that makes no sense ends in one sentence and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsgem.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
