"""Files that are kept: one row a file, found by its hash."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class StoredFile(models.Model):
    """A file in the store. A row exists only after its file does; rows that point here protect it."""

    sha256 = models.CharField("SHA-256", primary_key=True, max_length=64, editable=False)
    bytes = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40, help_text="Media type, for instance image/jpeg.")
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # By the database's clock: the collector compares it with that same clock.
    kept_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When somebody last asked to keep these bytes.")

    EXTENSIONS = {
        "image/jpeg": "jpg",
        "image/png": "png",
        "image/webp": "webp",
        "font/ttf": "ttf",
        "font/otf": "otf",
        "font/woff2": "woff2",
    }

    def __str__(self) -> str:
        return f"{self.sha256[:12]}.{self.extension}"

    @property
    def extension(self) -> str:
        """The file's ending, without a dot."""
        return self.EXTENSIONS.get(self.type, "bin")

    @property
    def name(self) -> str:
        """Where the store keeps it: `<aa>/<sha256>.<ext>`."""
        return f"{self.sha256[:2]}/{self.sha256}.{self.extension}"


class Pause(models.Model):
    """While a backup copies files, nothing is collected: the one row (`ONLY`) that says so.

    A row and no file in the data folder: with PostgreSQL and S3 the backup and the collector may run on different machines.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    holder = models.UUIDField(null=True, editable=False)
    until = models.BigIntegerField(
        default=0, editable=False, help_text="Epoch milliseconds; renewed, so that a killed backup pauses nothing."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_pause_at_a_time")]

    def __str__(self) -> str:
        return f"paused until {self.until}"
