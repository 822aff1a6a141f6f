"""When somebody closed their account."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_the_log_of_who_did_what"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="closed_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="When its owner closed the account; purged 30 days later.", null=True
            ),
        ),
    ]
