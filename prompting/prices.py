"""What an answer cost, by the table that staff keep. Whole micro-USD, rounded up: an estimate of money should not be too small."""

from __future__ import annotations

from django.db.models import CharField, ExpressionWrapper, F, OuterRef, QuerySet, Value
from django.db.models.functions import Length

from prompting.models import TokenPrice

MILLION = 1_000_000


def micro_usd(model: str, *, prompt: int, cached: int, completion: int) -> int:
    """The price of so many tokens; `cached` of those in came from the server's cache. 0 for a model without a price."""
    price = prices_of(Value(model)).first()
    if price is None:
        return 0
    cached = min(cached, prompt)
    of_cached = price.prompt if price.cached is None else price.cached
    total = (prompt - cached) * price.prompt + cached * of_cached + completion * price.completion
    return -(-total // MILLION)


def prices_of(model: Value | OuterRef) -> QuerySet[TokenPrice]:
    """The prices that fit a model's name, the one that holds first."""
    return (
        TokenPrice.objects.alias(asked=ExpressionWrapper(model, output_field=CharField()))
        .filter(asked__startswith=F("model"))
        .order_by(Length("model").desc())
    )
