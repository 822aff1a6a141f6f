"""What follows here when another room says that something happened."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from accounts.models import Brand, User
from accounts.signals import brand_deleted
from generations import actions
from generations.models import Generation
from generations.queries import OPEN_GENERATIONS


@receiver(brand_deleted)
def stop_orders(brand: Brand, by: User | None, **kwargs: Any) -> None:
    """Nobody waits for a deleted brand's orders: they stop, and what they held is given back."""
    for generation in Generation.objects.filter(brand=brand, status__in=OPEN_GENERATIONS):
        actions.cancel_generation(by=by, generation=generation)
