"""Prices say where they were read and on which day; those that could be read are filled in. Refusals ask for no brief where there is none."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.validators import MinValueValidator
from django.db import migrations, models

READ_ON = date(2026, 11, 26)
OPENAI = "developers.openai.com/api/docs/models/{}"
GITHUB = "OpenAI's prices in github.com/github/docs, data/tables/copilot/models-and-pricing.yml (commit 024f6b0f)"
LITELLM = "docs.litellm.ai/blog/gpt-6-1-terra, which quotes OpenAI"
EVANGELIST = "github.com/api-evangelist/openai, plans/openai-plans-pricing.yml, which quotes OpenAI's page of 2026-05-04"
REFERENCE = "llmreference.com/model/{}/openai-api, which quotes OpenAI's page"
APIFOX = "apifox.com/apiskills/gpt-image-2-5-api-cn, which quotes OpenAI's page of 2026-09-09"
# Micro-dollars for a million tokens: in, of them cached, of them pictures that are sent, out. Standard tier, requests of ordinary length.
PRICES = (
    ("gpt-6.2-sol", 2_000_000, 100_000, None, 10_000_000, OPENAI.format("gpt-6.2-sol")),
    ("gpt-6.1-sol", 2_000_000, None, None, 10_000_000, LITELLM),
    ("gpt-6.1-terra", 1_000_000, 50_000, None, 5_000_000, LITELLM),
    ("gpt-5.6-sol", 5_000_000, 500_000, None, 30_000_000, GITHUB),
    ("gpt-5.6-terra", 2_000_000, 200_000, None, 12_000_000, GITHUB),
    ("gpt-5.6-luna", 200_000, 20_000, None, 1_200_000, GITHUB),
    ("gpt-5.5", 5_000_000, 500_000, None, 30_000_000, GITHUB),
    ("gpt-5.5-pro", 30_000_000, None, None, 180_000_000, EVANGELIST),
    ("gpt-5.4", 2_500_000, 250_000, None, 15_000_000, GITHUB),
    ("gpt-5.4-mini", 750_000, 75_000, None, 4_500_000, GITHUB),
    ("gpt-5.4-nano", 200_000, 20_000, None, 1_250_000, GITHUB),
    ("gpt-5-mini", 250_000, 25_000, None, 2_000_000, GITHUB),
    ("gpt-image-1-mini", 2_000_000, 200_000, 2_500_000, 8_000_000, OPENAI.format("gpt-image-1-mini")),
    ("gpt-image-1.5", 5_000_000, None, 8_000_000, 32_000_000, REFERENCE.format("gpt-image-1.5")),
    ("gpt-image-2", 5_000_000, None, 8_000_000, 30_000_000, REFERENCE.format("gpt-image-2")),
    ("gpt-image-2.5-flare", 5_000_000, None, 8_000_000, 30_000_000, APIFOX),
    ("gpt-image-2.5-sunburst", 5_000_000, None, 8_000_000, 30_000_000, APIFOX),
    ("gpt-image-2.6-sunburst", 5_000_000, 1_250_000, 8_000_000, 30_000_000, OPENAI.format("gpt-image-2.6-sunburst")),
)
BRIEFLESS = (("Take it out of the brief.", "Take it out."), ("Take them out of the brief.", "Take them out."))


def fill(apps: Any, schema_editor: Any) -> None:
    """What staff have entered already stays as it is."""
    prices = apps.get_model("prompting", "TokenPrice")
    known = set(prices.objects.values_list("model", flat=True))
    prices.objects.bulk_create(
        prices(model=model, prompt=prompt, cached=cached, pictures=pictures, completion=completion, source=source, as_of=READ_ON)
        for model, prompt, cached, pictures, completion, source in PRICES
        if model not in known
    )


def say_it_of_any_text(apps: Any, schema_editor: Any) -> None:
    """Rules judge translations and captions as well as briefs."""
    rules = apps.get_model("prompting", "Rule")
    for before, after in BRIEFLESS:
        for reason in set(rules.objects.filter(reason__endswith=before).values_list("reason", flat=True)):
            rules.objects.filter(reason=reason).update(reason=reason.removesuffix(before) + after)


class Migration(migrations.Migration):
    dependencies = [("prompting", "0002_first_instructions_and_rules")]
    operations = [
        migrations.AddField(
            "tokenprice",
            "pictures",
            models.BigIntegerField(
                blank=True,
                help_text="Where pictures have another price than words. Empty: as all others.",
                null=True,
                validators=[MinValueValidator(0)],
                verbose_name="of them for pictures that are sent",
            ),
        ),
        migrations.AddField(
            "tokenprice",
            "source",
            models.CharField(blank=True, default="", help_text="Where this was read.", max_length=300),
            preserve_default=False,
        ),
        migrations.AddField(
            "tokenprice",
            "as_of",
            models.DateField(
                blank=True, help_text="Prices change every few months: look again when this is old.", null=True, verbose_name="read on"
            ),
        ),
        migrations.AlterField(
            "languageserver",
            "model",
            models.CharField(help_text="Empty: its list of models. moderation: its moderation.", max_length=120),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(say_it_of_any_text, migrations.RunPython.noop),
    ]
