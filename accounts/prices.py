"""What a picture costs, by engine and shape. A change of a price is a new version; orders keep theirs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import Price, PriceVersion, User


def price_of(engine_name: str) -> PriceVersion:
    """The price that a new order with this engine pays by. Raises ValueError with a sentence for an engine without a price."""
    head = Price.objects.filter(slug=engine_name).select_related("current").first()
    if head is None or head.current is None:
        raise ValueError(f"There is no price for the engine '{engine_name}'. Choose another engine, or ask staff to set its price.")
    return head.current


@transaction.atomic
def publish_price(*, by: User | None, price: Price, data: dict[str, Any], note: str = "") -> PriceVersion:
    """Write what an engine costs from now on as a new version. Raises ValueError with a sentence when the data is no price."""
    head = Price.objects.select_for_update().get(pk=price.pk)
    newest = head.versions.aggregate(number=Max("number"))["number"] or 0
    version = PriceVersion(price=head, number=newest + 1, data=data, author=by, note=note[:200])
    version.save()
    Price.objects.filter(pk=head.pk).update(current=version)
    price.refresh_from_db()
    return version
