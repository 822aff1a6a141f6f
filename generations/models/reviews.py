"""What others think of an order: a link for somebody without an account, and what they said of each variation."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from generations.models.orders import Generation


class ReviewLink(models.Model):
    """A link by which somebody without an account looks at an order and says what they think. It runs out, and can be taken back.

    The link itself is signed and kept nowhere (`generations/actions/reviews.py`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="review_links")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=300, blank=True, help_text="What is asked.")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"Review of {self.generation}"

    @property
    def is_open(self) -> bool:
        """Whether it still opens something."""
        return self.revoked_at is None and self.expires_at > timezone.now()


class Verdict(models.Model):
    """What one person said of one variation, once. `files` holds what was approved: the SHA-256 of each file by its ad's id."""

    class Word(models.TextChoices):
        RUN = "run", "Run it"
        CHANGE = "change", "Change something"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    link = models.ForeignKey(ReviewLink, on_delete=models.CASCADE, related_name="verdicts")
    variation = models.PositiveSmallIntegerField()
    word = models.CharField(max_length=6, choices=Word.choices)
    comment = models.CharField(max_length=500, blank=True)
    who = models.CharField(max_length=80, help_text="As they call themselves.")
    files = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.who}: {self.get_word_display()} ({self.letter})"

    @property
    def letter(self) -> str:
        """A for the first variation."""
        return chr(ord("A") + self.variation - 1)
