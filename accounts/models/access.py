"""How people get in, and what is remembered of it: tries that are counted, places that are known, the chains of tokens."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.people import Brand


class Tries(models.Model):
    """How often something was tried, by one key. The key is a hash, so that no address can be read from here.

    Times are epoch milliseconds of the database's clock.
    """

    key = models.CharField(primary_key=True, max_length=64)
    number = models.PositiveIntegerField(default=0)
    since = models.BigIntegerField(default=0, help_text="When the counting began.")
    shut_until = models.BigIntegerField(default=0, help_text="Nothing is tried under this key before then.")

    class Meta:
        verbose_name_plural = "tries"
        indexes = [models.Index(fields=["since"], name="tries_by_age")]  # what is old is forgotten once an hour

    def __str__(self) -> str:
        return f"{self.number} tries"


class Place(models.Model):
    """An address from which somebody signed in: they are told of a new one, and no stranger elsewhere can shut them out here."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="places")
    network = models.CharField(max_length=45, help_text="An IPv4 address, or the first half of an IPv6 address.")
    first_seen = models.DateTimeField(auto_now_add=True)
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "network"], name="one_row_per_person_and_place")]

    def __str__(self) -> str:
        return f"{self.user} from {self.network}"


class TokenChain(models.Model):
    """One sign-in through the API: each refresh token of it replaces the one before. Ended, none of its tokens opens anything."""

    LIVES = timedelta(days=1)  # without being used; as long as a refresh token

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_chains")
    newest = models.CharField(max_length=64, help_text="The id of the only refresh token that still works.")
    device = models.CharField(max_length=200, blank=True)
    network = models.CharField(max_length=45, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=20, blank=True, help_text="signed out, or a used token came back.")

    class Meta:
        ordering = ["-last_used_at"]
        # The list of somebody's devices.
        indexes = [models.Index(fields=["user", "last_used_at"], name="devices_of_a_person")]

    def __str__(self) -> str:
        return f"{self.user} on {self.device or 'a device'}"


class ApiKey(models.Model):
    """A key by which a machine works in one brand in somebody's name. Only the hash of its secret is kept; `prefix` is how people tell it apart."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.CharField(
        max_length=64, editable=False, help_text="SHA-256; the secret has 256 bits of its own, so no slow hash is needed."
    )
    read_only = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_open(self) -> bool:
        """Whether it still opens something."""
        return self.revoked_at is None and self.expires_at > timezone.now()
