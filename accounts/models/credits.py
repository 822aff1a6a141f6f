"""What brands may spend: accounts, transfers and entries of a double-entry ledger, and what a picture costs."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models.people import Brand
from finishing.shapes import SHAPES
from keeping.versions import Version
from keeping.written_once import WrittenOnce

MOST_CREDITS = 1_000_000_000  # of one transfer, far below what a column holds


class CreditAccount(models.Model):
    """A pot of credits. A brand has what is available and what is held; the house has what it issued and what it earned."""

    class Kind(models.TextChoices):
        AVAILABLE = "available", "Available"
        HELD = "held", "Held"
        ISSUED = "issued", "Issued"
        EARNED = "earned", "Earned"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, null=True, blank=True, related_name="credit_accounts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    balance = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["brand", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["brand", "kind"], name="one_credit_account_per_brand_and_kind"),
            # NULLs differ from each other, so the rule above does not hold for the house.
            models.UniqueConstraint(fields=["kind"], condition=Q(brand=None), name="one_house_account_per_kind"),
            models.CheckConstraint(
                condition=Q(brand__isnull=False, kind__in=["available", "held"]) | Q(brand=None, kind__in=["issued", "earned"]),
                name="brands_spend_and_the_house_issues",
            ),
            models.CheckConstraint(condition=Q(balance__gte=0) | Q(kind="issued"), name="only_issued_credits_go_below_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.brand or 'the house'}"


class LedgerRow(WrittenOnce):
    """A row of the ledger."""

    NEVER_CHANGED = "The ledger is never changed. Write another transfer that puts it right."

    class Meta:
        abstract = True


class Transfer(LedgerRow):
    """One thing that happened to a brand's credits. Its entries say between which accounts; 0 credits have none."""

    class Kind(models.TextChoices):
        HOLD = "hold", "Held"
        CAPTURE = "capture", "Spent"
        VOID = "void", "Given back"
        GRANT = "grant", "Granted"
        TOPUP = "topup", "Bought"
        ADJUST = "adjust", "Adjusted"

    NAMES: ClassVar[uuid.UUID] = uuid.UUID("7d0c7a36-2a5e-5c0f-9b4d-0b6a51f6b1a4")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="transfers")
    object_id = models.UUIDField(null=True, blank=True, help_text="The picture that is paid for.")
    credits = models.BigIntegerField()
    resolves = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="resolution")
    reason = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=200, blank=True, help_text="Whoever asks twice with the same key gets the first transfer again.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        permissions = [("grant_credits", "Can grant and adjust credits")]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="one_transfer_per_key"),
            models.CheckConstraint(condition=Q(credits__gte=0) | Q(kind="adjust"), name="only_adjustments_go_below_zero"),
            models.CheckConstraint(
                condition=Q(kind__in=["capture", "void"], resolves__isnull=False) | (~Q(kind__in=["capture", "void"]) & Q(resolves=None)),
                name="captures_and_voids_resolve_a_hold",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["hold", "capture", "void"], object_id__isnull=False)
                | (~Q(kind__in=["hold", "capture", "void"]) & Q(object_id=None)),
                name="holds_are_for_an_object",
            ),
        ]
        indexes = [
            # A brand's statement, the newest first.
            models.Index(fields=["brand", "-created_at", "-id"], name="transfers_of_a_brand"),
            # The holds of the pictures that a worker settles.
            models.Index(fields=["object_id", "kind"], name="transfers_of_an_object"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.credits}"

    @classmethod
    def of(cls, kind: str, *, brand_id: uuid.UUID, object_id: uuid.UUID | None, nth: object = "", **fields: Any) -> Self:
        """A transfer for an object, not yet saved. Its id follows from kind, object and `nth`, so that there can be only one of each."""
        name = f"{kind}:{object_id}:{nth}" if nth else f"{kind}:{object_id}"
        return cls(id=uuid.uuid5(cls.NAMES, name), kind=kind, brand_id=brand_id, object_id=object_id, **fields)

    @classmethod
    def resolving(cls, hold: Transfer, kind: str) -> Self:
        """The capture or void of a hold, not yet saved: all of it, for the same brand and object."""
        told = {"credits": hold.credits, "resolves": hold, "reason": hold.reason}
        first = hold.pk == cls.of("hold", brand_id=hold.brand_id, object_id=hold.object_id).pk
        return cls.of(kind, brand_id=hold.brand_id, object_id=hold.object_id, nth="" if first else hold.pk, **told)


class Entry(LedgerRow):
    """One side of a transfer: what it adds to an account. The entries of a transfer add up to 0."""

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="entries")
    amount = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["transfer", "account"], name="one_entry_per_transfer_and_account"),
            models.CheckConstraint(condition=~Q(amount=0), name="an_entry_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+d}"


class Price(models.Model):
    """What a picture of one engine costs. The slug is the engine's name."""

    slug = models.SlugField("engine", max_length=40, unique=True)
    title = models.CharField(max_length=80)
    current = models.ForeignKey("PriceVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class PriceVersion(Version):
    """One state of a price: credits by shape. Orders keep the one they were made with."""

    price = models.ForeignKey(Price, on_delete=models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        constraints = [models.UniqueConstraint(fields=["price", "number"], name="one_price_version_per_number")]

    def __str__(self) -> str:
        return f"{self.price} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new version. Raises ValueError with a sentence when its data names no proper price."""
        check_price(self.data)
        super().save(*args, **kwargs)

    def credits(self, shape_id: str) -> int:
        """What one picture of this shape costs. Raises ValueError for a shape that there is not."""
        if shape_id not in self.data["credits"]:
            raise ValueError(f"There is no shape '{shape_id}'. Choose one of {', '.join(SHAPES)}.")
        return int(self.data["credits"][shape_id])


def check_price(data: Any) -> None:
    """Look whether data says a price for each of the shapes. Raises ValueError with a sentence that names what is wrong."""
    told = data.get("credits") if isinstance(data, dict) else None
    if not isinstance(told, dict):
        raise ValueError('A price must say its credits by shape, for instance {"credits": {"1:1": 1, …}}.')
    if missing := [shape for shape in SHAPES if shape not in told]:
        raise ValueError(f"A price is missing for {', '.join(missing)}.")
    if unknown := [str(shape) for shape in told if shape not in SHAPES]:
        raise ValueError(f"There is no shape {', '.join(unknown)}.")
    if wrong := [shape for shape, number in told.items() if type(number) is not int or not 0 <= number <= 10_000]:
        raise ValueError(f"The price for {', '.join(wrong)} must be a whole number from 0 to 10000.")
