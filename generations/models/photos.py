"""Product photos, made safe and cut out."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models import Brand, Product
from finishing.cutout import CONFIDENT
from keeping.models import StoredFile


class Photo(models.Model):
    """An uploaded product picture, made safe, with its cut-out."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="photos")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="photos")
    name = models.CharField(max_length=200, blank=True, help_text="The file's name as it was uploaded; text only, never a path.")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    cutout = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    cutout_box = models.JSONField(null=True, blank=True, help_text="Where it lies in the photo: left, top, right, bottom as fractions.")
    credentials = models.ForeignKey(
        StoredFile,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Signed credentials (C2PA) that the uploaded file had; they go along as an ingredient of its ads.",
    )
    cutout_method = models.CharField(max_length=20, blank=True)
    confidence = models.FloatField(default=0.0, help_text="How far the cut-out may be trusted, 0 to 1.")
    advice = models.CharField(max_length=300, blank=True)
    keywords = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def cutout_usable(self) -> bool:
        """Whether ads may use the cut-out without asking."""
        return self.cutout_id is not None and self.confidence >= CONFIDENT
