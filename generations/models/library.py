"""What people keep for finding again: ads put together, and searches."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.models import Brand
from generations.models.ads import Ad


class Collection(models.Model):
    """Ads of one brand that somebody put together under a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=80)
    ads = models.ManyToManyField(Ad, related_name="collections", blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["brand", "name"], name="one_collection_per_name")]

    def __str__(self) -> str:
        return self.name


class SavedSearch(models.Model):
    """A search of the library that a brand's people use again. `wanted` is what `generations.library.Wanted` reads."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="searches")
    name = models.CharField(max_length=80)
    wanted = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "saved searches"
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["brand", "name"], name="one_search_per_name")]

    def __str__(self) -> str:
        return self.name
