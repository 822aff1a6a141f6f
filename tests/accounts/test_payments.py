"""Money that arrives, told by a provider: genuine, once, and only while there is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts import ledger, payments
from accounts.ledger import Balance
from accounts.models import Brand, Transfer

NOTICE = "/account/payments/notice/"


class Kiosk:
    """A provider that signs with one word."""

    name = "kiosk"

    def checkout_url(self, brand: Brand, credits: int, return_url: str) -> str:
        """Its till."""
        return f"https://kiosk.example/pay?for={brand.pk}&credits={credits}&back={return_url}"

    def read_notice(self, body: bytes, headers: Mapping[str, str]) -> payments.Payment | None:
        """JSON with the payment's id."""
        if headers.get("X-Signature") != "swordfish":
            raise payments.NoticeRefused("The signature is wrong.")
        told = json.loads(body)
        if told["event"] != "paid":
            return None
        return payments.Payment(id=told["id"], brand_id=UUID(told["brand"]), credits=told["credits"], micro_usd=told["micro_usd"])


@pytest.fixture
def kiosk(settings: Any) -> None:
    """The kiosk is the provider of this machine."""
    settings.PAYMENT_PROVIDER = f"{__name__}.Kiosk"


def told(brand_id: UUID, **other: Any) -> dict[str, Any]:
    return {"event": "paid", "id": "p-1", "brand": str(brand_id), "credits": 50, "micro_usd": 12_500_000} | other


def tell(body: dict[str, Any], signature: str = "swordfish") -> int:
    """Tell it as a provider does, from outside, with no cookie; gives the answer's status."""
    client = Client(enforce_csrf_checks=True)
    return client.post(NOTICE, json.dumps(body), content_type="application/json", headers={"x-signature": signature}).status_code


def test_while_no_provider_is_set_there_is_no_such_address(brand: Brand) -> None:
    assert tell(told(brand.pk)) == 404
    assert not Transfer.objects.exists()


def test_a_payment_becomes_credits(brand: Brand, kiosk: None) -> None:
    assert tell(told(brand.pk)) == 204
    transfer = Transfer.objects.get()
    assert (transfer.kind, transfer.credits, transfer.key, transfer.created_by) == ("topup", 50, "kiosk:p-1", None)
    assert transfer.reason == "Bought for 12.50 USD from kiosk, payment p-1"
    assert ledger.balance(brand) == Balance(50, 0)


def test_a_payment_that_is_told_twice_counts_once(brand: Brand, kiosk: None) -> None:
    assert [tell(told(brand.pk)), tell(told(brand.pk)), tell(told(brand.pk, id="p-2"))] == [204, 204, 204]
    assert ledger.balance(brand) == Balance(100, 0)
    assert ledger.reconcile() == []


def test_a_notice_that_is_not_genuine_is_refused(brand: Brand, kiosk: None) -> None:
    assert tell(told(brand.pk), signature="open sesame") == 400
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("wrong", [{"brand": str(uuid4())}, {"credits": 0}, {"credits": -5}, {"credits": 10**12}])
def test_a_payment_that_cannot_be_booked_is_refused_and_told_to_staff(
    brand: Brand, kiosk: None, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert tell(told(brand.pk, **wrong)) == 400
    assert "p-1" in caplog.text
    assert not Transfer.objects.exists()


def test_a_notice_about_something_else_is_taken_and_books_nothing(brand: Brand, kiosk: None) -> None:
    assert tell(told(brand.pk, event="abandoned")) == 204
    assert not Transfer.objects.exists()


def test_a_notice_is_only_posted(brand: Brand, kiosk: None, client: Client) -> None:
    assert client.get(NOTICE).status_code == 405


def test_the_provider_of_the_settings_is_the_one_that_is_asked(brand: Brand, kiosk: None) -> None:
    found = payments.provider()
    assert found is not None
    assert found.checkout_url(brand, 50, "/").startswith("https://kiosk.example/pay?")
