"""An upgrade expands: processes of the release before go on beside the newer tables (docs/deploy.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

ROOT = Path(__file__).parent.parent.parent
# The newest migrations of the time before fleets. What an app has after them must expand only: removing or renaming what the release before
# still asks for waits until the one after; a release that has really let go of something moves its app's number on.
BEFORE = {"accounts": 14, "comfy": 4, "generations": 11, "keeping": 2, "prompting": 3, "templates_app": 2}
TIGHTER = (migrations.RemoveField, migrations.RenameField, migrations.DeleteModel, migrations.RenameModel, migrations.AlterModelTable)


def breaks(operation: Operation, state: Any, app: str) -> str:
    """Why the release before would fail after this operation; empty when it would not."""
    if isinstance(operation, TIGHTER):
        return f"{operation.describe()}: the release before still asks for it."
    if isinstance(operation, migrations.AddField) and not _filled_by_the_database(operation.field):
        return f"{operation.describe()}: the release before writes rows without it. Give it db_default, or let it be null."
    if isinstance(operation, migrations.AlterField):
        before = state.models[app, operation.model_name_lower].fields[operation.name]
        if before.null and not operation.field.null and not _filled_by_the_database(operation.field):
            return f"{operation.describe()}: the release before may still write nothing there."
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return next((why for each in operation.database_operations if (why := breaks(each, state, app))), "")
    return ""


def _filled_by_the_database(field: Any) -> bool:
    return field.null or field.many_to_many or field.has_db_default() or isinstance(field, models.AutoField)


def test_what_is_new_since_only_expands() -> None:
    loader = MigrationLoader(None)
    found = []
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app not in BEFORE or int(name[:4]) <= BEFORE[app]:
            continue
        state = loader.project_state((app, name), at_end=False)
        made = {operation.name_lower for operation in migration.operations if isinstance(operation, migrations.CreateModel)}
        for operation in migration.operations:
            # What is changed in a table of this same migration nobody has written to yet.
            if getattr(operation, "model_name_lower", "") not in made and (why := breaks(operation, state, app)):
                found.append(f"{app}.{name}: {why}")
            operation.state_forwards(app, state)
    assert found == []


def test_every_app_with_tables_of_ours_is_looked_at() -> None:
    ours = {path.parent.parent.name for path in ROOT.glob("*/migrations/__init__.py")}
    assert ours == set(BEFORE)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (migrations.RemoveField("picture", "progress"), "still asks for it"),
        (migrations.RenameField("picture", "progress", "share"), "still asks for it"),
        (migrations.DeleteModel("Picture"), "still asks for it"),
        (migrations.AddField("picture", "mood", models.CharField(max_length=9, default="calm")), "writes rows without it"),
        (migrations.AlterField("picture", "finished_at", models.DateTimeField()), "may still write nothing there"),
        (migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("picture", "progress")]), "still asks for it"),
        (migrations.AddField("picture", "mood", models.CharField(max_length=9, db_default="calm")), ""),
        (migrations.AddField("picture", "mood", models.CharField(max_length=9, null=True)), ""),
        (migrations.AlterField("picture", "finished_at", models.DateTimeField(null=True, help_text="When it ended.")), ""),
        (migrations.AddIndex("picture", models.Index(fields=["seed"], name="by_seed")), ""),
        (migrations.CreateModel("Mood", [("id", models.AutoField(primary_key=True))]), ""),
        (migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop), ""),
    ],
)
def test_the_check_tells_what_breaks_from_what_does_not(operation: Operation, said: str) -> None:
    found = breaks(operation, MigrationLoader(None).project_state(), "generations")
    assert (said in found) if said else found == ""
