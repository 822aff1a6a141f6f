"""The log of who did what; the database itself refuses changes, but for taking out what tells of a person."""

from typing import Any

from django.db import migrations, models

TABLE = "accounts_auditentry"
SAYS = "The log of who did what is never changed."
STAYS = ("number", "at", "kind", "actor", "brand", "subject_type", "subject", "changes", "personal_hash", "hash")

# As with the ledger: no DELETE trigger on SQLite, where Django's tests flush row by row; what is deleted there breaks the chain.
# SQLite drops a table's triggers when a later migration rebuilds the table: such a migration must run `guard` again.
SQLITE = [
    f"CREATE TRIGGER {TABLE}_stays BEFORE UPDATE ON {TABLE} WHEN "
    + " OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in STAYS)
    + f" OR NEW.personal <> '{{}}' OR NEW.salt <> '' BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
]
POSTGRESQL = [
    (
        "CREATE OR REPLACE FUNCTION accounts_audit_stays() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    ),
    f"CREATE TRIGGER {TABLE}_stays BEFORE UPDATE ON {TABLE} FOR EACH ROW WHEN ("
    + " OR ".join(f'NEW."{column}" IS DISTINCT FROM OLD."{column}"' for column in STAYS)
    + " OR NEW.personal <> '{}'::jsonb OR NEW.salt <> '') EXECUTE FUNCTION accounts_audit_stays()",
    f"CREATE TRIGGER {TABLE}_is_kept BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION accounts_audit_stays()",
]


def guard(apps: Any, schema_editor: Any) -> None:
    """Make the triggers that refuse changes."""
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def unguard(apps: Any, schema_editor: Any) -> None:
    """Drop them."""
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    for name in ("stays", "is_kept") if on_postgresql else ("stays",):
        schema_editor.execute(f"DROP TRIGGER {TABLE}_{name}" + (f" ON {TABLE}" if on_postgresql else ""))
    if on_postgresql:
        schema_editor.execute("DROP FUNCTION accounts_audit_stays()")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_brand_kit"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "number",
                    models.BigIntegerField(
                        editable=False, help_text="One more for each entry, without a hole.", primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(help_text="For instance role.changed.", max_length=60)),
                (
                    "actor",
                    models.UUIDField(blank=True, help_text="The person who did it; none: a command, a worker, or a stranger.", null=True),
                ),
                ("brand", models.UUIDField(blank=True, help_text="The brand that it is about, where it is about one.", null=True)),
                ("subject_type", models.CharField(blank=True, help_text="The model, for instance accounts.membership.", max_length=80)),
                ("subject", models.CharField(blank=True, help_text="The row's id.", max_length=64)),
                ("changes", models.JSONField(default=dict, help_text="Field to what it was and what it is: {name: [before, after]}.")),
                ("personal", models.JSONField(default=dict, help_text="What tells of a person; empty once that person is deleted.")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32)),
                ("personal_hash", models.CharField(editable=False, max_length=64)),
                (
                    "hash",
                    models.CharField(
                        editable=False, help_text="Of this entry and of the hash before it, by a key outside the database.", max_length=64
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-number"],
                "indexes": [
                    models.Index(fields=["actor", "-number"], name="audit_by_actor"),
                    models.Index(fields=["brand", "-number"], name="audit_by_brand"),
                    models.Index(fields=["subject", "-number"], name="audit_by_subject"),
                    models.Index(fields=["kind", "-number"], name="audit_by_kind"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0)),
                ("hash", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_end_of_the_audit_log")],
            },
        ),
        migrations.RunPython(guard, unguard),
    ]
