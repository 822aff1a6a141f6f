"""The ledger: what brands hold, spend and get back, and that no credit is ever lost or made."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import ledger
from accounts.ledger import Balance, NotEnoughCredits
from accounts.models import Brand, CreditAccount, Entry, Transfer, User

WHY = "For the tests"


@pytest.fixture
def rich(brand: Brand) -> Brand:
    """Mia's brand with 10 credits."""
    ledger.grant(brand, 10, reason=WHY, by=None)
    return brand


def house() -> dict[str, int]:
    return dict(CreditAccount.objects.filter(brand=None).values_list("kind", "balance"))


def test_a_brand_that_never_had_credits_has_none(brand: Brand) -> None:
    assert ledger.balance(brand) == Balance(0, 0)
    with pytest.raises(NotEnoughCredits) as refused:
        ledger.hold(brand.pk, {uuid4(): 4})
    assert (refused.value.needed, refused.value.available) == (4, 0)
    assert not Transfer.objects.exists()


def test_credits_are_held_then_spent_or_given_back(rich: Brand) -> None:
    first, second = uuid4(), uuid4()
    ledger.hold(rich.pk, {first: 4, second: 1}, note="Order 1")
    assert ledger.balance(rich) == Balance(5, 5)
    assert ledger.capture([first]) == 1
    assert ledger.balance(rich) == Balance(5, 1)
    assert ledger.void([second]) == 1
    assert ledger.balance(rich) == Balance(6, 0)
    assert house() == {"issued": -10, "earned": 4}
    assert sum(Entry.objects.values_list("amount", flat=True)) == 0
    assert ledger.reconcile() == []


def test_an_order_that_costs_too_much_is_told_what_to_do_and_holds_nothing(rich: Brand) -> None:
    with pytest.raises(NotEnoughCredits, match=r"This order needs 11 credits and your brand has 10\. Choose fewer variations, or ask for"):
        ledger.hold(rich.pk, {uuid4(): 10, uuid4(): 1})
    assert ledger.balance(rich) == Balance(10, 0)
    assert not Transfer.objects.filter(kind="hold").exists()


def test_what_an_open_order_holds_cannot_be_spent_again(rich: Brand) -> None:
    ledger.hold(rich.pk, {uuid4(): 7})
    with pytest.raises(NotEnoughCredits) as refused:
        ledger.hold(rich.pk, {uuid4(): 4})
    assert refused.value.available == 3


def test_a_free_picture_is_written_down_too_and_moves_nothing(brand: Brand) -> None:
    free = uuid4()
    ledger.hold(brand.pk, {free: 0})
    assert ledger.capture([free]) == 1
    assert ledger.void([free]) == 0
    assert list(Transfer.objects.order_by("created_at").values_list("kind", "credits")) == [("hold", 0), ("capture", 0)]
    assert not Entry.objects.exists()
    assert not CreditAccount.objects.exists()
    assert ledger.reconcile() == []


def test_a_hold_is_resolved_only_once(rich: Brand) -> None:
    picture = uuid4()
    ledger.hold(rich.pk, {picture: 4})
    assert [ledger.capture([picture]), ledger.capture([picture]), ledger.void([picture])] == [1, 0, 0]
    assert ledger.balance(rich) == Balance(6, 0)


def test_what_was_never_held_is_left_alone(rich: Brand) -> None:
    held = uuid4()
    ledger.hold(rich.pk, {held: 1})
    assert ledger.capture([uuid4(), uuid4()]) == 0
    assert ledger.capture([]) == 0
    assert ledger.void([uuid4(), held]) == 1


def test_the_same_picture_cannot_be_held_twice(rich: Brand) -> None:
    picture = uuid4()
    ledger.hold(rich.pk, {picture: 1})
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.hold(rich.pk, {picture: 1})
    assert ledger.balance(rich) == Balance(9, 1)


def test_a_hold_below_zero_is_refused(rich: Brand) -> None:
    with pytest.raises(ValueError, match="below 0"):
        ledger.hold(rich.pk, {uuid4(): -1, uuid4(): 3})
    assert ledger.balance(rich) == Balance(10, 0)


def test_pictures_of_two_brands_are_settled_in_one_call(rich: Brand, eve: User) -> None:
    other = eve.brands.get()
    ledger.grant(other, 5, reason=WHY, by=None)
    ours, theirs, free = uuid4(), uuid4(), uuid4()
    ledger.hold(rich.pk, {ours: 2, free: 0})
    ledger.hold(other.pk, {theirs: 3})
    assert ledger.capture([ours, theirs, free]) == 3
    assert ledger.balances([rich.pk, other.pk]) == {rich.pk: Balance(8, 0), other.pk: Balance(2, 0)}
    assert house()["earned"] == 5
    assert ledger.reconcile() == []


def test_a_hold_vanishes_with_the_order_that_could_not_be_written(rich: Brand) -> None:
    with transaction.atomic():
        ledger.hold(rich.pk, {uuid4(): 4})
        transaction.set_rollback(True)
    assert ledger.balance(rich) == Balance(10, 0)
    assert ledger.reconcile() == []


def test_the_same_gift_is_given_only_once(brand: Brand, sam: User) -> None:
    first = ledger.grant(brand, 5, reason="Welcome", by=sam, key="welcome")
    assert ledger.grant(brand, 9, reason="Welcome again", by=None, key="welcome") == first
    assert ledger.balance(brand) == Balance(5, 0)
    assert (first.kind, first.created_by, first.reason) == ("grant", sam, "Welcome")
    ledger.grant(brand, 1, reason="Another", by=sam)
    ledger.grant(brand, 1, reason="Another", by=sam)
    assert ledger.balance(brand) == Balance(7, 0)


@pytest.mark.parametrize(("number", "reason"), [(0, WHY), (-1, WHY), (2_000_000_000, WHY), (1, ""), (1, "  ")])
def test_a_gift_needs_an_amount_and_a_reason(brand: Brand, number: int, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        ledger.grant(brand, number, reason=reason, by=None)
    assert not Transfer.objects.exists()


def test_staff_put_a_balance_right_up_and_down_but_never_below_zero(rich: Brand, sam: User) -> None:
    ledger.hold(rich.pk, {uuid4(): 6})
    ledger.adjust(rich, 2, reason="Miscounted", by=sam)
    ledger.adjust(rich, -5, reason="Miscounted", by=sam)
    assert ledger.balance(rich) == Balance(1, 6)
    with pytest.raises(ValueError, match="Miravel has 1 credit available"):
        ledger.adjust(rich, -2, reason="Too much", by=sam)
    with pytest.raises(ValueError, match="not 0"):
        ledger.adjust(rich, 0, reason="Nothing", by=sam)
    assert ledger.balance(rich) == Balance(1, 6)
    assert Transfer.objects.filter(kind="adjust").count() == 2
    assert house() == {"issued": -7}
    assert ledger.reconcile() == []


def test_what_was_paid_for_counts_once_and_needs_a_key(brand: Brand) -> None:
    first = ledger.top_up(brand, 50, reason="Bought", key="kiosk:1")
    assert ledger.top_up(brand, 50, reason="Bought", key="kiosk:1") == first
    assert ledger.balance(brand) == Balance(50, 0)
    with pytest.raises(ValueError, match="key"):
        ledger.top_up(brand, 50, reason="Bought", key="")


def test_balances_of_many_brands_cost_one_query(rich: Brand, eve: User, django_assert_num_queries: object) -> None:
    other = eve.brands.get()
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert ledger.balances([rich.pk, other.pk]) == {rich.pk: Balance(10, 0), other.pk: Balance(0, 0)}


# --- only added to


def test_nobody_changes_or_deletes_a_row_of_the_ledger(rich: Brand) -> None:
    transfer, entry = Transfer.objects.get(), Entry.objects.all()[0]
    for row in (transfer, entry):
        with pytest.raises(ValueError, match="never changed"):
            row.save()
        with pytest.raises(ValueError, match="never changed"):
            row.delete()
    for rows in (Transfer.objects.all(), Entry.objects.all()):
        with pytest.raises(ValueError, match="never changed"):
            rows.update(pk=7)
        with pytest.raises(ValueError, match="never changed"):
            rows.delete()
    assert ledger.reconcile() == []


def refused(statement: str, *values: object) -> bool:
    """Whether the database itself says no."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except IntegrityError as error:
        return "The ledger is never changed" in str(error)
    return False


def test_the_database_refuses_to_change_the_ledger(rich: Brand, sam: User) -> None:
    assert refused("UPDATE accounts_transfer SET credits = 1000")
    assert refused("UPDATE accounts_transfer SET reason = 'Something else'")
    assert refused("UPDATE accounts_transfer SET key = 'something'")
    assert refused("UPDATE accounts_entry SET amount = amount * 2")
    assert Transfer.objects.get().credits == 10


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Django empties tables row by row on SQLite")
def test_the_database_refuses_to_delete_from_the_ledger(rich: Brand) -> None:
    assert refused("DELETE FROM accounts_entry")
    assert refused("DELETE FROM accounts_transfer")


def test_the_books_stay_when_who_wrote_them_is_deleted(brand: Brand, sam: User) -> None:
    ledger.grant(brand, 10, reason=WHY, by=sam)
    sam.delete()
    assert Transfer.objects.get().created_by is None


def test_nobody_else_is_named_as_who_wrote_a_transfer(brand: Brand, sam: User, mia: User) -> None:
    ledger.grant(brand, 10, reason=WHY, by=sam)
    assert refused("UPDATE accounts_transfer SET created_by_id = %s", mia.pk if connection.vendor == "postgresql" else mia.pk.hex)
    assert Transfer.objects.get().created_by == sam


@pytest.mark.parametrize("kind", ["available", "held", "earned"])
def test_no_balance_but_what_was_issued_goes_below_zero(rich: Brand, kind: str) -> None:
    picture = uuid4()
    ledger.hold(rich.pk, {picture: 1})
    ledger.capture([picture])
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.filter(kind=kind).update(balance=-1)


def test_a_house_account_is_opened_once(rich: Brand) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.create(kind="issued")
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.create(kind="held")


# --- reconciliation


def test_a_balance_that_somebody_touched_is_found(rich: Brand) -> None:
    CreditAccount.objects.filter(brand=rich, kind="available").update(balance=11)
    assert ledger.reconcile() == ["Available of Miravel: the balance is 11, but the entries add up to 10."]


def test_an_entry_without_its_other_side_is_found(rich: Brand) -> None:
    account = CreditAccount.objects.get(brand=rich, kind="available")
    transfer = Transfer.objects.create(kind="grant", brand=rich, credits=3, reason="By hand")
    Entry.objects.create(transfer=transfer, account=account, amount=3)
    CreditAccount.objects.filter(pk=account.pk).update(balance=13)
    assert ledger.reconcile() == [
        "All entries together are +3 and not 0.",
        f"Transfer {transfer.pk} is about 3 credits, but its entries do not move as many.",
    ]


def test_a_transfer_without_entries_is_found(rich: Brand) -> None:
    transfer = Transfer.objects.create(kind="grant", brand=rich, credits=1, reason="By hand")
    assert ledger.reconcile() == [f"Transfer {transfer.pk} is about 1 credit, but its entries do not move as many."]


def test_a_hold_that_is_resolved_without_moving_is_found(rich: Brand) -> None:
    picture = uuid4()
    ledger.hold(rich.pk, {picture: 4})
    half = Transfer.resolving(Transfer.objects.get(object_id=picture), "void")
    half.credits = 0
    half.save(force_insert=True)
    assert ledger.reconcile() == [
        f"Transfer {half.pk} does not resolve all that was held.",
        "Held of Miravel: the balance is 4, but the open holds add up to 0.",
    ]


def test_reconciling_asks_the_same_few_questions_however_long_the_books_are(rich: Brand, django_assert_num_queries: object) -> None:
    for _ in range(5):
        ledger.hold(rich.pk, {uuid4(): 1, uuid4(): 0})
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert ledger.reconcile() == []


def test_an_order_of_sixty_four_pictures_is_held_and_settled_in_a_few_statements(
    rich: Brand, django_assert_max_num_queries: object
) -> None:
    ledger.grant(rich, 100, reason=WHY, by=None)
    pictures: list[UUID] = [uuid4() for _ in range(64)]
    with django_assert_max_num_queries(10):  # type: ignore[operator] # two of them ask whether few credits are left, and whom to tell
        ledger.hold(rich.pk, dict.fromkeys(pictures, 1))
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        assert ledger.capture(pictures) == 64
    assert ledger.reconcile() == []
