"""Who did what: a log that is only added to. Each entry is bound to the one before it, so that nothing can be taken out or changed unseen."""

from __future__ import annotations

from typing import Any

from django.db import models

from keeping.written_once import WrittenOnce


class AuditEntry(WrittenOnce):
    """One thing that somebody did: who, what, when, from where, and what was there before and after.

    Persons are named by id in what stays for good. What tells of a person (address, place, browser) stands in `personal` and can be erased
    when that person is deleted: the chain holds only its salted hash, so it stays whole.
    """

    NEVER_CHANGED = "The log of who did what is never changed."

    number = models.BigIntegerField(primary_key=True, editable=False, help_text="One more for each entry, without a hole.")
    at = models.DateTimeField()
    kind = models.CharField(max_length=60, help_text="For instance role.changed.")
    actor = models.UUIDField(null=True, blank=True, help_text="The person who did it; none: a command, a worker, or a stranger.")
    brand = models.UUIDField(null=True, blank=True, help_text="The brand that it is about, where it is about one.")
    subject_type = models.CharField(max_length=80, blank=True, help_text="The model, for instance accounts.membership.")
    subject = models.CharField(max_length=64, blank=True, help_text="The row's id.")
    changes = models.JSONField(default=dict, help_text="Field to what it was and what it is: {name: [before, after]}.")
    personal = models.JSONField(default=dict, help_text="What tells of a person; empty once that person is deleted.")
    salt = models.CharField(max_length=32, blank=True, editable=False)
    personal_hash = models.CharField(max_length=64, editable=False)
    hash = models.CharField(
        max_length=64, editable=False, help_text="Of this entry and of the hash before it, by a key outside the database."
    )

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-number"]
        indexes = [
            # What one person did, and what was done in one brand: for the viewer, for exports and for erasing.
            models.Index(fields=["actor", "-number"], name="audit_by_actor"),
            models.Index(fields=["brand", "-number"], name="audit_by_brand"),
            models.Index(fields=["subject", "-number"], name="audit_by_subject"),
            models.Index(fields=["kind", "-number"], name="audit_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    def facts(self) -> dict[str, Any]:
        """What the chain binds, as JSON takes it. Of `personal` it is the hash alone."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "actor": str(self.actor or ""),
            "brand": str(self.brand or ""),
            "subject_type": self.subject_type,
            "subject": self.subject,
            "changes": self.changes,
            "personal": self.personal_hash,
        }


class AuditHead(models.Model):
    """The end of the chain: the one row (`ONLY`) that whoever adds to it holds meanwhile. Entries that were cut off at the end are missed here."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_end_of_the_audit_log")]

    def __str__(self) -> str:
        return f"up to {self.number}"
