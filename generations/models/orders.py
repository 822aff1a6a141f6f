"""Orders, and the photos in them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Brand, PriceVersion
from generations.models.photos import Photo
from keeping.claims import Claimed
from prompting.brief import Brief
from prompting.writer import PromptPlan
from templates_app.models import AdTemplateVersion

SEED_MAX = 2**53 - 1  # the largest integer that JSON carries whole to every client


class Generation(Claimed):
    """One order: template version, brand, photos, brief, placements, variations, engine."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        WRITING = "writing", "Writing"
        MAKING = "making", "Making"
        READY = "ready", "Ready"
        PARTLY = "partly", "Partly ready"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"

    class Label(models.TextChoices):
        AUTO = "auto", "Where the law asks for it"
        ON = "on", "Always"
        OFF = "off", "Never"

    class Origin(models.TextChoices):
        MORE = "more", "More like a picture of another order"
        RAISE = "raise", "A draft, painted by another engine"

    FINAL = frozenset({Status.READY, Status.PARTLY, Status.FAILED, Status.REFUSED, Status.CANCELLED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="generations")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    template_version = models.ForeignKey(AdTemplateVersion, on_delete=models.PROTECT, related_name="generations")
    photos = models.ManyToManyField(Photo, through="GenerationPhoto", related_name="generations")
    brief_data = models.JSONField()
    variations = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(8)])
    engine = models.CharField(max_length=20, default="auto", help_text="As ordered: auto, draft or an engine's name.")
    seed = models.BigIntegerField(validators=[MinValueValidator(0), MaxValueValidator(SEED_MAX)])
    lora_strength = models.FloatField(null=True, blank=True)
    use_cutout = models.BooleanField(default=True, help_text="Off: the photograph stands in the template's frame.")
    label = models.CharField(
        max_length=4, choices=Label.choices, default=Label.AUTO, help_text="Whether a visible label says how the pictures were made."
    )
    client_ref = models.CharField(max_length=100, blank=True)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    origin = models.CharField(max_length=5, choices=Origin.choices, blank=True, help_text="How it came from its parent.")
    price = models.ForeignKey(
        PriceVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="The price list it was ordered by."
    )
    deadline = models.BigIntegerField(
        default=0, editable=False, help_text="When whatever is still open fails, in epoch milliseconds of the database's clock."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    plan_data = models.JSONField(null=True, blank=True)
    facts = models.JSONField(
        default=dict, blank=True, help_text="How it was written: by whom, whether another writer stepped in, whether people are asked for."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["brand", "-created_at"], name="generations_of_a_brand"),
            # The sweep looks for open orders.
            models.Index(fields=["run_after"], condition=Q(status__in=["waiting", "writing"]), name="open_generations"),
            # And for those that are open beyond their deadline, or of which nothing is open any more.
            models.Index(fields=["deadline"], condition=Q(status__in=["waiting", "writing", "making"]), name="orders_by_deadline"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(variations__gte=1, variations__lte=8), name="one_to_eight_variations"),
            models.CheckConstraint(condition=Q(seed__gte=0, seed__lte=SEED_MAX), name="generation_seed_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.brief.product or self.template_version.template.title}: {self.brief.headline}"

    @property
    def brief(self) -> Brief:
        """What the marketer said."""
        return Brief.from_data(self.brief_data)

    @property
    def plan(self) -> PromptPlan | None:
        """What the writer made of it, once it has."""
        return PromptPlan.from_data(self.plan_data) if self.plan_data else None

    @property
    def is_final(self) -> bool:
        """Nothing more will happen."""
        return self.status in self.FINAL


class GenerationPhoto(models.Model):
    """A photo in an order; the first is the painted product."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="generation_photos")
    photo = models.ForeignKey(Photo, on_delete=models.PROTECT)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["generation", "position"], name="one_photo_per_place_in_an_order")]

    def __str__(self) -> str:
        return f"{self.photo} at {self.position}"
