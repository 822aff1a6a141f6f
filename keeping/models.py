"""Files that are kept: one row a file, found by its hash."""

from __future__ import annotations

from django.db import models


class StoredFile(models.Model):
    """A file in the store. A row exists only after its file does; rows that point here protect it."""

    sha256 = models.CharField("SHA-256", primary_key=True, max_length=64, editable=False)
    bytes = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40, help_text="Media type, for instance image/jpeg.")
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

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
