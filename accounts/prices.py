"""What a picture costs, by engine and shape."""

from __future__ import annotations

from accounts.models import Price, PriceVersion


def price_of(engine_name: str) -> PriceVersion:
    """The price that new orders with this engine pay by. Raises ValueError with a sentence for an engine without a price."""
    head = Price.objects.filter(slug=engine_name).select_related("current").first()
    if head is None or head.current is None:
        raise ValueError(f"There is no price for the engine '{engine_name}'. Choose another engine, or ask staff to set its price.")
    return head.current
