"""Painted scenes: the dear part."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from finishing.shapes import SHAPES, Shape
from finishing.specs import Geometry
from generations.models.orders import SEED_MAX, Generation
from keeping.claims import Claimed
from keeping.models import StoredFile


class Picture(Claimed):
    """One scene painted by an engine: one variation in one shape. The dear part; no text in it."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        PAINTING = "painting", "Painting"
        FINISHING = "finishing", "Finishing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"

    FINAL = frozenset({Status.READY, Status.FAILED, Status.REFUSED, Status.CANCELLED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="pictures")
    variation = models.PositiveSmallIntegerField()
    shape = models.CharField(max_length=8, choices=[(shape, shape) for shape in SHAPES])
    seed = models.BigIntegerField()
    engine = models.CharField(max_length=20)
    credits = models.PositiveIntegerField(default=0, help_text="What it costs when it is ready, as quoted at the order.")
    server_name = models.CharField(max_length=80, blank=True)
    job_id = models.UUIDField(default=uuid.uuid4, editable=False, help_text="Our own id for the engine's work, saved before it is sent.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    progress = models.FloatField(default=0.0)
    raw = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pixels = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the raw picture's RGB bytes.")
    geometry_data = models.JSONField(default=dict, blank=True)
    facts = models.JSONField(default=dict, blank=True, help_text="What the engine says of how it was painted.")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["variation", "id"]
        indexes = [
            # The claim looks for waiting pictures in fair order, the sweep for those in nobody's hands.
            models.Index(fields=["run_after"], condition=Q(status__in=["waiting", "painting", "finishing"]), name="open_pictures"),
            # Whether a server gave us a picture that belongs to another order.
            models.Index(fields=["pixels"], name="pictures_by_pixels"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["generation", "variation", "shape"], name="one_picture_per_variation_and_shape"),
            models.CheckConstraint(condition=Q(seed__gte=0, seed__lte=SEED_MAX), name="picture_seed_in_range"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="picture_progress_is_a_fraction"),
        ]

    def __str__(self) -> str:
        return f"{self.shape} v{self.variation}"

    @property
    def shape_spec(self) -> Shape:
        """The shape with its pixels."""
        return SHAPES[self.shape]

    @property
    def geometry(self) -> Geometry:
        """Where things stand in the raw picture."""
        return Geometry.from_data(self.geometry_data)

    @property
    def letter(self) -> str:
        """A for the first variation, B for the second."""
        return chr(ord("A") + self.variation - 1)
