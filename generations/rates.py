"""Counting in slots of time, in the database: right with any number of processes, and after a lost cache."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from generations.models import Rate
from keeping.claims import db_now

KEPT_SLOTS = 48


def take(name: str, *, seconds: int, at_most: int = 1) -> bool:
    """Take one of the `at_most` that a slot of so many seconds has. False when they are gone: somebody else took them.

    With one a slot it makes an hourly job run once, however many processes want to.
    """
    slot = db_now() // (seconds * 1000)
    if Rate.objects.filter(name=name, slot=slot, count__lt=at_most).update(count=F("count") + 1):
        return True
    try:
        with transaction.atomic():
            Rate.objects.create(name=name, slot=slot, count=1)
    except IntegrityError:
        return bool(Rate.objects.filter(name=name, slot=slot, count__lt=at_most).update(count=F("count") + 1))
    Rate.objects.filter(name=name, slot__lt=slot - KEPT_SLOTS).delete()
    return True
