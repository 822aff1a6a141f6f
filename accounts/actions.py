"""What a person may do with accounts and brands."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from django.db import transaction

from accounts.models import Brand, Membership, User


class SignIn(NamedTuple):
    """An account that was just made, and its password in the clear, to be shown once."""

    email: str
    password: str


@transaction.atomic
def demo_brand() -> Brand:
    """The brand that a fresh machine starts with."""
    brand, _ = Brand.objects.get_or_create(slug="demo", defaults={"name": "Demo brand"})
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
