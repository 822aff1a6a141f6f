"""The library: what a person looks for among all that their brands made, read once for pages, API and saved searches.

Every question costs the same number of statements for ten ads and for a hundred thousand: pages go by the last row seen, never by counting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.queries import brands_of
from generations.models import Ad, Copy, Generation
from generations.queries import AD_JOINS, ads_of, generations_of
from prompting.brief import clean

LONGEST, WORDS_AT_MOST = 200, 6
PAGE = 60
FACETS_SECONDS = 60
STATUSES = frozenset({*Ad.Status.values, *Generation.Status.values})
IN_BRIEF = ("product", "headline", "subline", "cta", "badge", "keywords", "audience")
IN_PLAN = ("scene_prompt", "alt_text")
IN_WORDS = ("headline", "subline", "cta", "badge")


class WantedError(ValueError):
    """A search that cannot be understood. `errors` maps a field to one sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty fields ask for nothing. Build it with `Wanted.read`."""

    q: str = ""
    brand: str = ""
    template: str = ""
    placement: str = ""
    platform: str = ""
    language: str = ""
    status: str = ""
    client_ref: str = ""
    collection: UUID | None = None
    generation: UUID | None = None
    starred: bool | None = None
    errors: bool | None = None
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Wanted:
        """From the query of an address or a saved row; names that are no filters are left out. Raises WantedError."""
        errors: dict[str, str] = {}
        found: dict[str, Any] = {}
        for field in fields(cls):
            said = clean(str(data.get(field.name) or ""))[:LONGEST]
            if not said:
                continue
            try:
                found[field.name] = _READ.get(field.name, str)(said)
            except ValueError:
                errors[field.name] = _SAY[field.name]
        if found.get("status", "") and found["status"] not in STATUSES:
            errors["status"] = f"There is no status '{found['status']}'. Choose one of {', '.join(sorted(STATUSES))}."
        if errors:
            raise WantedError(errors)
        return cls(**found)

    def as_data(self) -> dict[str, str]:
        """As it stands in an address or a row: only what is asked for."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in told.items() if value not in ("", None)}


def _yes(text: str) -> bool:
    if text.lower() not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise ValueError(text)
    return text.lower() in ("true", "1", "yes", "on")


_READ: dict[str, Any] = {
    "collection": UUID,
    "generation": UUID,
    "starred": _yes,
    "errors": _yes,
    "since": date.fromisoformat,
    "until": date.fromisoformat,
}
_SAY = {
    "collection": "There is no collection with this id.",
    "generation": "There is no order with this id.",
    "starred": "Say true or false.",
    "errors": "Say true or false.",
    "since": "Give a day as 2026-11-26.",
    "until": "Give a day as 2026-11-26.",
}


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def ads_wanted(user: User | AnonymousUser, wanted: Wanted, *, current: bool = True) -> QuerySet[Ad]:
    """The ads of this person's brands that are looked for, the newest first; `current`: no wording that was undone or replaced."""
    # Their ids, not a question within the question: the database must know how many they are to choose well.
    brands = list(brands_of(user).values_list("pk", flat=True))
    found = ads_of(user).filter(picture__generation__brand__in=brands)
    if current:
        newer = Ad.objects.filter(
            picture=OuterRef("picture"),
            placement=OuterRef("placement"),
            copy__language=OuterRef("copy__language"),
            copy__angle=OuterRef("copy__angle"),
            copy__undone_at=None,
            copy__created_at__gt=OuterRef("copy__created_at"),
            deleted_at=None,
        )
        found = found.filter(copy__undone_at=None).exclude(Exists(newer))
    which = _orders_by(wanted, "picture__generation__") & _days(wanted)
    for name, column in (("placement", "placement__placement__slug"), ("platform", "placement__placement__platform")):
        if value := getattr(wanted, name):
            which &= Q(**{column: value})
    if wanted.language:
        which &= Q(copy__language=wanted.language)
    if wanted.status:
        which &= Q(status=wanted.status)
    if wanted.client_ref:
        which &= Q(client_ref=wanted.client_ref) | Q(picture__generation__client_ref=wanted.client_ref)
    if wanted.collection:
        which &= Q(collections=wanted.collection)
    if wanted.generation:
        which &= Q(picture__generation=wanted.generation)
    if wanted.starred is not None:
        which &= Q(starred=wanted.starred)
    if wanted.errors is not None:
        which &= Q(status=Ad.Status.FAILED) if wanted.errors else ~Q(status=Ad.Status.FAILED)
    for word in _words(wanted):
        which &= Q(picture__generation__in=_orders_saying(brands, word)) | Q(copy__in=_copies_saying(brands, word))
    return found.filter(which).order_by("-created_at", "-id")


def generations_wanted(user: User | AnonymousUser, wanted: Wanted) -> QuerySet[Generation]:
    """The orders of this person's brands that are looked for, the newest first."""
    brands = list(brands_of(user).values_list("pk", flat=True))
    which = _orders_by(wanted, "") & _days(wanted)
    ads = Ad.objects.filter(picture__generation=OuterRef("pk"), deleted_at=None)
    if wanted.placement:
        which &= Q(Exists(ads.filter(placement__placement__slug=wanted.placement)))
    if wanted.platform:
        which &= Q(Exists(ads.filter(placement__placement__platform=wanted.platform)))
    if wanted.collection:
        which &= Q(Exists(ads.filter(collections=wanted.collection)))
    if wanted.starred is not None:
        starred = Q(Exists(ads.filter(starred=True)))
        which &= starred if wanted.starred else ~starred
    if wanted.language:
        which &= Q(Exists(Copy.objects.filter(generation=OuterRef("pk"), language=wanted.language, undone_at=None)))
    if wanted.status:
        which &= Q(status=wanted.status)
    if wanted.client_ref:
        which &= Q(client_ref=wanted.client_ref)
    if wanted.generation:
        which &= Q(pk=wanted.generation)
    if wanted.errors is not None:
        failed = Q(status__in=[Generation.Status.FAILED, Generation.Status.REFUSED]) | Q(Exists(ads.filter(status=Ad.Status.FAILED)))
        which &= failed if wanted.errors else ~failed
    for word in _words(wanted):
        which &= Q(pk__in=_orders_saying(brands, word)) | Q(pk__in=_copies_saying(brands, word).values("generation"))
    return generations_of(user).filter(which).order_by("-created_at", "-id")


def page_of(found: QuerySet[Ad], *, after: str = "", size: int = PAGE) -> tuple[list[Ad], str]:
    """So many rows after the one that `after` names, and the name of the last if there are more. An unreadable name begins anew."""
    if place := _place(after):
        when, pk = place
        found = found.filter(Q(created_at__lt=when) | Q(created_at=when, pk__lt=pk))
    # Which ones first, with nothing beside them, and then those: a database sorts narrow rows much faster.
    ids = list(found.select_related(None).values_list("pk", flat=True)[: size + 1])
    by_id = Ad.objects.select_related(*AD_JOINS).in_bulk(ids[:size])
    rows = [by_id[pk] for pk in ids[:size] if pk in by_id]
    last = rows[-1] if rows and len(ids) > size else None
    return rows, f"{last.created_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}_{last.pk.hex}" if last else ""


def _place(after: str) -> tuple[datetime, UUID] | None:
    when, _, pk = after.partition("_")
    try:
        return datetime.strptime(when, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), UUID(pk)
    except ValueError:
        return None


def by_order(user: User | AnonymousUser, ads: Collection[UUID]) -> dict[Generation, list[Ad]]:
    """These ready ads of this person's brands by their order, whose joins are there as a ZIP needs them."""
    chosen = set(ads)
    orders = generations_of(user).filter(pk__in=ads_of(user).filter(pk__in=ads).values("picture__generation"))
    told = {}
    for order in orders.order_by("-created_at", "-id"):
        mine = [ad for picture in order.pictures.all() for ad in picture.ads.all() if ad.pk in chosen and ad.file_id]
        for ad in mine:
            ad.picture.generation = order
        told[order] = mine
    return told


def facets_of(user: User | AnonymousUser) -> dict[str, dict[str, int]]:
    """How many ads there are by brand, template, platform, language, status and star: one statement, kept for a minute."""
    key = "library-facets:" + ",".join(sorted(pk.hex for pk in brands_of(user).values_list("pk", flat=True)))
    if (kept := cache.get(key)) is not None:
        return dict(kept)
    names: Any = {
        "brand": F("picture__generation__brand__slug"),
        "template": F("picture__generation__template_version__template__slug"),
        "platform": F("placement__placement__platform"),
        "language_of": F("copy__language"),
    }
    rows: Any = ads_of(user).filter(copy__undone_at=None).select_related(None).order_by()
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("brand", "template", "platform", "language", "status", "starred")}
    for row in rows.values("status", "starred", **names).annotate(number=Count("pk")):
        for name, counter in counts.items():
            counter[_plain(row["language_of" if name == "language" else name])] += row["number"]
    told = {name: dict(counter.most_common()) for name, counter in counts.items()}
    cache.set(key, told, FACETS_SECONDS)
    return told


def _orders_by(wanted: Wanted, way: str) -> Q:
    which = Q()
    if wanted.brand:
        which &= Q(**{f"{way}brand__slug": wanted.brand}) if not _is_id(wanted.brand) else Q(**{f"{way}brand": wanted.brand})
    if wanted.template:
        which &= Q(**{f"{way}template_version__template__slug": wanted.template})
    return which


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _days(wanted: Wanted) -> Q:
    """Whole days of UTC, the last one with all its hours."""
    which = Q()
    if wanted.since:
        which &= Q(created_at__gte=datetime(wanted.since.year, wanted.since.month, wanted.since.day, tzinfo=UTC))
    if wanted.until and wanted.until < date.max:
        end = wanted.until + timedelta(days=1)
        which &= Q(created_at__lt=datetime(end.year, end.month, end.day, tzinfo=UTC))
    return which


def _words(wanted: Wanted) -> list[str]:
    return wanted.q.split()[:WORDS_AT_MOST]


def _orders_saying(brands: list[UUID], word: str) -> QuerySet[Any, Any]:
    """Orders whose brief, scene or template's name has this word."""
    said = Q(template_version__template__title__icontains=word)
    for column, names in (("brief_data", IN_BRIEF), ("plan_data", IN_PLAN)):
        for name in names:
            said |= Q(**{f"{column}__{name}__icontains": word})
    return Generation.objects.filter(said, brand__in=brands).order_by().values("pk")


def _copies_saying(brands: list[UUID], word: str) -> QuerySet[Copy]:
    """Wordings that have this word."""
    said = Q()
    for name in IN_WORDS:
        said |= Q(**{f"words__{name}__icontains": word})
    return Copy.objects.filter(said, generation__brand__in=brands).order_by()
