"""A sign-in through the API knows its only good token now; the lists of used ones go."""

from django.db import migrations

TABLES = ("token_blacklist_blacklistedtoken", "token_blacklist_outstandingtoken")


def drop(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f"DROP TABLE IF EXISTS {table}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_reviewers_and_addresses")]
    operations = [migrations.RunPython(drop, migrations.RunPython.noop)]
