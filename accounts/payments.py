"""Buying credits: the port that a payment provider fits into. None comes with AdsGem; `PAYMENT_PROVIDER` names one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts import ledger
from accounts.models import Brand, Transfer


@dataclass(frozen=True)
class Payment:
    """Money that arrived. `id` is the provider's own, the same however often it tells us."""

    id: str
    brand_id: UUID
    credits: int
    micro_usd: int


class NoticeRefused(ValueError):
    """A notice that is not genuine, or that nothing can be booked for. The provider will tell us again."""


class PaymentProvider(Protocol):
    """Somebody who takes money for us."""

    name: str

    def checkout_url(self, brand: Brand, credits: int, return_url: str) -> str:  # noqa: A002
        """Where the marketer pays for this many credits, and comes back from to `return_url`."""
        ...

    def read_notice(self, body: bytes, headers: Mapping[str, str]) -> Payment | None:
        """The payment that a notice tells of, None when it is about something else. Raises NoticeRefused for a wrong signature."""
        ...


def provider() -> PaymentProvider | None:
    """The provider that the settings name, None while they name none."""
    path: str = getattr(settings, "PAYMENT_PROVIDER", "")
    if not path:
        return None
    made: PaymentProvider = import_string(path)()
    return made


def receive(provider: PaymentProvider, body: bytes, headers: Mapping[str, str]) -> Transfer | None:
    """Book what a notice tells of; the same payment again is the same transfer. None for a notice about something else.

    Raises NoticeRefused when the notice is not genuine, or is for no brand or no credits.
    """
    payment = provider.read_notice(body, headers)
    if payment is None:
        return None
    brand = Brand.objects.filter(pk=payment.brand_id).first()
    if brand is None:
        raise NoticeRefused(f"Payment {payment.id} is for a brand that there is not.")
    reason = f"Bought for {_dollars(payment.micro_usd)} from {provider.name}, payment {payment.id}"
    try:
        return ledger.top_up(brand, payment.credits, reason=reason, key=f"{provider.name}:{payment.id}")
    except ValueError as error:
        raise NoticeRefused(f"Payment {payment.id} cannot be booked: {error}") from error


def _dollars(micro_usd: int) -> str:
    dollars, rest = divmod(micro_usd, 1_000_000)
    return f"{dollars}.{rest // 10_000:02} USD"
