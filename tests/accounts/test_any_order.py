"""Whatever happens in whatever order: the books are right, and nobody is below zero."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import ledger
from accounts.ledger import Balance, NotEnoughCredits
from accounts.models import Brand

WHICH = st.lists(st.integers(0, 11), max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("grant"), st.integers(1, 12)),
    st.tuples(st.just("hold"), st.lists(st.integers(0, 5), min_size=1, max_size=4)),
    st.tuples(st.just("capture"), WHICH),
    st.tuples(st.just("void"), WHICH),
    st.tuples(st.just("adjust"), st.integers(-8, 8).filter(bool)),
)


class Model:
    """What a brand's credits should be, kept in two numbers and a table."""

    def __init__(self) -> None:
        self.available, self.open, self.pictures = 0, dict[UUID, int](), list[UUID]()

    def chosen(self, which: list[int]) -> list[UUID]:
        """Pictures by number; numbers above what was ordered are pictures that nobody ever held."""
        return [self.pictures[number] if number < len(self.pictures) else uuid4() for number in which]


def do(brand: Brand, model: Model, kind: str, told: object) -> None:
    """Take one step in the ledger and in the model, and look whether both say the same."""
    match kind, told:
        case "grant", int(number):
            ledger.grant(brand, number, reason="Step", by=None)
            model.available += number
        case "adjust", int(number):
            if model.available + number < 0:
                with pytest.raises(ValueError, match="Take away no more"):
                    ledger.adjust(brand, number, reason="Step", by=None)
                return
            ledger.adjust(brand, number, reason="Step", by=None)
            model.available += number
        case "hold", list(prices):
            holds = {uuid4(): price for price in prices}
            if sum(prices) > model.available:
                with pytest.raises(NotEnoughCredits):
                    ledger.hold(brand.pk, holds)
                return
            ledger.hold(brand.pk, holds)
            model.available -= sum(prices)
            model.open |= holds
            model.pictures += holds
        case "capture" | "void", list(which):
            chosen = model.chosen(which)
            ending = {picture: model.open.pop(picture) for picture in set(chosen) & set(model.open)}
            assert (ledger.capture if kind == "capture" else ledger.void)(chosen) == len(ending)
            model.available += sum(ending.values()) if kind == "void" else 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
def test_any_story_keeps_the_books_right_and_every_balance_at_zero_or_above(brand: Brand, steps: list[tuple[str, object]]) -> None:
    # One brand after another in the same books: the house's accounts go on.
    other = Brand.objects.create(name="Another", slug=f"another-{uuid4()}")
    model = Model()
    for kind, told in steps:
        do(other, model, kind, told)
        assert ledger.balance(other) == Balance(model.available, sum(model.open.values()))
        assert min(ledger.balance(other)) >= 0
    assert ledger.reconcile() == []
