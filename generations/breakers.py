"""Circuit breakers: what fails three times within a minute is left alone for half a minute, then tried by one worker (RELIABILITY: R-14).

While a breaker is open, rows wait where they are: an outage uses up no tries. Whoever writes rests by itself (`prompting/rests.py`).
"""

from __future__ import annotations

from django.db.models import BigIntegerField, Case, F, PositiveIntegerField, Q, QuerySet, Value, When

from generations.models import Breaker
from generations.queries import STORE
from keeping.claims import DbNow, after

__all__ = ["STORE", "failed", "may_try", "open_now", "worked"]

FAILURES, WINDOW_SECONDS, OPEN_SECONDS, PROBE_SECONDS = 3, 60, 30, 60


def may_try(name: str) -> bool:
    """Whether this engine or the store may be asked now. An open breaker whose time is over lets exactly one through, as a probe."""
    breaker = Breaker.objects.filter(name=name).first()
    if breaker is None or breaker.open_until == 0:
        return True
    due = Breaker.objects.filter(name=name, open_until__gt=0, open_until__lte=DbNow(), probe_until__lte=DbNow())
    return bool(due.update(probe_until=after(PROBE_SECONDS)))


def failed(name: str, reason: str) -> None:
    """It did not work: count it, and open the breaker at the third failure within a minute, or when the probe failed."""
    Breaker.objects.get_or_create(name=name)
    recent = Q(first_failure__gt=DbNow() - Value(WINDOW_SECONDS * 1000))
    Breaker.objects.filter(name=name).update(
        failures=Case(When(recent, then=F("failures") + 1), default=Value(1), output_field=PositiveIntegerField()),
        first_failure=Case(When(recent, then=F("first_failure")), default=DbNow(), output_field=BigIntegerField()),
        open_until=Case(
            When(Q(open_until__gt=0) | (recent & Q(failures__gte=FAILURES - 1)), then=after(OPEN_SECONDS)),
            default=Value(0),
            output_field=BigIntegerField(),
        ),
        probe_until=0,
        reason=reason[:400],
    )


def worked(name: str) -> None:
    """It works: close the breaker. Costs no write while all is well."""
    Breaker.objects.filter(name=name).exclude(failures=0, open_until=0).update(
        failures=0, first_failure=0, open_until=0, probe_until=0, reason=""
    )


def open_now() -> QuerySet[Breaker]:
    """Whatever is left in peace at this moment."""
    return Breaker.objects.filter(open_until__gt=DbNow())
