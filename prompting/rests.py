"""A server that does not work is left in peace: after three failures within a minute for half a minute, then one question tries it
(RELIABILITY: R-14). Until then nobody waits for it in vain."""

from __future__ import annotations

from django.db.models import BigIntegerField, Case, F, PositiveIntegerField, Q, Value, When

from keeping.claims import DbNow, after, db_now
from prompting.models import LanguageServer
from prompting.writer import WriterUnavailable

FAILURES, WINDOW_SECONDS, REST_SECONDS, PROBE_SECONDS = 3, 60, 30.0, 120.0
MODERATION = "moderation"  # the name of the row of a server's moderation: it rests by itself


def may_ask(server: LanguageServer) -> None:
    """Raises WriterUnavailable while this server is left in peace. Afterwards exactly one question gets through, as a probe."""
    row = LanguageServer.objects.filter(pk=server.pk)
    until = row.values_list("rest_until", flat=True).get()
    if until == 0 or row.filter(rest_until=until, rest_until__lte=DbNow()).update(rest_until=after(PROBE_SECONDS)):
        return
    seconds = max(1.0, (until - db_now()) / 1000)
    raise WriterUnavailable("The writer is not available at the moment. Try again in a little while.", code="resting", retry_after=seconds)


def resting(address: str, model: str) -> bool:
    """Whether the server at this address is left in peace at this moment: for this model, or for whichever it has when none is named."""
    rows = LanguageServer.objects.filter(address=address, rest_until__gt=DbNow()).exclude(model=MODERATION)
    return rows.filter(model=model).exists() if model else rows.exists()


def failed(server: LanguageServer, reason: str) -> None:
    """It did not answer: count it, and leave it in peace at the third time within a minute, or when the probe failed."""
    recent = Q(first_failure__gt=DbNow() - Value(WINDOW_SECONDS * 1000))
    LanguageServer.objects.filter(pk=server.pk).update(
        failures=Case(When(recent, then=F("failures") + 1), default=Value(1), output_field=PositiveIntegerField()),
        first_failure=Case(When(recent, then=F("first_failure")), default=DbNow(), output_field=BigIntegerField()),
        rest_until=Case(
            When(Q(rest_until__gt=0) | (recent & Q(failures__gte=FAILURES - 1)), then=after(REST_SECONDS)),
            default=Value(0),
            output_field=BigIntegerField(),
        ),
        reason=reason[:400],
    )


def rest(server: LanguageServer, reason: str, *, seconds: float) -> None:
    """Leave it in peace at once: it said so itself, or nothing will change before somebody acts."""
    LanguageServer.objects.filter(pk=server.pk).update(rest_until=after(seconds), reason=reason[:400])


def worked(server: LanguageServer) -> None:
    """It answers. Costs no write while all is well."""
    LanguageServer.objects.filter(pk=server.pk).exclude(failures=0, rest_until=0).update(
        failures=0, first_failure=0, rest_until=0, reason=""
    )
