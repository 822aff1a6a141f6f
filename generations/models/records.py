"""What happened, and what is known of it: steps, events, outages, counts, fingerprints."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Brand
from generations.models.ads import Ad
from generations.models.orders import Generation
from generations.models.photos import Photo
from generations.models.pictures import Picture
from keeping.models import StoredFile


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
