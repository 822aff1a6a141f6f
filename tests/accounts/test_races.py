"""Many at once on real transactions: nobody spends the same credit twice, and a hold has one end."""

from __future__ import annotations

from collections import Counter
from functools import partial
from uuid import uuid4

import pytest

from accounts import ledger
from accounts.ledger import Balance, NotEnoughCredits
from accounts.models import Brand, CreditAccount, Transfer
from tests.accounts.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def brand() -> Brand:
    """Mia's brand, with credit for what the test wants."""
    return Brand.objects.create(name="Miravel", slug="miravel")


def give(brand: Brand, number: int) -> None:
    ledger.grant(brand, number, reason="For the tests", by=None)


def test_of_twenty_orders_with_credit_for_one_only_one_is_taken(brand: Brand) -> None:
    give(brand, 4)
    found = race([partial(ledger.hold, brand.pk, {uuid4(): 4}) for _ in range(20)])
    assert Counter(type(each) for each in found) == {type(None): 1, NotEnoughCredits: 19}, found
    assert ledger.balance(brand) == Balance(0, 4)
    assert Transfer.objects.filter(kind="hold").count() == 1
    assert ledger.reconcile() == []


@pytest.mark.parametrize("price", [0, 1])
def test_a_picture_that_is_ready_and_stopped_at_once_has_exactly_one_end(brand: Brand, price: int) -> None:
    give(brand, 50)
    pictures = [uuid4() for _ in range(50)]
    ledger.hold(brand.pk, dict.fromkeys(pictures, price))
    captured = 0
    for picture in pictures:
        found = race([partial(ledger.capture, [picture]), partial(ledger.void, [picture])])
        assert sorted(map(str, found)) == ["0", "1"], found
        captured += found[0] == 1
    assert Transfer.objects.filter(kind="capture").count() == captured
    assert Transfer.objects.filter(kind="void").count() == 50 - captured
    assert ledger.balance(brand) == Balance(50 - captured * price, 0)
    assert ledger.reconcile() == []


@pytest.mark.parametrize("price", [0, 3])
def test_four_who_give_back_at_once_give_back_once(brand: Brand, price: int) -> None:
    give(brand, 3)
    picture = uuid4()
    ledger.hold(brand.pk, {picture: price})
    found = race([partial(ledger.void, [picture]) for _ in range(4)])
    assert sorted(map(str, found)) == ["0", "0", "0", "1"], found
    assert ledger.balance(brand) == Balance(3, 0)
    assert Transfer.objects.filter(kind="void").count() == 1
    assert ledger.reconcile() == []


def test_a_stopped_order_and_its_pictures_that_become_ready_share_its_holds(brand: Brand) -> None:
    give(brand, 40)
    pictures = [uuid4() for _ in range(12)]
    ledger.hold(brand.pk, {picture: number % 3 for number, picture in enumerate(pictures)})
    held = ledger.balance(brand).held
    found = race([partial(ledger.void, pictures), *(partial(ledger.capture, [picture]) for picture in pictures[::2])])
    assert all(isinstance(each, int) for each in found), found
    assert sum(map(int, map(str, found))) == 12
    assert Transfer.objects.filter(kind__in=["capture", "void"]).count() == 12
    spent = sum(Transfer.objects.filter(kind="capture").values_list("credits", flat=True))
    assert ledger.balance(brand) == Balance(40 - spent, 0)
    assert held > 0
    assert ledger.reconcile() == []


def test_brands_that_order_settle_and_are_given_credits_never_wait_in_a_circle(brand: Brand) -> None:
    other = Brand.objects.create(name="Elsewhere", slug="elsewhere")
    ours, theirs = [uuid4() for _ in range(12)], [uuid4() for _ in range(12)]
    for each, pictures in ((brand, ours), (other, theirs)):
        give(each, 30)
        ledger.hold(each.pk, dict.fromkeys(pictures, 1))
    found = race(
        [
            *(partial(ledger.capture, [ours[n], theirs[n]]) for n in range(4)),
            *(partial(ledger.void, [theirs[n], ours[n]]) for n in range(4, 8)),
            *(partial(ledger.hold, each.pk, {uuid4(): 1}) for each in (brand, other) for _ in range(3)),
            *(partial(give, each, 1) for each in (brand, other) for _ in range(3)),
        ]
    )
    assert not [each for each in found if isinstance(each, BaseException)], found
    assert ledger.balance(brand) == ledger.balance(other) == Balance(30 + 3 - 4 - 7, 7)
    assert ledger.reconcile() == []


def test_the_first_gifts_of_a_new_brand_at_the_same_time_open_its_accounts_once(brand: Brand) -> None:
    found = race([partial(give, brand, 1) for _ in range(8)])
    assert found == [None] * 8
    assert CreditAccount.objects.count() == 3
    assert ledger.balance(brand) == Balance(8, 0)
    assert ledger.reconcile() == []


def test_one_payment_that_is_told_eight_times_at_once_counts_once(brand: Brand) -> None:
    found = race([partial(ledger.top_up, brand, 50, reason="Bought", key="kiosk:1") for _ in range(8)])
    assert len({getattr(each, "pk", each) for each in found}) == 1, found
    assert ledger.balance(brand) == Balance(50, 0)
