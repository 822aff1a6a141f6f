"""What brands are told: the addresses that want to hear of something, and every message that goes to them."""

from __future__ import annotations

import secrets
import uuid
from base64 import b64encode
from typing import Any, ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.people import Brand
from keeping.claims import Claimed
from keeping.secrets import EncryptedText

# What there is to hear of: a row's name and the status that it went into.
KINDS = (
    "generation.writing",
    "generation.making",
    "generation.ready",
    "generation.partly",
    "generation.failed",
    "generation.refused",
    "generation.cancelled",
    "picture.painting",
    "picture.finishing",
    "picture.ready",
    "picture.failed",
    "picture.refused",
    "picture.cancelled",
    "ad.finishing",
    "ad.ready",
    "ad.failed",
    "ad.cancelled",
    # What people do: ordered again, worded anew, judged, starred, taken away and brought back.
    "generation.waiting",
    "picture.waiting",
    "ad.waiting",
    "copy.made",
    "copy.undone",
    "review.given",
    "ad.starred",
    "ad.unstarred",
    "ad.deleted",
    "ad.restored",
    "generation.deleted",
    "generation.restored",
)
PING = "ping"


def new_secret() -> str:
    """A secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


class Webhook(models.Model):
    """An address of a brand's own that is told of what happens, in messages it can verify."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    kinds = models.JSONField(default=list, blank=True, help_text="What it wants to hear of. An empty list: everything.")
    secret = EncryptedText(default=new_secret, editable=False)
    previous_secret = EncryptedText(blank=True, editable=False, help_text="Signs too, until the receiver knows the new one.")
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False, help_text="Why we switched it off.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.url

    def wants(self, kind: str) -> bool:
        """Whether it is told of this kind."""
        return not self.kinds or kind in self.kinds

    def signing_secrets(self) -> list[str]:
        """The secrets that sign today: the newest, and the one before while its time is not over. Raises SecretUnreadable."""
        overlap = self.previous_secret and self.previous_until and self.previous_until > timezone.now()
        return [self.secret, self.previous_secret] if overlap else [self.secret]


class Delivery(Claimed):
    """One message to one webhook. Its id is the `webhook-id`, the same at every try, so that a receiver knows what it has seen."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    FINAL: ClassVar[frozenset[Any]] = frozenset({Status.DELIVERED, Status.FAILED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=40)
    object_id = models.UUIDField()
    body = models.JSONField(encoder=DjangoJSONEncoder)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    answer_code = models.PositiveSmallIntegerField(null=True, blank=True)
    answer_body = models.TextField(blank=True, help_text="The first 2 KB of what the receiver said.")
    log = models.JSONField(default=list, blank=True, help_text="Each try: when, how long, what came back.")
    in_line = models.BooleanField(default=True, editable=False, help_text="Later messages to the same webhook wait for it.")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["waiting", "sending"]) | Q(in_line=False), name="an_ended_message_holds_up_none")
        ]
        indexes = [
            # The list of one webhook.
            models.Index(fields=["webhook", "created_at", "id"], name="deliveries_of_a_webhook"),
            # Whether a message stands before another one: the few that are in line, out of all that ever were.
            models.Index(fields=["webhook", "created_at"], condition=Q(in_line=True), name="messages_in_line"),
            # The sweep. Not for open rows alone: SQLite does not see that such an index would do.
            models.Index(fields=["status", "run_after"], name="messages_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.webhook_id}"
