"""What a brand may spend, as its people see it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts import ledger
from accounts.models import Brand, Membership, User
from tests.api.conftest import is_problem

HERE = "/api/v1/me/credits"


@pytest.fixture
def books(brand: Brand, mia: User, sam: User) -> Brand:
    """Mia's brand: 10 credits from Sam, 4 of them held."""
    ledger.grant(brand, 10, reason="Welcome", by=sam)
    ledger.hold(brand.pk, {uuid4(): 4}, note="Order")
    return brand


def test_mia_sees_what_her_brands_may_spend(as_mia: APIClient, mia: User, books: Brand) -> None:
    second = Brand.objects.create(name="Second", slug="second")
    Membership.objects.create(user=mia, brand=second)
    answer = as_mia.get(HERE)
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {"brand": str(books.pk), "name": "Miravel", "available": 6, "held": 4},
            {"brand": str(second.pk), "name": "Second", "available": 0, "held": 0},
        ]
    }


def test_the_statement_of_a_brand_has_the_newest_first_and_names_no_staff(as_mia: APIClient, books: Brand, sam: User) -> None:
    picture = uuid4()
    ledger.hold(books.pk, {picture: 0})
    answer = as_mia.get(HERE, {"brand": str(books.pk)})
    told = answer.json()
    assert told["results"] == [{"brand": str(books.pk), "name": "Miravel", "available": 6, "held": 4}]
    assert [(line["kind"], line["credits"], line["reason"]) for line in told["transfers"]] == [
        ("hold", 0, ""),
        ("hold", 4, "Order"),
        ("grant", 10, "Welcome"),
    ]
    assert told["transfers"][0]["picture"] == str(picture)
    assert told["transfers"][2]["picture"] is None
    assert set(told["transfers"][0]) == {"id", "kind", "credits", "picture", "reason", "created_at"}
    assert sam.email not in answer.content.decode()


def test_a_statement_ends_after_fifty_lines(as_mia: APIClient, books: Brand) -> None:
    ledger.hold(books.pk, {uuid4(): 0 for _ in range(60)})
    assert len(as_mia.get(HERE, {"brand": str(books.pk)}).json()["transfers"]) == 50


def test_max_of_her_team_sees_the_same(as_mia: APIClient, as_max: APIClient, books: Brand) -> None:
    assert as_max.get(HERE).json() == as_mia.get(HERE).json()


def test_eve_sees_nothing_of_mias_brand(as_eve: APIClient, eve: User, books: Brand) -> None:
    assert [line["name"] for line in as_eve.get(HERE).json()["results"]] == ["Elsewhere"]
    body = is_problem(as_eve.get(HERE, {"brand": str(books.pk)}), 404)
    assert body["detail"] == is_problem(as_eve.get(HERE, {"brand": str(uuid4())}), 404)["detail"]


@pytest.mark.parametrize("name", ["miravel", "7", "../", "\0", "x" * 5000, "{00000000-0000-0000-0000-000000000000}"])
def test_what_is_no_id_of_a_brand_is_not_found(as_mia: APIClient, books: Brand, name: str) -> None:
    answer = as_mia.get(HERE, {"brand": name})
    if name == "\0":  # nothing is left of it: as if no brand was asked for
        assert answer.status_code == 200
        return
    is_problem(answer, 404)


def test_a_brand_that_was_taken_away_is_not_shown(as_mia: APIClient, books: Brand) -> None:
    Brand.objects.filter(pk=books.pk).update(deleted_at="2026-01-01T00:00:00Z")
    assert as_mia.get(HERE).json() == {"results": []}
    is_problem(as_mia.get(HERE, {"brand": str(books.pk)}), 404)


def test_a_stranger_without_a_token_and_every_other_method_are_refused(anyone: APIClient, as_mia: APIClient, books: Brand) -> None:
    is_problem(anyone.get(HERE), 401)
    for method in ("post", "put", "patch", "delete"):
        is_problem(getattr(as_mia, method)(HERE), 405)
    assert ledger.balance(books) == (6, 4)


def test_credits_of_one_brand_or_ten_cost_the_same(as_mia: APIClient, mia: User, books: Brand, django_assert_num_queries: object) -> None:
    for number in range(9):
        Membership.objects.create(user=mia, brand=Brand.objects.create(name=f"Brand {number}", slug=f"brand-{number}"))
    with django_assert_num_queries(3):  # type: ignore[operator] # the person of the token, the brands, the balances
        assert len(as_mia.get(HERE).json()["results"]) == 10
