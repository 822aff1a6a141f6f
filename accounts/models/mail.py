"""What people are told by e-mail: one row a message, written with what it tells of, sent by a task."""

from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.models.people import Brand
from keeping.claims import Claimed
from keeping.secrets import EncryptedText


class Message(Claimed):
    """One e-mail to one address. What it says lies encrypted until it is sent, since it may hold a link that opens an account; then it goes."""

    class Kind(models.TextChoices):
        VERIFY = "verify", "Confirm the address"
        CHANGE = "change", "Confirm a new address"
        CHANGED = "changed", "The address was changed"
        KNOWN = "known", "There is an account already"
        UNKNOWN = "unknown", "There is no such account"
        RESET = "reset", "Choose a new password"
        PASSWORD = "password", "The password was changed"
        SIGN_IN = "sign_in", "Signed in from a new place"
        SECOND_STEP = "second_step", "The second step was changed"
        TOKEN_REUSED = "token_reused", "A used token came back"
        INVITE = "invite", "Invited to a brand"
        READY = "ready", "Ads are ready"
        FAILED = "failed", "Ads could not be made"
        CREDITS_LOW = "credits_low", "Few credits are left"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    FINAL: ClassVar[frozenset[Any]] = frozenset({Status.SENT, Status.FAILED})
    OPTIONAL: ClassVar[frozenset[Any]] = frozenset({Kind.READY, Kind.FAILED, Kind.CREDITS_LOW})  # what a person may not want

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="messages")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    to = models.EmailField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    says = EncryptedText(blank=True, editable=False)
    once = models.CharField(max_length=80, null=True, blank=True, unique=True, help_text="The same thing is told once.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        # The sweep. Not for open rows alone: SQLite does not see that such an index would do.
        indexes = [models.Index(fields=["status", "run_after"], name="emails_by_time")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.to}"

    @property
    def words(self) -> dict[str, Any]:
        """What the templates fill in. Raises SecretUnreadable."""
        return dict(json.loads(self.says)) if self.says else {}
