"""What a pool of ComfyUI servers works with."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models

from keeping.models import StoredFile
from keeping.secrets import EncryptedText
from keeping.versions import Version

# What a model was trained as. A LoRA fits models of its own family only, and does nothing, silently, to any other.
FAMILIES = [("sd15", "SD 1.5"), ("sdxl", "SDXL"), ("flux", "Flux")]


class Server(models.Model):
    """A ComfyUI address, and what was last seen there. Times are epoch milliseconds of the database's clock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, unique=True)
    address = models.CharField(max_length=300, unique=True, help_text="The root of the server, for instance http://gpu-1:8188.")
    token = EncryptedText(blank=True, help_text="Sent as a bearer token, for a server behind a proxy that asks for one.")
    enabled = models.BooleanField(default=True, help_text="Off: it gets no new pictures, and ends those it has.")
    allow_private = models.BooleanField(default=False, help_text="The address may lead into a private network.")
    slots = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(16)],
        help_text="Pictures it may have at a time: one running, the rest waiting.",
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="How fast it is beside the others: one of weight 2 may have twice as many pictures before another is asked.",
    )
    families = models.JSONField(
        default=list, blank=True, help_text="The families of models that it may paint with: sd15, sdxl, flux. Empty: all of them."
    )
    custom_nodes = models.JSONField(default=list, blank=True, help_text="Classes of custom nodes that workflows may use on this server.")

    version = models.CharField(max_length=40, blank=True, editable=False)
    vram = models.BigIntegerField(default=0, editable=False, help_text="Bytes of the first device.")
    classes = models.JSONField(default=list, editable=False, help_text="Node classes it knows.")
    files = models.JSONField(
        default=dict, editable=False, help_text="Model files it has, by the input that takes them, for instance ckpt_name."
    )
    warm = models.CharField(max_length=200, blank=True, editable=False, help_text="The model file that its last picture was painted with.")
    last_seen = models.BigIntegerField(default=0, editable=False)
    looked_at = models.BigIntegerField(default=0, editable=False, help_text="When somebody last began to look, so that not everybody does.")
    last_error = models.CharField(max_length=400, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row, within a minute.")
    first_failure = models.BigIntegerField(default=0, editable=False)
    open_until = models.BigIntegerField(default=0, editable=False, help_text="Left in peace until then; 0: all is well.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ServerFile(models.Model):
    """A reference picture that was uploaded to a server, by its hash: the same picture goes there once."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="uploads")
    sha256 = models.CharField("SHA-256", max_length=64)
    name = models.CharField(max_length=200, help_text="What graphs on this server call it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["server", "sha256"], name="one_upload_of_a_picture_per_server")]

    def __str__(self) -> str:
        return self.name


class ServerJob(models.Model):
    """One picture's work on a server, written before anything is sent, so that any worker finds it again.

    A seat is one of the server's slots; the constraint hands it to one job at a time, whoever asks. `holder` is the fence: a worker that
    comes back late no longer fits. Times are epoch milliseconds of the database's clock.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="The picture's job id, which the server knows it by.")
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="jobs")
    seat = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    holder = models.UUIDField(default=uuid.uuid4, editable=False)
    held_until = models.BigIntegerField(default=0, editable=False, help_text="After this time the seat may be given to another job.")
    posts = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often it was sent to this server; part of the result's name."
    )
    faults = models.JSONField(default=list, editable=False, help_text="What went wrong before: pairs of server and error code.")
    fetched_at = models.BigIntegerField(default=0, editable=False, help_text="When its picture was here whole; 0: not yet.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "job on a server"
        verbose_name_plural = "jobs on servers"
        constraints = [models.UniqueConstraint(fields=["server", "seat"], name="one_job_per_seat_of_a_server")]

    def __str__(self) -> str:
        return f"{self.id} on {self.server}"


class Workflow(models.Model):
    """A graph for ComfyUI with its bindings: what a template names, and what an order fills."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    current = models.ForeignKey("WorkflowVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    starter_hash = models.CharField(max_length=64, blank=True, editable=False, help_text="What the starter workflows last wrote here.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class WorkflowVersion(Version):
    """One state of a workflow: `data` is {"graph": API-format JSON, "bindings": which inputs an order fills}."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        verbose_name = "workflow version"
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="one_workflow_version_per_number")]

    def __str__(self) -> str:
        return f"{self.workflow} v{self.number}"

    @property
    def graph(self) -> dict[str, Any]:
        """The nodes, by id."""
        graph: dict[str, Any] = self.data["graph"]
        return graph

    @property
    def bindings(self) -> dict[str, Any]:
        """Which inputs an order fills, and where the picture comes out."""
        bindings: dict[str, Any] = self.data["bindings"]
        return bindings


class Lora(models.Model):
    """A small model file that gives pictures a style, known to servers by its name."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    file_name = models.CharField(max_length=200, help_text="As the server lists it, for instance styles/film_grain.safetensors.")
    family = models.CharField(max_length=20, choices=FAMILIES)
    trigger_words = models.CharField(max_length=200, blank=True)
    weight_min = models.FloatField(default=0.0, validators=[MinValueValidator(-2), MaxValueValidator(2)])
    weight_max = models.FloatField(default=1.0, validators=[MinValueValidator(-2), MaxValueValidator(2)])
    weight_default = models.FloatField(default=0.7, validators=[MinValueValidator(-2), MaxValueValidator(2)])
    preview = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    licence = models.CharField(max_length=120, blank=True)
    source = models.CharField(
        max_length=300,
        blank=True,
        validators=[URLValidator(["https", "http"])],
        help_text="The page it was downloaded from, where its licence stands.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "LoRA"
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weight_min__lte=models.F("weight_default"), weight_default__lte=models.F("weight_max")),
                name="lora_weight_default_within_range",
            )
        ]

    def __str__(self) -> str:
        return self.title
