"""Viewers are called reviewers, who is there already has a confirmed address, and the tables of django-axes go with it."""

from django.db import migrations

AXES = ("axes_accessattemptexpiration", "axes_accessfailurelog", "axes_accesslog", "axes_accessattempt")


def forward(apps, schema_editor):
    apps.get_model("accounts", "Membership").objects.filter(role="viewer").update(role="reviewer")
    address = apps.get_model("account", "EmailAddress")
    people = apps.get_model("accounts", "User").objects.filter(emailaddress=None)
    rows = (address(user_id=person.pk, email=person.email.lower(), verified=True, primary=True) for person in people.iterator())
    address.objects.bulk_create(rows, batch_size=500)


def backward(apps, schema_editor):
    apps.get_model("accounts", "Membership").objects.filter(role="reviewer").update(role="viewer")


def drop(apps, schema_editor):
    for table in AXES:
        schema_editor.execute(f"DROP TABLE IF EXISTS {table}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_people_mail_and_tries"), ("account", "0009_emailaddress_unique_primary_email")]
    operations = [migrations.RunPython(forward, backward), migrations.RunPython(drop, migrations.RunPython.noop)]
