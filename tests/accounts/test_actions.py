"""The first people of a fresh machine, and their first credits."""

from __future__ import annotations

import pytest

from accounts import actions, ledger
from accounts.ledger import Balance
from accounts.models import Brand, Transfer, User

pytestmark = pytest.mark.django_db


def test_a_fresh_machine_has_credits_to_try_every_engine() -> None:
    made = actions.make_first_accounts()
    assert made is not None
    brand = User.objects.get(email=made["marketer"].email).brands.get()
    assert ledger.balance(brand) == Balance(500, 0)
    assert ledger.reconcile() == []


def test_the_demo_brand_is_welcomed_once() -> None:
    brand = actions.demo_brand()
    assert actions.demo_brand() == brand
    assert ledger.balance(brand) == Balance(500, 0)
    assert Transfer.objects.get().key == f"welcome:{brand.pk}"


def test_other_brands_start_with_nothing(brand: Brand) -> None:
    actions.demo_brand()
    assert ledger.balance(brand) == Balance(0, 0)
