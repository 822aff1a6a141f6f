"""What was paid for is found by its day. The writer's breaker goes: whether a language server rests stands in its own row."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Q


def forget_the_writers(apps: Any, schema_editor: Any) -> None:
    """Nobody would close it any more."""
    apps.get_model("generations", "Breaker").objects.filter(name="writer").delete()


class Migration(migrations.Migration):
    dependencies = [("generations", "0007_what_files_are_known_by")]
    operations = [
        migrations.AddIndex("step", models.Index(fields=["created_at"], condition=Q(micro_usd__gt=0), name="steps_that_cost_money")),
        migrations.RunPython(forget_the_writers, migrations.RunPython.noop),
    ]
