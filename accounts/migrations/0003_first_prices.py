"""The first prices: the built-in engine is free, a GPU of one's own costs 1 credit a picture, OpenAI costs 4."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from keeping.versions import hash_of

SHAPES = ("1:1", "4:5", "2:3", "9:16", "4:3", "16:9", "1.91:1")
PRICES = (("builtin", "Built-in engine", 0), ("comfyui", "ComfyUI", 1), ("openai", "OpenAI", 4))


def fill(apps: Any, schema_editor: Any) -> None:
    """One head row and its first version an engine. What is there already stays: going back and forth again loses no edit."""
    prices = apps.get_model("accounts", "Price")
    versions = apps.get_model("accounts", "PriceVersion")
    for slug, title, number in PRICES:
        head, made = prices.objects.get_or_create(slug=slug, defaults={"title": title})
        if not made:
            continue
        data = {"credits": dict.fromkeys(SHAPES, number)}
        head.current = versions.objects.create(price=head, number=1, data=data, hash=hash_of(data), note="First price")
        head.save(update_fields=["current"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_credits")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
