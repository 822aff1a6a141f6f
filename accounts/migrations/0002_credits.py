"""The ledger of credits and the prices; the database itself refuses to change what was written."""

import uuid
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = ("accounts_transfer", "accounts_entry")
SAYS = "The ledger is never changed. Write another transfer that puts it right."
# Who wrote a transfer may be forgotten when that person is deleted; nothing else, and nobody else may be put in their place.
STAYS = ("id", "kind", "brand_id", "object_id", "credits", "resolves_id", "reason", "key", "created_at")

# A DELETE trigger on SQLite would break the flush between Django's tests, which deletes row by row there; on PostgreSQL it truncates.
# SQLite drops a table's triggers when a later migration rebuilds the table: such a migration must run `guard` again.
SQLITE = [
    "CREATE TRIGGER accounts_transfer_stays BEFORE UPDATE ON accounts_transfer WHEN "
    + " OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in STAYS)
    + " OR (NEW.created_by_id IS NOT NULL AND NEW.created_by_id IS NOT OLD.created_by_id)"
    + f" BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
    f"CREATE TRIGGER accounts_entry_stays BEFORE UPDATE ON accounts_entry BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
]
POSTGRESQL = [
    (
        "CREATE OR REPLACE FUNCTION accounts_ledger_stays() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    ),
    "CREATE TRIGGER accounts_transfer_stays BEFORE UPDATE ON accounts_transfer FOR EACH ROW WHEN ("
    + " OR ".join(f'NEW."{column}" IS DISTINCT FROM OLD."{column}"' for column in STAYS)
    + " OR (NEW.created_by_id IS NOT NULL AND NEW.created_by_id IS DISTINCT FROM OLD.created_by_id)"
    + ") EXECUTE FUNCTION accounts_ledger_stays()",
    "CREATE TRIGGER accounts_entry_stays BEFORE UPDATE ON accounts_entry FOR EACH ROW EXECUTE FUNCTION accounts_ledger_stays()",
    *(f"CREATE TRIGGER {table}_is_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION accounts_ledger_stays()" for table in TABLES),
]


def guard(apps: Any, schema_editor: Any) -> None:
    """Make the triggers that refuse changes."""
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def unguard(apps: Any, schema_editor: Any) -> None:
    """Drop them."""
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    for table in TABLES:
        for name in ("stays", "is_kept") if on_postgresql else ("stays",):
            schema_editor.execute(f"DROP TRIGGER {table}_{name}" + (f" ON {table}" if on_postgresql else ""))
    if on_postgresql:
        schema_editor.execute("DROP FUNCTION accounts_ledger_stays()")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True, verbose_name="engine")),
                ("title", models.CharField(max_length=80)),
            ],
            options={
                "ordering": ["title"],
            },
        ),
        migrations.CreateModel(
            name="CreditAccount",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("available", "Available"), ("held", "Held"), ("issued", "Issued"), ("earned", "Earned")], max_length=10
                    ),
                ),
                ("balance", models.BigIntegerField(default=0)),
                (
                    "brand",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_accounts",
                        to="accounts.brand",
                    ),
                ),
            ],
            options={
                "ordering": ["brand", "kind"],
            },
        ),
        migrations.CreateModel(
            name="PriceVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("data", models.JSONField()),
                ("hash", models.CharField(editable=False, max_length=64)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("price", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="accounts.price")),
            ],
            options={
                "ordering": ["-number"],
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="price",
            name="current",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.priceversion"
            ),
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("hold", "Held"),
                            ("capture", "Spent"),
                            ("void", "Given back"),
                            ("grant", "Granted"),
                            ("topup", "Bought"),
                            ("adjust", "Adjusted"),
                        ],
                        max_length=10,
                    ),
                ),
                ("object_id", models.UUIDField(blank=True, help_text="The picture that is paid for.", null=True)),
                ("credits", models.BigIntegerField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "key",
                    models.CharField(
                        blank=True, help_text="Whoever asks twice with the same key gets the first transfer again.", max_length=200
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("brand", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="accounts.brand")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "resolves",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resolution",
                        to="accounts.transfer",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": [("grant_credits", "Can grant and adjust credits")],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="accounts.creditaccount"),
                ),
                (
                    "transfer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="accounts.transfer"),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "ordering": ["id"],
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.UniqueConstraint(fields=("brand", "kind"), name="one_credit_account_per_brand_and_kind"),
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.UniqueConstraint(condition=models.Q(("brand", None)), fields=("kind",), name="one_house_account_per_kind"),
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("brand__isnull", False), ("kind__in", ["available", "held"])),
                    models.Q(("brand", None), ("kind__in", ["issued", "earned"])),
                    _connector="OR",
                ),
                name="brands_spend_and_the_house_issues",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance__gte", 0), ("kind", "issued"), _connector="OR"), name="only_issued_credits_go_below_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="priceversion",
            constraint=models.UniqueConstraint(fields=("price", "number"), name="one_price_version_per_number"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["brand", "-created_at", "-id"], name="transfers_of_a_brand"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["object_id", "kind"], name="transfers_of_an_object"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True), fields=("key",), name="one_transfer_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("credits__gte", 0), ("kind", "adjust"), _connector="OR"), name="only_adjustments_go_below_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["capture", "void"]), ("resolves__isnull", False)),
                    models.Q(models.Q(("kind__in", ["capture", "void"]), _negated=True), ("resolves", None)),
                    _connector="OR",
                ),
                name="captures_and_voids_resolve_a_hold",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["hold", "capture", "void"]), ("object_id__isnull", False)),
                    models.Q(models.Q(("kind__in", ["hold", "capture", "void"]), _negated=True), ("object_id", None)),
                    _connector="OR",
                ),
                name="holds_are_for_an_object",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(fields=("transfer", "account"), name="one_entry_per_transfer_and_account"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(condition=models.Q(("amount", 0), _negated=True), name="an_entry_moves_something"),
        ),
        migrations.RunPython(guard, unguard),
    ]
