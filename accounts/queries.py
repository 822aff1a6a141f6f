"""Reads about people and brands, always from the caller's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, QuerySet, Sum, Window

from accounts.models import Brand, CreditAccount, Entry, Transfer, User


def brands_of(user: User | AnonymousUser) -> QuerySet[Brand]:
    """The brands this person shares, deleted ones left out."""
    if not user.is_authenticated:
        return Brand.objects.none()
    own = Brand.objects.filter(memberships__user=user, deleted_at=None).select_related("logo", "logo_on_dark")
    # A key opens one of them only (`accounts/keys.py`).
    return own.filter(pk=user.only_brand) if user.only_brand else own


def transfers_of(user: User | AnonymousUser, brand_id: UUID) -> QuerySet[Transfer]:
    """What happened to the credits of one of this person's brands, the newest first; nothing for somebody else's brand."""
    found: QuerySet[Transfer] = Transfer.objects.filter(brand__in=brands_of(user), brand_id=brand_id)
    return found


@dataclass
class StatementLine:
    """A transfer with what it left available and held; None where it did not touch that account."""

    transfer: Transfer
    change: int = 0
    available: int | None = None
    held: int | None = None


def statement_of(brand: Brand, newest: int) -> list[StatementLine]:
    """The newest transfers that moved a brand's credits, the newest first. For staff: it does not ask whose brand it is.

    The running sums come from the entries alone, in one statement, so they do not depend on the balances that they are held against.
    """
    after = Window(Sum("amount"), partition_by=[F("account_id")], order_by=F("id").asc())
    entries = Entry.objects.filter(account__brand=brand).annotate(after=after).select_related("account", "transfer__created_by")
    return list(_lines(entries.order_by("-id")[: 2 * newest]))[:newest]


def _lines(entries: Iterable[Any]) -> Iterator[StatementLine]:
    """Both entries of a transfer as one line: they were written together, so they stand together."""
    line: StatementLine | None = None
    for entry in entries:
        if line is None or line.transfer != entry.transfer:
            if line:
                yield line
            line = StatementLine(entry.transfer)
        if entry.account.kind == CreditAccount.Kind.AVAILABLE:
            line.change, line.available = entry.amount, entry.after
        else:
            line.held = entry.after
    if line:
        yield line
