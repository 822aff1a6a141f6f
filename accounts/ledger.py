"""The only place that moves credits: double entry, whole numbers, every hold resolved exactly once.

Each function works inside the caller's transaction, so that credits and what they pay for become true together; without one it opens
its own. Locks are always taken in the same order: the brands' accounts first, by brand and kind, the house's last. So settle everything
of one transaction in one call, or at least touch only one brand in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, Count, F, Max, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Abs, Coalesce
from django.utils import timezone

from accounts import outbox
from accounts.models import Brand, CreditAccount, Entry, Membership, Message, Transfer, User
from accounts.models.credits import MOST_CREDITS
from keeping.crashpoints import crashpoint

Kind = CreditAccount.Kind
Purse = dict[str, UUID]  # the accounts of a brand by kind


LOW = 50  # credits; a brand that falls below is told


class NotEnoughCredits(Exception):
    """A brand cannot pay for what it orders. The message is for the marketer."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"This order needs {_credits(needed)} and your brand has {available}. Choose fewer variations, or ask for more credits."
        )
        self.needed, self.available = needed, available


class Balance(NamedTuple):
    """What a brand may still spend, and what its open orders hold."""

    available: int
    held: int


def hold(brand_id: UUID, holds: Mapping[UUID, int], *, note: str = "", again: bool = False) -> None:
    """Lay credits aside: `holds` maps the id of what is paid for, a picture's, to credits; 0 is written down, too.

    All or nothing. Raises NotEnoughCredits when the brand has less than the sum, and IntegrityError when one of them is held already.
    With `again` they were ordered before and given back: each may be held once more.
    """
    if any(each < 0 for each in holds.values()):
        raise ValueError("A hold cannot be below 0 credits.")
    total = sum(holds.values())
    with transaction.atomic():
        purse = _lock([brand_id]).get(brand_id, {}) if total else {}
        if total and not _spend(purse, total):
            raise NotEnoughCredits(total, balances([brand_id])[brand_id].available)
        earlier = _earlier_holds(holds) if again else {}
        transfers = [
            Transfer.of("hold", brand_id=brand_id, object_id=object_id, nth=earlier.get(object_id, ""), credits=each, reason=note[:200])
            for object_id, each in sorted(holds.items())
        ]
        Transfer.objects.bulk_create(transfers)
        if total:
            _tell_if_low(brand_id, purse[Kind.AVAILABLE], total)
            _add(purse[Kind.HELD], total)
            _enter((each, purse[Kind.AVAILABLE], purse[Kind.HELD]) for each in transfers if each.credits)


def capture(object_ids: Sequence[UUID]) -> int:
    """Spend what is held for these objects. Gives how many holds this call resolved; what has none, or a resolved one, is left alone."""
    return _resolve(Transfer.Kind.CAPTURE, object_ids)


def void(object_ids: Sequence[UUID]) -> int:
    """Give back what is held for these objects. Gives how many holds this call resolved; what has none, or a resolved one, is left alone."""
    return _resolve(Transfer.Kind.VOID, object_ids)


def grant(brand: Brand, credits: int, *, reason: str, by: User | None, key: str = "") -> Transfer:  # noqa: A002
    """Give a brand credits. The same `key` again gives the first transfer again. Raises ValueError with a sentence."""
    return _issue(Transfer.Kind.GRANT, brand, credits, reason=reason, by=by, key=key)


def top_up(brand: Brand, credits: int, *, reason: str, key: str) -> Transfer:  # noqa: A002
    """Credits that were paid for. The same `key` again gives the first transfer again. Raises ValueError with a sentence."""
    if not key:
        raise ValueError("A payment needs a key, so that it counts once.")
    return _issue(Transfer.Kind.TOPUP, brand, credits, reason=reason, by=None, key=key)


def adjust(brand: Brand, credits: int, *, reason: str, by: User | None, key: str = "") -> Transfer:  # noqa: A002
    """Put a brand's credits right, up or down, but never below zero available. The same `key` again is done once.

    Raises ValueError with a sentence.
    """
    return _issue(Transfer.Kind.ADJUST, brand, credits, reason=reason, by=by, key=key)


def balance(brand: Brand) -> Balance:
    """What this brand may spend, and what is held."""
    return balances([brand.pk])[brand.pk]


def balances(brand_ids: Iterable[UUID]) -> dict[UUID, Balance]:
    """The same for many brands, for the price of one query."""
    found: dict[UUID, dict[str, int]] = {brand_id: {} for brand_id in brand_ids}
    rows = CreditAccount.objects.filter(brand_id__in=found).order_by().values_list("brand_id", "kind", "balance")
    for brand_id, kind, amount in rows:
        found[brand_id][kind] = amount
    return {brand_id: Balance(kinds.get(Kind.AVAILABLE, 0), kinds.get(Kind.HELD, 0)) for brand_id, kinds in found.items()}


def is_low(left: Balance) -> bool:
    """Whether a brand can soon order nothing but what is free."""
    return left.available < LOW


def reconcile() -> list[str]:
    """Every difference in the books as a sentence; empty when all is right.

    Each question is one statement, so that it sees one moment and no transfer that is half done.
    """
    found = []
    if total := Entry.objects.aggregate(total=Sum("amount"))["total"]:
        found.append(f"All entries together are {total:+d} and not 0.")
    entries = Entry.objects.filter(account=OuterRef("pk")).order_by().values("account").annotate(sum=Sum("amount"))
    accounts = CreditAccount.objects.annotate(entered=_or_zero(entries)).exclude(balance=F("entered"))
    for account in accounts.select_related("brand"):
        found.append(f"{account}: the balance is {account.balance}, but the entries add up to {account.entered}.")
    transfers = Transfer.objects.annotate(sum=Coalesce(Sum("entries__amount"), 0), most=Coalesce(Max("entries__amount"), 0))
    for transfer in transfers.exclude(sum=0, most=Abs("credits")).order_by("created_at", "pk"):
        found.append(f"Transfer {transfer.pk} is about {_credits(transfer.credits)}, but its entries do not move as many.")
    for transfer in Transfer.objects.exclude(resolves=None).exclude(credits=F("resolves__credits")).order_by("created_at", "pk"):
        found.append(f"Transfer {transfer.pk} does not resolve all that was held.")
    holds = Transfer.objects.filter(kind=Transfer.Kind.HOLD, resolution=None, brand=OuterRef("brand")).order_by().values("brand")
    held = CreditAccount.objects.filter(kind=Kind.HELD).annotate(waiting=_or_zero(holds.annotate(sum=Sum("credits"))))
    for pot in held.exclude(balance=F("waiting")).select_related("brand"):
        found.append(f"{pot}: the balance is {pot.balance}, but the open holds add up to {pot.waiting}.")
    return found


def _or_zero(sums: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(sums.values("sum")), 0, output_field=BigIntegerField())


def _credits(number: int) -> str:
    return "1 credit" if number == 1 else f"{number} credits"


def _tell_if_low(brand_id: UUID, account_id: UUID, spent: int) -> None:
    """Tell the owners when this order took a brand below the mark; at most once a day, however often it is crossed."""
    left = CreditAccount.objects.values_list("balance", flat=True).get(pk=account_id)
    if not left < LOW <= left + spent:
        return
    owners = Membership.objects.filter(brand=brand_id, role=Membership.Role.OWNER, user__is_active=True).select_related("user", "brand")
    for owner in owners:
        once = f"low:{brand_id.hex}:{owner.user_id.hex}:{timezone.now():%y%m%d}"
        link = f"{outbox.address('account')}#credits"
        words = {"brand_name": owner.brand.name, "left": _credits(left), "link": link}
        outbox.write(Message.Kind.CREDITS_LOW, to=owner.user.email, user=owner.user, brand=owner.brand, once=once, **words)


def _earlier_holds(object_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How often each of these was held before."""
    before = Transfer.objects.filter(kind=Transfer.Kind.HOLD, object_id__in=object_ids).order_by().values_list("object_id")
    return {object_id: number for object_id, number in before.annotate(Count("pk")) if object_id}


def _resolve(kind: Transfer.Kind, object_ids: Sequence[UUID]) -> int:
    """Write the resolution of every open hold of these objects, and move the credits."""
    open_holds = Transfer.objects.filter(kind=Transfer.Kind.HOLD, object_id__in=set(object_ids), resolution=None).order_by("pk")
    tried: list[Transfer] = []
    with transaction.atomic():
        while pending := list(open_holds.all()):  # asked anew each time
            if pending == tried:
                raise RuntimeError("An open hold could not be resolved. Look at the reconciliation in admin.")
            purses = _lock({each.brand_id for each in pending if each.credits})
            resolutions = [Transfer.resolving(each, kind) for each in pending]
            if _wrote(resolutions):
                _settle(kind, resolutions, purses)
                return len(resolutions)
            # Somebody else resolved one of them meanwhile: look again at what is left, which is less each time.
            tried = pending
    return 0


def _wrote(transfers: list[Transfer]) -> bool:
    """Whether these could be written. Each hold takes one resolution only, so `False` means that another one was quicker."""
    try:
        with transaction.atomic():
            Transfer.objects.bulk_create(transfers)
    except IntegrityError:
        return False
    return True


def _settle(kind: Transfer.Kind, resolutions: list[Transfer], purses: dict[UUID, Purse]) -> None:
    """Move what these resolutions are about out of what is held."""
    if kind == Transfer.Kind.VOID:
        crashpoint("K19")
    sums: Counter[UUID] = Counter()
    for each in resolutions:
        sums[each.brand_id] += each.credits
    for brand_id, purse in purses.items():
        if kind == Transfer.Kind.VOID:
            _add(purse[Kind.AVAILABLE], sums[brand_id])
        _add(purse[Kind.HELD], -sums[brand_id])
    if not purses:
        return
    earned = _house(Kind.EARNED) if kind == Transfer.Kind.CAPTURE else None
    moving = [each for each in resolutions if each.credits]
    _enter((each, purses[each.brand_id][Kind.HELD], earned or purses[each.brand_id][Kind.AVAILABLE]) for each in moving)
    if earned:
        _add(earned, sums.total())


def _issue(kind: Transfer.Kind, brand: Brand, credits: int, *, reason: str, by: User | None, key: str) -> Transfer:  # noqa: A002
    """Move credits between the house and what a brand has available; below 0 is back to the house."""
    if not reason.strip():
        raise ValueError("Say why, so that everybody can understand the statement later.")
    if kind != Transfer.Kind.ADJUST and credits < 1:
        raise ValueError("Give at least 1 credit.")
    if not credits or abs(credits) > MOST_CREDITS:
        raise ValueError(f"Give a number of credits up to {MOST_CREDITS}, and not 0.")
    with transaction.atomic():
        purse = _opened(brand.pk)
        # Under the lock, so that the same key at the same time is seen here and not refused by the database.
        first: Transfer | None = Transfer.objects.filter(key=key).first() if key else None
        if first is not None:
            return first
        transfer = Transfer(kind=kind, brand=brand, credits=credits, reason=reason.strip()[:200], key=key, created_by=by)
        transfer.save(force_insert=True)
        if credits > 0:
            _add(purse[Kind.AVAILABLE], credits)
        elif not _spend(purse, -credits):
            raise ValueError(f"{brand} has {_credits(balance(brand).available)} available. Take away no more than that.")
        issued = _house(Kind.ISSUED)
        _enter([(transfer, issued, purse[Kind.AVAILABLE])])
        _add(issued, -credits)
        return transfer


def _lock(brand_ids: Iterable[UUID]) -> dict[UUID, Purse]:
    """Lock all accounts of these brands and give their ids. Always in the same order, so that nobody waits in a circle."""
    rows = CreditAccount.objects.select_for_update(no_key=True).filter(brand_id__in=set(brand_ids)).order_by("brand_id", "kind")
    purses: dict[UUID, Purse] = {}
    for brand_id, kind, account_id in rows.values_list("brand_id", "kind", "pk"):
        purses.setdefault(brand_id, {})[kind] = account_id
    return purses


def _opened(brand_id: UUID) -> Purse:
    """The locked accounts of a brand, opened if this is its first credit."""
    if not CreditAccount.objects.filter(brand_id=brand_id).exists():
        opened = [CreditAccount(brand_id=brand_id, kind=kind) for kind in (Kind.AVAILABLE, Kind.HELD)]
        CreditAccount.objects.bulk_create(opened, ignore_conflicts=True)
    return _lock([brand_id])[brand_id]


def _house(kind: CreditAccount.Kind) -> UUID:
    """An account of the house, opened if this is its first transfer. Not locked: many brands meet here, so it is locked last."""
    found = CreditAccount.objects.filter(brand=None, kind=kind).values_list("pk", flat=True)
    if not found.exists():
        CreditAccount.objects.bulk_create([CreditAccount(kind=kind)], ignore_conflicts=True)
    return found.get()


def _spend(purse: Purse, amount: int) -> bool:
    """Take credits from what is available, if there are enough: looked at and taken in one statement."""
    if not purse:
        return False  # never had any
    rows = CreditAccount.objects.filter(pk=purse[Kind.AVAILABLE], balance__gte=amount)
    return rows.update(balance=F("balance") - amount) == 1


def _add(account_id: UUID, amount: int) -> None:
    # Only the house may owe: a constraint refuses every other balance below 0.
    CreditAccount.objects.filter(pk=account_id).update(balance=F("balance") + amount)


def _enter(moves: Iterable[tuple[Transfer, UUID, UUID]]) -> None:
    """Write both sides of each transfer: from one account to another."""
    entries = []
    for transfer, source, target in moves:
        entries += [
            Entry(transfer=transfer, account_id=source, amount=-transfer.credits),
            Entry(transfer=transfer, account_id=target, amount=transfer.credits),
        ]
    Entry.objects.bulk_create(entries)
