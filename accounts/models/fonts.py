"""Typefaces that brands bring along."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models.people import Brand
from keeping.models import StoredFile


class BrandFont(models.Model):
    """One font file of one brand, looked at before it was kept. `Brand.headline_font` and `text_font` say what it is used for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="fonts")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    family = models.CharField(max_length=80)
    style = models.CharField(max_length=40, blank=True)
    weight = models.PositiveSmallIntegerField(default=400)
    ranges = models.JSONField(default=list, help_text="The letters it has: first and last code point of each run.")
    licence = models.CharField(max_length=300, help_text="By what right it is used in ads, in the words of who uploaded it.")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["family", "weight", "created_at"]
        constraints = [models.UniqueConstraint(fields=["brand", "file"], name="one_row_per_font_of_a_brand")]

    def __str__(self) -> str:
        return f"{self.family} {self.style}".strip()

    @property
    def slug(self) -> str:
        """Its name among faces: made from its hash, so that two fonts never share one."""
        return f"own-{self.file_id[:40]}"
