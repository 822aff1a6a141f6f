"""Whether this code and the database belong together: old code must not work on tables that newer code has changed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.migrations.loader import MigrationLoader

GONE = frozenset({"axes", "token_blacklist"})  # apps of older releases: what they did to the database is no news
NEWER = 75  # sysexits.h: EX_TEMPFAIL, try again later


def sentence(newer: Iterable[str]) -> str:
    """What to tell whoever reads the log."""
    return f"The database was brought up to date by newer code ({', '.join(newer)}). Start the new release here, too."


def newer_than_code() -> list[str]:
    """The migrations in the database that this code does not know, as `app.name`; empty when it knows them all.

    A worker that finds any ends with exit code 75, so that its supervisor starts it again, with the new code by then.
    """
    return unknown(MigrationLoader(connection).applied_migrations)


def unknown(migrations: Iterable[tuple[str, str]]) -> list[str]:
    """Those of these migrations, each an app and a name, that this code does not know, as `app.name`."""
    known = MigrationLoader(None).disk_migrations
    # A squashed migration stands for those it replaces, also when their files are gone.
    replaced = {old for migration in known.values() for old in migration.replaces}
    return sorted(f"{app}.{name}" for app, name in set(migrations) - set(known) - replaced if app not in GONE)
