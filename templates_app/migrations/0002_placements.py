"""Fill the table of placements from the shelf: 109 places, each with its source and how sure it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.db import migrations

from keeping.versions import hash_of

FILE = Path(__file__).parent.parent / "shelf" / "placements.json"


def fill(apps: Any, schema_editor: Any) -> None:
    """One head row and its first version a placement. What is there already stays: going back and forth again loses no edit."""
    placements = apps.get_model("templates_app", "Placement")
    versions = apps.get_model("templates_app", "PlacementVersion")
    known = set(placements.objects.values_list("slug", flat=True))
    for position, row in enumerate(json.loads(FILE.read_text())):
        if row["id"] in known:
            continue
        head = placements.objects.create(
            slug=row["id"], platform=row["platform"], title=row["placement"], kind=row["kind"], position=position
        )
        head.current = versions.objects.create(placement=head, number=1, data=row, hash=hash_of(row), note="Starter shelf")
        head.save(update_fields=["current"])


class Migration(migrations.Migration):
    dependencies = [("templates_app", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
