"""Everything that AdsGem has of a person and of the brands that they own, as one ZIP: rows as JSON, files as they are."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from allauth.account.models import EmailAddress
from django.core import serializers
from django.db import models, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import (
    ApiKey,
    AuditEntry,
    Brand,
    BrandFont,
    Delivery,
    Entry,
    Invitation,
    Membership,
    Message,
    Place,
    Product,
    TokenChain,
    Transfer,
    User,
    Webhook,
)
from generations.models import (
    Ad,
    Collection,
    Copy,
    Event,
    Generation,
    GenerationPhoto,
    Photo,
    Picture,
    ReviewLink,
    SavedSearch,
    Step,
    Verdict,
)
from keeping import store
from keeping.models import StoredFile

IN_MEMORY = 32 * 1024 * 1024  # bytes; larger ZIPs go to a temporary file
LEFT_OUT = frozenset({"password", "sign_in_epoch", "newest", "salt"})  # what opens something, or means nothing to a person
README = """Everything that AdsGem has of you, and of the brands that you own, as of {now} UTC.

person/    your account, where you signed in from, what we wrote to you, what was noted of what you did
brands/    a folder for each brand that you own: its rows, a file of JSON for each kind
files/     photos, cut-outs, pictures, ads and logos; rows name them by the SHA-256 that is the file's name

Secrets are left out: passwords, keys, tokens, and what webhooks are signed with.
Brands that you share and do not own are theirs: their owners can have them.
"""


def export_name(user: User) -> str:
    """What a browser saves the ZIP as."""
    return f"adsgem-{timezone.now():%Y-%m-%d}-{user.pk.hex[:6]}.zip"


def export_of(user: User) -> IO[bytes]:
    """The ZIP, at its beginning. That it was made is written into the log of who did what. Raises StoreUnavailable."""
    spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    files: dict[str, StoredFile] = {}
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive, transaction.atomic():
        archive.writestr("README.txt", README.format(now=f"{timezone.now():%Y-%m-%d %H:%M}"))
        for folder, name, rows in _tables(user):
            archive.writestr(f"{folder}/{name}.json", _as_json(rows, files), zipfile.ZIP_DEFLATED)
        for stored in files.values():
            try:
                archive.writestr(f"files/{stored.sha256}.{stored.extension}", store.read(stored))
            except FileNotFoundError:
                archive.writestr(f"files/{stored.sha256}.missing.txt", "This file was lost on our disk.")
        audit.record("export.made", by=user, subject=user)
    spool.seek(0)
    return spool


def _tables(user: User) -> Iterator[tuple[str, str, models.QuerySet[Any]]]:
    """Folder, name and rows of each table."""
    yield "person", "account", User.objects.filter(pk=user.pk)
    yield "person", "addresses", EmailAddress.objects.filter(user=user)
    yield "person", "memberships", Membership.objects.filter(user=user)
    yield "person", "places", Place.objects.filter(user=user)
    yield "person", "apps", TokenChain.objects.filter(user=user)
    yield "person", "messages", Message.objects.filter(user=user)
    yield "person", "log", AuditEntry.objects.filter(actor=user.pk).order_by("number")
    for brand in Brand.objects.filter(memberships__user=user, memberships__role=Membership.Role.OWNER, purged_at=None):
        folder = f"brands/{brand.slug}"
        yield folder, "brand", Brand.objects.filter(pk=brand.pk)
        for name, model in (
            ("products", Product),
            ("invitations", Invitation),
            ("members", Membership),
            ("fonts", BrandFont),
            ("webhooks", Webhook),
            ("api_keys", ApiKey),
        ):
            yield folder, name, model._default_manager.filter(brand=brand)
        yield folder, "deliveries", Delivery.objects.filter(webhook__brand=brand)
        yield folder, "credits", Transfer.objects.filter(brand=brand)
        yield folder, "credit_entries", Entry.objects.filter(transfer__brand=brand)
        yield folder, "photos", Photo.objects.filter(brand=brand)
        yield folder, "orders", Generation.objects.filter(brand=brand)
        yield folder, "photos_of_orders", GenerationPhoto.objects.filter(generation__brand=brand)
        yield folder, "pictures", Picture.objects.filter(generation__brand=brand)
        yield folder, "words", Copy.objects.filter(generation__brand=brand)
        yield folder, "ads", Ad.objects.filter(picture__generation__brand=brand)
        yield folder, "collections", Collection.objects.filter(brand=brand)
        yield folder, "ads_of_collections", Collection.ads.through.objects.filter(collection__brand=brand)
        yield folder, "searches", SavedSearch.objects.filter(brand=brand)
        yield folder, "review_links", ReviewLink.objects.filter(generation__brand=brand)
        yield folder, "verdicts", Verdict.objects.filter(link__generation__brand=brand)
        yield folder, "steps", Step.objects.filter(generation__brand=brand)
        yield folder, "events", Event.objects.filter(brand=brand)


def _as_json(rows: models.QuerySet[Any], files: dict[str, StoredFile]) -> str:
    """The rows, without what is secret: encrypted columns are empty in what Django serialises. Their files are noted in `files`."""
    meta = rows.model._meta
    columns = [field.name for field in meta.concrete_fields if field.name not in LEFT_OUT]
    pointers = [field for field in meta.concrete_fields if isinstance(field, models.ForeignKey) and field.related_model is StoredFile]
    found = list(rows.select_related(*(field.name for field in pointers)) if pointers else rows)
    for row in found:
        for pointer in pointers:
            if stored := getattr(row, pointer.name):
                files[stored.pk] = stored
    told: str = serializers.serialize("json", found, fields=columns, indent=1)
    return told
