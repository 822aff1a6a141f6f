"""The ledger: what brands hold, spend and get back, and that no credit is ever lost or made."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts import ledger
from accounts.ledger import Balance, NotEnoughCredits
from accounts.models import Brand, CreditAccount, Entry, Transfer

OURS = {"reason": "For the tests", "by": None}


def test_a_brand_that_never_had_credits_has_none(brand: Brand) -> None:
    assert ledger.balance(brand) == Balance(0, 0)
    with pytest.raises(NotEnoughCredits) as refused:
        ledger.hold(brand.pk, {uuid4(): 4})
    assert (refused.value.needed, refused.value.available) == (4, 0)
    assert not Transfer.objects.exists()


def test_credits_are_held_then_spent(brand: Brand) -> None:
    ledger.grant(brand, 10, **OURS)
    first, second = uuid4(), uuid4()
    ledger.hold(brand.pk, {first: 4, second: 1}, note="Order 1")
    assert ledger.balance(brand) == Balance(5, 5)
    assert ledger.capture([first]) == 1
    assert ledger.balance(brand) == Balance(5, 1)
    assert ledger.void([second]) == 1
    assert ledger.balance(brand) == Balance(6, 0)
    assert dict(CreditAccount.objects.filter(brand=None).values_list("kind", "balance")) == {"issued": -10, "earned": 4}
    assert sum(Entry.objects.values_list("amount", flat=True)) == 0
    assert ledger.reconcile() == []
