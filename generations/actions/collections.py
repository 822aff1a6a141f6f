"""What a person may keep for finding again: ads put together under a name, and searches."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Brand, User
from generations.library import Wanted
from generations.models import Ad, Collection, SavedSearch
from prompting.brief import clean

COLLECTIONS_AT_MOST, SEARCHES_AT_MOST, ADS_AT_MOST = 500, 100, 5000


class NotKept(ValueError):
    """A collection or a search that cannot be kept. `errors` maps a field to one sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


def make_collection(*, by: User | None, brand: Brand, name: str) -> Collection:
    """A new collection. Raises NotKept."""
    if brand.collections.count() >= COLLECTIONS_AT_MOST:
        raise NotKept({"name": f"This brand has {COLLECTIONS_AT_MOST} collections. Delete one that is not needed any more."})
    return _kept(Collection(brand=brand, name=_name(name), created_by=by))


def rename_collection(*, by: User | None, collection: Collection, name: str) -> Collection:
    """Another name. Raises NotKept."""
    collection.name = _name(name)
    return _kept(collection)


def put_in(*, by: User | None, collection: Collection, ads: Many[UUID]) -> int:
    """Put ads of the same brand into a collection; what is in it stays. Gives how many it has. Raises NotKept."""
    own = set(Ad.objects.filter(pk__in=ads, deleted_at=None, picture__generation__brand=collection.brand_id).values_list("pk", flat=True))
    if unknown := [pk for pk in ads if pk not in own]:
        raise NotKept({"ads": f"This brand has no ad with this id: {unknown[0]}."})
    with transaction.atomic():
        Collection.objects.select_for_update().get(pk=collection.pk)
        if collection.ads.count() + len(own) > ADS_AT_MOST:
            raise NotKept({"ads": f"A collection takes at most {ADS_AT_MOST} ads. Begin another one."})
        collection.ads.add(*own)  # type: ignore[arg-type] # ids do as well
    return collection.ads.count()


def take_out(*, by: User | None, collection: Collection, ads: Many[UUID]) -> int:
    """Take ads out of a collection; the ads stay. Gives how many it has left."""
    collection.ads.remove(*ads)  # type: ignore[arg-type] # ids do as well
    return collection.ads.count()


def delete_collection(*, by: User | None, collection: Collection) -> None:
    """Forget a collection; its ads stay."""
    collection.delete()


def save_search(*, by: User | None, brand: Brand, name: str, wanted: Mapping[str, Any]) -> SavedSearch:
    """Keep a search; one of the same name is replaced. Raises NotKept, and WantedError for a search that cannot be understood."""
    name, told = _name(name), Wanted.read(wanted).as_data()
    if not told:
        raise NotKept({"wanted": "Choose something to look for first."})
    with transaction.atomic():
        Brand.objects.select_for_update().get(pk=brand.pk)
        if SavedSearch.objects.filter(brand=brand).exclude(name=name).count() >= SEARCHES_AT_MOST:
            raise NotKept({"name": f"This brand has {SEARCHES_AT_MOST} searches. Delete one that is not needed any more."})
        kept, _ = SavedSearch.objects.update_or_create(brand=brand, name=name, defaults={"wanted": told, "created_by": by})
    return kept


def delete_search(*, by: User | None, search: SavedSearch) -> None:
    """Forget a search."""
    search.delete()


def _name(name: str) -> str:
    name = clean(name)
    if not 1 <= len(name) <= 80:
        raise NotKept({"name": "Give it a name of 1 to 80 characters."})
    return name


def _kept(collection: Collection) -> Collection:
    try:
        with transaction.atomic():
            collection.save()
    except IntegrityError as taken:
        raise NotKept({"name": f"There is a collection '{collection.name}' already. Choose another name."}) from taken
    return collection
