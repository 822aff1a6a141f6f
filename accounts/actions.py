"""What a person may do with accounts and brands."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max

from accounts import ledger
from accounts.models import Brand, Membership, Price, PriceVersion, User

WELCOME = 500  # credits, so that a fresh machine can try engines that cost something


class SignIn(NamedTuple):
    """An account that was just made, and its password in the clear, to be shown once."""

    email: str
    password: str


@transaction.atomic
def demo_brand() -> Brand:
    """The brand that a fresh machine starts with, and its first credits, which are given once."""
    brand, _ = Brand.objects.get_or_create(slug="demo", defaults={"name": "Demo brand"})
    ledger.grant(brand, WELCOME, reason="Welcome to AdsGem", by=None, key=f"welcome:{brand.pk}")
    return brand


@transaction.atomic
def make_first_accounts() -> dict[str, SignIn] | None:
    """A marketer in the demo brand and a member of staff, with random passwords; None when there are people already."""
    if User.objects.exists():
        return None
    brand = demo_brand()
    marketer = SignIn("marketer@adsgem.local", secrets.token_urlsafe(12))
    staff = SignIn("staff@adsgem.local", secrets.token_urlsafe(12))
    person = User.objects.create_user(marketer.email, marketer.password, name="Mara Marketer")
    admin = User.objects.create_superuser(staff.email, staff.password, name="Sam Staff")
    Membership.objects.create(user=person, brand=brand, role=Membership.Role.OWNER)
    Membership.objects.create(user=admin, brand=brand, role=Membership.Role.EDITOR)
    return {"marketer": marketer, "staff": staff}


@transaction.atomic
def publish_price(*, by: User | None, price: Price, data: dict[str, Any], note: str = "") -> PriceVersion:
    """Write what an engine costs from now on as a new version; orders that exist keep theirs. Raises ValueError with a sentence."""
    Price.objects.select_for_update().get(pk=price.pk)  # two edits at once are two versions, one after the other
    newest = price.versions.aggregate(number=Max("number"))["number"] or 0
    version = PriceVersion(price=price, number=newest + 1, data=data, author=by, note=note[:200])
    version.save()
    Price.objects.filter(pk=price.pk).update(current=version)
    price.refresh_from_db()
    return version
