"""Pictures that were ordered before there was a ledger: a hold of 0 each, resolved where they have ended; open orders get a deadline."""

import time
import uuid

from django.db import migrations

NAMES = uuid.UUID("7d0c7a36-2a5e-5c0f-9b4d-0b6a51f6b1a4")  # accounts.models.Transfer.NAMES
HOURS = 6
ENDS = {"ready": "capture", "failed": "void", "refused": "void", "cancelled": "void"}


def hold(apps, schema_editor):
    transfers = apps.get_model("accounts", "Transfer").objects
    pictures = apps.get_model("generations", "Picture").objects.select_related("generation")
    for picture in pictures.iterator(chunk_size=500):
        facts = {"brand_id": picture.generation.brand_id, "object_id": picture.pk, "credits": 0}
        held, _ = transfers.get_or_create(id=uuid.uuid5(NAMES, f"hold:{picture.pk}"), defaults={"kind": "hold", **facts})
        if kind := ENDS.get(picture.status):
            name = uuid.uuid5(NAMES, f"{kind}:{picture.pk}")
            transfers.get_or_create(id=name, defaults={"kind": kind, "resolves": held, **facts})
    deadline = int((time.time() + HOURS * 3600) * 1000)
    apps.get_model("generations", "Generation").objects.filter(deadline=0).update(deadline=deadline)


class Migration(migrations.Migration):
    dependencies = [("generations", "0003_the_core"), ("accounts", "0003_first_prices")]
    operations = [migrations.RunPython(hold, migrations.RunPython.noop)]
