"""The making: orders, their pictures, words and finished ads. The database is the to-do list."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Brand, PriceVersion, Product
from finishing.cutout import CONFIDENT
from finishing.shapes import SHAPES, Shape
from finishing.specs import CopySpec, Geometry
from keeping.claims import Claimed
from keeping.models import StoredFile
from prompting.brief import Brief
from prompting.writer import PromptPlan
from templates_app.models import AdTemplateVersion, PlacementVersion

SEED_MAX = 2**53 - 1  # the largest integer that JSON carries whole to every client


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
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["run_after"], condition=Q(status__in=["waiting", "finishing"]), name="open_ads")]
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


class Step(models.Model):
    """One step of the work: who did it, how long it took, what it used, and what came out.

    A step that went well is remembered by the hash of what went in: the same work for the same row is not done, or paid, twice.
    """

    class Kind(models.TextChoices):
        WRITE = "write", "Write"
        CUT_OUT = "cut_out", "Cut out"
        PAINT = "paint", "Paint"
        FINISH = "finish", "Finish"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, null=True, blank=True, related_name="steps")
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, null=True, blank=True, related_name="steps")
    ad = models.ForeignKey(Ad, on_delete=models.CASCADE, null=True, blank=True, related_name="steps")
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, null=True, blank=True, related_name="steps")
    attempt = models.PositiveIntegerField(default=0)
    subject = models.UUIDField(null=True, blank=True, editable=False, help_text="The row it was done for.")
    input_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of everything that went in.")
    output = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    output_data = models.JSONField(default=dict, blank=True)
    who = models.CharField(max_length=80, help_text="The engine, server or writer that did it.")
    seconds = models.FloatField(default=0.0)
    tokens = models.PositiveIntegerField(default=0)
    gpu_seconds = models.FloatField(default=0.0)
    micro_usd = models.BigIntegerField(default=0)
    error = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            # Estimates read the newest measured times of a kind.
            models.Index(fields=["kind", "who", "-created_at"], name="newest_steps_of_a_kind"),
            # A brand's budget of the day looks for what cost money today.
            models.Index(fields=["created_at"], condition=Q(micro_usd__gt=0), name="steps_that_cost_money"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "input_hash"],
                condition=Q(error="", subject__isnull=False) & ~Q(input_hash=""),
                name="a_step_is_done_once_for_the_same_input",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.who}"


class Event(models.Model):
    """Something that happened to a brand's things, in order. Written in the transaction in which it happened."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=40, help_text="For instance picture.ready.")
    object_id = models.UUIDField()
    # An order that is purged leaves its events behind: their numbers have no hole.
    generation = models.ForeignKey(Generation, on_delete=models.SET_NULL, null=True, blank=True, related_name="events")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["brand", "seq"]
        constraints = [models.UniqueConstraint(fields=["brand", "seq"], name="one_event_per_number")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Breaker(models.Model):
    """Whether something outside works: an engine by its name, or the store of files. Open, it is left in peace for a while. Times as in `Claimed`."""

    name = models.CharField(max_length=80, primary_key=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row, within the window.")
    first_failure = models.BigIntegerField(default=0, editable=False)
    open_until = models.BigIntegerField(default=0, editable=False, help_text="Not asked before this time; 0: closed, all is well.")
    probe_until = models.BigIntegerField(default=0, editable=False, help_text="One try is under way to see whether it works again.")
    reason = models.CharField(max_length=400, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Rate(models.Model):
    """How often something happened in one slot of time: hourly jobs run once a slot, whoever asks; budgets end at a number."""

    name = models.CharField(max_length=80)
    slot = models.BigIntegerField(help_text="The number of the slot since 1970.")
    count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["name", "-slot"]
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="one_count_per_name_and_slot")]

    def __str__(self) -> str:
        return f"{self.name} {self.slot}: {self.count}"


class Fingerprint(models.Model):
    """What every finished file is known by, kept for good: also when the ad is gone, and without naming anybody.

    By it a file is found again that comes back from outside (`generations/checking.py`).
    """

    ad = models.UUIDField(help_text="The ad's id; the ad itself may be gone.")
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    looks = models.CharField(max_length=16, help_text="The perceptual hash, as 16 hexadecimal digits.")
    # Two hashes that differ in three bits or fewer are equal in one of four pieces at least, and mostly so with a few more.
    piece_1 = models.PositiveIntegerField(db_index=True, editable=False)
    piece_2 = models.PositiveIntegerField(db_index=True, editable=False)
    piece_3 = models.PositiveIntegerField(db_index=True, editable=False)
    piece_4 = models.PositiveIntegerField(db_index=True, editable=False)
    number = models.CharField(
        max_length=16, blank=True, db_index=True, help_text="What its invisible watermark says; empty where it has none."
    )
    source_type = models.CharField(max_length=40, help_text="IPTC digital source type.")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["ad", "sha256"], name="one_fingerprint_per_file_of_an_ad")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} of ad {self.ad}"
