"""Versions: what staff edit has a head row with a slug and immutable rows of what it said; told apart by the hash of what they say."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.conf import settings
from django.db import models


def hash_of(data: object) -> str:
    """SHA-256 of JSON data, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


class Version(models.Model):
    """What a head row said at one time. Never changed: an edit is a new version."""

    number = models.PositiveIntegerField()
    data = models.JSONField()
    hash = models.CharField(max_length=64, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["-number"]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new version; refuses to change one that exists."""
        if not self._state.adding:
            raise ValueError("A version is never changed. Write a new one.")
        self.hash = hash_of(self.data)
        super().save(*args, **kwargs)
