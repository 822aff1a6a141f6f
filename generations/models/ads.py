"""Words, and finished files: the cheap part."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from finishing.specs import CopySpec
from generations.models.orders import Generation
from generations.models.pictures import Picture
from keeping.claims import Claimed
from keeping.models import StoredFile
from templates_app.models import PlacementVersion


class Copy(models.Model):
    """The words laid over a picture, and the captions beside it. Never changed: new words are a new row."""

    class Author(models.TextChoices):
        MARKETER = "marketer", "Marketer"
        WRITER = "writer", "Writer"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="copies")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    language = models.CharField(max_length=12, default="en")
    angle = models.CharField(max_length=20, blank=True)
    author = models.CharField(max_length=10, choices=Author.choices, default=Author.MARKETER)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    words = models.JSONField(help_text="headline, subline, cta, badge, legal")
    captions = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    WORDS = ("headline", "subline", "cta", "badge", "legal")

    class Meta:
        verbose_name_plural = "copies"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.words.get("headline", ""))

    def spec(self) -> CopySpec:
        """As finishing takes it."""
        return CopySpec(**{name: self.words.get(name, "") for name in self.WORDS}, language=self.language)


class Ad(Claimed):
    """A finished file: one Picture, one Copy, one Placement. The cheap part."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        FINISHING = "finishing", "Finishing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    FINAL = frozenset({Status.READY, Status.FAILED, Status.CANCELLED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="ads")
    copy = models.ForeignKey(Copy, on_delete=models.RESTRICT, related_name="ads")
    placement = models.ForeignKey(PlacementVersion, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pixels = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the ad's RGB bytes before marks.")
    alt = models.CharField(max_length=500, blank=True)
    checks = models.JSONField(default=list, blank=True)
    fidelity = models.JSONField(default=dict, blank=True, help_text="How well the product was kept: mask overlap, ΔE, SSIM.")
    recipe = models.JSONField(default=dict, blank=True, help_text="Every hash that made this file.")
    starred = models.BooleanField(default=False)
    client_ref = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["run_after"], condition=Q(status__in=["waiting", "finishing"]), name="open_ads"),
            # The library goes by the newest, from the last one seen.
            models.Index(fields=["-created_at", "-id"], name="newest_ads"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["picture", "copy", "placement"], name="one_ad_per_wording_and_placement"),
            models.CheckConstraint(condition=~Q(status="ready") | Q(file__isnull=False), name="a_ready_ad_has_a_file"),
        ]

    def __str__(self) -> str:
        return f"{self.placement.placement.slug} v{self.picture.variation}"

    @property
    def file_name(self) -> str:
        """The name a person downloads: `<placement>-v<variation>.<ext>`."""
        extension = self.file.extension if self.file else "jpg"
        return f"{self.placement.placement.slug}-v{self.picture.variation}.{extension}"

    @property
    def can_be_approved(self) -> bool:
        """Whether somebody may approve it: it is ready, and shows the product as truly as its brand asks for."""
        return self.status == self.Status.READY and not any(
            check["rule"] == "product truth" and check["result"] == "fail" for check in self.checks
        )

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """The checks that did not simply pass."""
        return [check for check in self.checks if check["result"] != "pass"]
