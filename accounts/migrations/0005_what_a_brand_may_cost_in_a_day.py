"""What models may cost for a brand in a day; empty for all brands there are: as the settings say."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_webhooks")]
    operations = [
        migrations.AddField(
            "brand",
            "daily_micro_usd",
            models.PositiveBigIntegerField(
                blank=True,
                help_text="What language and image models may cost for this brand in a day (UTC), in micro-USD: 1000000 are one dollar. "
                "Empty: as everywhere in this installation. 0: nothing that costs money is asked.",
                null=True,
                verbose_name="daily budget",
            ),
        )
    ]
