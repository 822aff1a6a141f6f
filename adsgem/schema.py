"""Whether this code and the database belong together: old code must not work on tables that newer code has changed."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.loader import MigrationLoader


def newer_than_code() -> list[str]:
    """The migrations in the database that this code does not know, as `app.name`; empty when it knows them all.

    A worker that finds any ends with exit code 75, so that its supervisor starts it again, with the new code by then.
    """
    loader = MigrationLoader(connection)
    # A squashed migration stands for those it replaces, also when their files are gone.
    replaced = {old for migration in loader.disk_migrations.values() for old in migration.replaces}
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations) - replaced
    return sorted(f"{app}.{name}" for app, name in unknown)
