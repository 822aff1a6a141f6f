"""A fleet puts its work down: for a while nobody begins anything new, what is in hand is finished, and all else waits as rows.

It stands in the row of a breaker, so that every process of every machine sees it at once, and staff in admin; it ends by itself.
"""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.db.models.functions import Greatest

from accounts import audit
from generations.models import Ad, Breaker, Generation, Picture
from generations.queries import DRAIN
from keeping.claims import DbNow, after

WHY = "The work is being put down for an upgrade (manage.py drain)."
CLAIMED: tuple[type[Any], ...] = (Generation, Picture, Ad)


@transaction.atomic
def begin(seconds: float) -> None:
    """Nobody begins anything new for so many seconds; asked again, it ends when the later of the two does."""
    Breaker.objects.get_or_create(name=DRAIN)
    Breaker.objects.filter(name=DRAIN).update(
        open_until=Greatest("open_until", after(seconds), output_field=models.BigIntegerField()), reason=WHY
    )
    audit.record("drain.begun", changes={"seconds": (None, round(seconds))})


@transaction.atomic
def end() -> bool:
    """Everybody works again. False when they did already."""
    was_on = on()
    Breaker.objects.filter(name=DRAIN).delete()
    if was_on:
        audit.record("drain.ended")
    return was_on


def on() -> bool:
    """Whether nothing new is to be begun."""
    return Breaker.objects.filter(name=DRAIN, open_until__gt=DbNow()).exists()


def in_hand() -> int:
    """How many orders, pictures and ads some worker is at."""
    return sum(model.objects.filter(lease_until__gt=DbNow()).exclude(status__in=model.FINAL).count() for model in CLAIMED)
