"""Who: people, the brands they share, and what keeps one request from being done twice."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from keeping.models import StoredFile


class UserManager(BaseUserManager["User"]):
    """Makes people; an e-mail address is all the name they need to sign in."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person who may sign in. `password` None makes an account that nobody can sign in to yet."""
        if not email:
            raise ValueError("A person needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            # Whoever makes people here, by a command or in admin, answers for the address. Those who register confirm it themselves.
            user.emailaddress_set.create(email=user.email, verified=True, primary=True)  # type: ignore[attr-defined] # allauth's rows
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A member of staff who may do everything in admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Sign-in by e-mail, whatever its capitals."""
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address signs in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=10, default="en", help_text="In which new briefs begin.")
    time_zone = models.CharField(max_length=64, default="UTC")
    unwanted_mail = models.JSONField(default=list, blank=True, editable=False, help_text="Kinds of e-mail that this person does not want.")
    sign_in_epoch = models.PositiveIntegerField(default=0, editable=False, help_text="One more ends every session and token.")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter admin.")
    date_joined = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its owner closed the account; purged 30 days later."
    )

    objects: ClassVar[UserManager] = UserManager()

    only_brand: uuid.UUID | None = None  # set while a key of this person's works: it opens this brand only

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_account_per_email")]

    def __str__(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django asks for this with the keys of today and of before: a session holds while password and epoch stay as they are."""
        salted = salted_hmac("accounts.User.session", f"{self.password}:{self.sign_in_epoch}", secret=secret, algorithm="sha256")
        return salted.hexdigest()

    @property
    def initials(self) -> str:
        """One or two letters for the round beside the menu."""
        words = (self.name or self.email.split("@")[0]).replace(".", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"


class Brand(models.Model):
    """The marketer's world: how it looks, how it talks, and the people who share it. Everything a marketer owns belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    wordmark = models.CharField(max_length=40, blank=True, help_text="The name as it stands on ads while there is no logo. Empty: none.")
    logo = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    logo_on_dark = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="The logo's version for dark grounds."
    )
    clear_space = models.FloatField(
        default=0.25,
        validators=[MinValueValidator(0), MaxValueValidator(2)],
        help_text="What stays free round the logo, in heights of the logo.",
    )
    truth = models.JSONField(
        "product truth",
        default=dict,
        blank=True,
        help_text='When an ad is flagged, and cannot be approved: {"delta_e_mean": 5, "ssim": 0.8}. Empty: as everywhere.',
    )
    colours = models.JSONField(default=dict, blank=True, help_text='Roles to colours: {"primary": "#006746", "ink": "#131c18"}.')
    headline_font = models.SlugField(max_length=60, blank=True)
    text_font = models.SlugField(max_length=60, blank=True)
    tone = models.CharField(max_length=80, blank=True)
    words_to_use = models.JSONField(default=list, blank=True)
    words_to_avoid = models.JSONField(default=list, blank=True)
    daily_micro_usd = models.PositiveBigIntegerField(
        "daily budget",
        null=True,
        blank=True,
        help_text="What language and image models may cost for this brand in a day (UTC), in micro-USD: 1000000 are one dollar. "
        "Empty: as everywhere in this installation. 0: nothing that costs money is asked.",
    )
    members = models.ManyToManyField(User, through="Membership", related_name="brands")
    event_seq = models.PositiveBigIntegerField(default=0, editable=False, help_text="The number of the newest event of this brand.")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    purged_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When all but the ledger was deleted for good.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's place in one brand."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        EDITOR = "editor", "Editor"
        REVIEWER = "reviewer", "Reviewer"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "brand"], name="one_membership_per_person_and_brand")]

    def __str__(self) -> str:
        return f"{self.user} in {self.brand} ({self.role})"


class Invitation(models.Model):
    """An offer to share a brand, sent to an address. Its link is signed and not kept; whoever has it may accept until it runs out."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.EDITOR)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "email"], condition=models.Q(accepted_at=None), name="one_open_invitation_per_brand_and_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.brand}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.expires_at > timezone.now()


class Product(models.Model):
    """Something a brand sells; photos may belong to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="products")
    name = models.CharField(max_length=80)
    url = models.URLField(blank=True)
    sku = models.CharField("SKU", max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """One caller's key for one route: the same request again gets the answer it got the first time. Kept for 24 hours."""

    caller = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    answer = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "route", "key"], name="one_answer_per_caller_route_and_key")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
