"""The log of who did what, when, from where, with what was there before and after: written in the transaction of what it tells of.

Actions call `record`; rows that change in many ways are watched (`watch`). The entries form a chain: each has a keyed hash over itself and
the hash before it. The key (AUDIT_KEY) is not in the database, so whoever can write there still cannot make a chain that fits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.signals import post_delete, post_save, pre_save
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import AuditEntry, AuditHead, User
from accounts.tries import network_of
from keeping.secrets import EncryptedText, SecretUnreadable

LONGEST = 300  # letters of one value
AT_ONCE = 500
SECRET_NAMES = frozenset({"password"})
SET, EMPTY = "(set)", ""

WATCHED: set[type[models.Model]] = set()
_request: ContextVar[HttpRequest | None] = ContextVar("audit_request", default=None)


class RememberRequest:
    """Middleware: while a request is answered, `record` knows whose it is and where it came from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and forget it again."""
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)


def record(
    kind: str,
    *,
    by: User | None = None,
    brand: UUID | None = None,
    subject: models.Model | None = None,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry, in the caller's transaction; call it last there, since it holds the end of the chain until the transaction ends.

    `by` is who did it; left out, it is whoever is signed in to the request that is being answered. `changes` maps fields to what they were
    and are; it stays for good, so nothing in it may tell of a person. What does goes to `personal`, which can be erased.
    """
    who = by or _signed_in()
    entry = AuditEntry(
        at=timezone.now().astimezone(UTC),
        kind=kind,
        actor=who.pk if who else None,
        brand=brand,
        subject_type=subject._meta.label_lower if subject else "",
        subject=str(subject.pk)[:64] if subject else "",
        changes={name: [_plain(before), _plain(after)] for name, (before, after) in (changes or {}).items()},
        personal={name: _plain(value) for name, value in {**_from_where(who), **(personal or {})}.items() if value},
        salt=secrets.token_hex(16),
    )
    entry.personal_hash = _hash_of_personal(entry)
    with transaction.atomic():
        AuditHead.objects.get_or_create(pk=AuditHead.ONLY)
        head = AuditHead.objects.select_for_update().get(pk=AuditHead.ONLY)
        entry.number = head.number + 1
        entry.hash = _chained(head.hash, entry)
        entry.save(force_insert=True)
        AuditHead.objects.filter(pk=AuditHead.ONLY).update(number=entry.number, hash=entry.hash)
    return entry


def watch(
    model: type[models.Model],
    name: str,
    fields: Collection[str],
    *,
    personal: Collection[str] = (),
    brand: Callable[[Any], UUID | None] = lambda row: None,
    only: Callable[[Any], bool] = lambda row: True,
) -> None:
    """From now on each row of this model that is made, changed or deleted is recorded as `<name>.made`, `.changed` or `.deleted`.

    `fields` are looked at; those also in `personal` can be erased later. Of secrets it is told that they changed, never what they were.
    `only` says of a row whether it counts. What a queryset's `update` does is not seen: whoever uses it calls `record`.
    """
    watched = tuple(fields)
    WATCHED.add(model)

    def before(sender: Any, instance: Any, raw: bool = False, update_fields: Any = None, **kwargs: Any) -> None:
        instance._audited = None
        if raw or instance._state.adding or not only(instance) or (update_fields is not None and not set(watched) & set(update_fields)):
            return
        # A stranger to this row is read, not the row that will be saved: its own fields are changed already.
        stranger = model._base_manager.filter(pk=instance.pk)
        try:
            instance._audited = _values(stranger.first(), watched)
        except SecretUnreadable:
            secrets = [field.name for field in model._meta.local_concrete_fields if isinstance(field, EncryptedText)]
            instance._audited = _values(stranger.defer(*secrets).first(), watched)

    def after(sender: Any, instance: Any, created: bool = False, raw: bool = False, **kwargs: Any) -> None:
        if raw or not only(instance):
            return
        was = getattr(instance, "_audited", None)
        now = _values(instance, watched)
        if created:
            tell(instance, "made", {field: (None, value) for field, value in now.items() if value.shown not in (None, EMPTY)})
        elif was and (changed := {field: (was[field], now[field]) for field in watched if was[field].raw != now[field].raw}):
            tell(instance, "changed", changed)

    def gone(sender: Any, instance: Any, **kwargs: Any) -> None:
        if only(instance):
            tell(instance, "deleted", {field: (value, None) for field, value in _values(instance, watched).items()})

    def tell(row: Any, what: str, changed: Mapping[str, tuple[_Value | None, _Value | None]]) -> None:
        shown = {field: (old and old.shown, new and new.shown) for field, (old, new) in changed.items()}
        # A secret that changed is "(set)" before and after.
        record(
            f"{name}.{what}",
            brand=brand(row),
            subject=row,
            changes={field: both for field, both in shown.items() if field not in personal},
            personal={field: " → ".join(str(each or "-") for each in shown[field]) for field in personal if field in shown},
        )

    for signal, told in ((pre_save, before), (post_save, after), (post_delete, gone)):
        signal.connect(told, sender=model, weak=False, dispatch_uid=f"audit.{name}.{model._meta.label}.{told.__name__}")


def erase_person(person: User) -> int:
    """Take out of the log what tells of this person, who is being deleted. Gives of how many entries. The chain stays whole."""
    theirs = Q(actor=person.pk) | Q(subject_type=person._meta.label_lower, subject=str(person.pk))
    return _erase(theirs | Q(personal__who=person.email) | Q(personal__tried=person.email) | Q(personal__email=person.email))


def erase_brand(brand_id: UUID) -> int:
    """The same for a brand that is purged: its name, its addresses, whom it invited."""
    return _erase(Q(brand=brand_id))


def faults() -> Iterator[str]:
    """Everything that is wrong with the chain, as sentences; nothing when it is whole."""
    number, before = 0, ""
    while some := list(AuditEntry.objects.filter(number__gt=number).order_by("number")[:AT_ONCE]):
        for entry in some:
            if entry.number != number + 1:
                yield f"entries {number + 1} to {entry.number - 1} are missing."
            elif not hmac.compare_digest(entry.hash, _chained(before, entry)):
                yield f"entry {entry.number} was changed after it was written."
            if (entry.personal or entry.salt) and entry.personal_hash != _hash_of_personal(entry):
                yield f"what entry {entry.number} tells of a person was changed after it was written."
            number, before = entry.number, entry.hash
    head = AuditHead.objects.filter(pk=AuditHead.ONLY).first()
    if head and head.number > number and not AuditEntry.objects.filter(number=head.number).exists():
        yield f"entries {number + 1} to {head.number} are missing at the end."


class _Value:
    """A field's value: as it is compared, and as it is shown."""

    def __init__(self, raw: Any, *, secret: bool) -> None:
        self.raw = raw
        self.shown: Any = (SET if raw else EMPTY) if secret else raw


def _values(row: models.Model | None, fields: Collection[str]) -> dict[str, _Value]:
    found = {}
    for name in fields:
        field = row._meta.get_field(name) if row else None
        raw: Any
        secret = isinstance(field, EncryptedText) or name in SECRET_NAMES
        if row and name in row.get_deferred_fields():
            raw = SET  # nobody read it, and a row that is gone cannot be asked any more
        else:
            try:
                raw = getattr(row, getattr(field, "attname", name), None)
            except SecretUnreadable:
                raw = SET
        found[name] = _Value(raw, secret=secret)
    return found


def _signed_in() -> User | None:
    request = _request.get()
    user = getattr(request, "user", None)
    return user if isinstance(user, User) and user.pk else None


def _from_where(who: User | None) -> dict[str, Any]:
    request = _request.get()
    told: dict[str, Any] = {"who": who.email if who else ""}
    if request is not None:
        told |= {
            "from": network_of(request),
            "browser": request.headers.get("User-Agent", ""),
            "asked": f"{request.method} {request.path}",
        }
    return told


def _plain(value: Any) -> Any:
    """As JSON takes it, in one line: what somebody typed must not look like another entry where the log is printed."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    text = str(value) if isinstance(value, (str, UUID)) else json.dumps(value, default=str, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else " " for letter in text)[:LONGEST]


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _hash_of_personal(entry: AuditEntry) -> str:
    return hashlib.sha256(entry.salt.encode() + _canonical(entry.personal)).hexdigest()


def _chained(before: str, entry: AuditEntry) -> str:
    return hmac.new(settings.AUDIT_KEY.encode(), before.encode() + _canonical(entry.facts()), hashlib.sha256).hexdigest()


def _erase(which: Q) -> int:
    """The one change that the database lets pass: nothing in place of what tells of a person."""
    numbers = list(AuditEntry.objects.filter(which).exclude(personal={}, salt="").values_list("number", flat=True))
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        with connection.cursor() as cursor:
            places = ", ".join(["%s"] * len(some))
            cursor.execute(f"UPDATE {table} SET personal = '{{}}', salt = '' WHERE number IN ({places})", some)  # noqa: S608 - our own names
    return len(numbers)
