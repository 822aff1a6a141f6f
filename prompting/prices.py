"""What an answer cost, by the table that staff keep. Whole micro-USD, rounded up: an estimate of money should not be too small."""

from __future__ import annotations

from django.db.models import CharField, ExpressionWrapper, F, OuterRef, QuerySet, Value
from django.db.models.functions import Length

from prompting.models import TokenPrice

MILLION = 1_000_000


def micro_usd(model: str, *, prompt: int, completion: int, cached: int = 0, pictures: int = 0) -> int:
    """The price of so many tokens. Of those in, `cached` came from the server's cache, and `pictures` were pictures that were sent along.

    0 for a model without a price.
    """
    price = prices_of(Value(model)).first()
    if price is None:
        return 0
    cached = min(cached, prompt)
    pictures = min(pictures, prompt - cached)
    of_cached = price.prompt if price.cached is None else price.cached
    of_pictures = price.prompt if price.pictures is None else price.pictures
    words = prompt - cached - pictures
    total = words * price.prompt + cached * of_cached + pictures * of_pictures + completion * price.completion
    return -(-total // MILLION)


def priced(model: str) -> bool:
    """Whether anybody said what this model costs."""
    return prices_of(Value(model)).exists()


def costs(model: str) -> bool:
    """Whether asking this model costs money."""
    price = prices_of(Value(model)).first()
    return price is not None and bool(price.prompt or price.completion)


def prices_of(model: Value | OuterRef) -> QuerySet[TokenPrice]:
    """The prices that fit a model's name, the one that holds first."""
    return (
        TokenPrice.objects.alias(asked=ExpressionWrapper(model, output_field=CharField()))
        .filter(asked__startswith=F("model"))
        .order_by(Length("model").desc())
    )
