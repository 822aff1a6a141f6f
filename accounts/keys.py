"""Keys for machines: made once and shown once, for one brand, read-only or not, until they run out or are taken back."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.brands import may_edit
from accounts.models import ApiKey, Brand, User
from accounts.queries import brands_of

MARK = "ak_"  # what every key begins with, so that a leaked one is found by whoever scans for such
DAYS, MOST_DAYS = 90, 366
MOST_KEYS = 20  # open at a time, of one brand
NAME_LENGTH = 80
NOTED_EVERY = timedelta(minutes=1)  # that a key was used is written down this often at most


class KeyRefused(Exception):
    """A key cannot be made as it was asked for. `field` names what is wrong; the message is a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def keys_of(user: User | AnonymousUser) -> QuerySet[ApiKey]:
    """The keys of this person's brands."""
    return ApiKey.objects.filter(brand__in=brands_of(user)).select_related("brand", "created_by")


def make_key(*, by: User, brand: Brand, name: str, read_only: bool = False, days: int = DAYS) -> tuple[ApiKey, str]:
    """A new key and what opens with it, which is shown this once. Raises KeyRefused."""
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise KeyRefused("name", f"Give the key a name of at most {NAME_LENGTH} characters, so that you know it again.")
    if not 1 <= days <= MOST_DAYS:
        raise KeyRefused("days", f"A key can be good for 1 to {MOST_DAYS} days.")
    prefix, secret = MARK + secrets.token_hex(4), secrets.token_urlsafe(32)
    with transaction.atomic():
        # The brand's row keeps two who are quick from going over the limit together.
        Brand.objects.select_for_update().get(pk=brand.pk)
        if ApiKey.objects.filter(brand=brand, revoked_at=None, expires_at__gt=timezone.now()).count() >= MOST_KEYS:
            raise KeyRefused("brand", f"A brand may have {MOST_KEYS} keys. Take one back that is not needed any more.")
        key = ApiKey.objects.create(
            brand=brand,
            created_by=by,
            name=name,
            prefix=prefix,
            secret_hash=_hash(secret),
            read_only=read_only,
            expires_at=timezone.now() + timedelta(days=days),
        )
    return key, f"{prefix}_{secret}"


def take_back(key: ApiKey) -> bool:
    """Let a key open nothing any more, at once. False when it opened nothing already."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).exists():
        return False
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])  # saved, and not updated, so that the log hears of it
    return True


def opened_by(told: str) -> ApiKey | None:
    """The key that this text is, while it is good and its owner still shares the brand; None for everything else."""
    prefix, _, secret = told.removeprefix(MARK).partition("_")
    found = ApiKey.objects.filter(prefix=MARK + prefix, brand__deleted_at=None, created_by__is_active=True).select_related(
        "created_by", "brand"
    )
    key = found.first()
    # Compared also where there is no such key, so that both take the same time.
    right = constant_time_compare(_hash(secret), key.secret_hash if key else _hash(""))
    if key is None or not right or not key.is_open or not brands_of(key.created_by).filter(pk=key.brand_id).exists():
        return None
    if not key.read_only and not may_edit(key.created_by, key.brand):
        key.read_only = True  # whoever may only look by now has a key that only looks
    now = timezone.now()
    ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY), pk=key.pk).update(last_used_at=now)
    key.created_by.only_brand = key.brand_id
    return key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
