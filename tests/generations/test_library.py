"""Mia finds what she made: by words, by kind, by day; and keeps it together."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Brand, User
from generations import actions, export, library, pipeline, purge, queries
from generations.library import Wanted, WantedError
from generations.models import Ad, Collection, Generation, Photo, SavedSearch
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import placements


@pytest.fixture
def two(brand: Brand, mia: User, template: AdTemplate, photo: Photo, order: Generation) -> tuple[Generation, Generation]:
    """The order for glow, made, and one in German for boots that waits."""
    other = actions.order_generation(
        by=mia,
        brand=brand,
        template=template,
        brief=Brief.read({"headline": "Warme Füße", "product": "Winterstiefel", "language": "de", "keywords": ["snow"]}),
        placements=placements("meta_ig_stories"),
        photos=[photo],
        seed=9,
        client_ref="row 12",
    )
    return pipeline.run(order.pk), other


def found(user: User, **wanted: Any) -> set[Any]:
    return set(library.ads_wanted(user, Wanted.read(wanted)).values_list("picture__generation", flat=True))


@pytest.mark.parametrize(
    ("wanted", "first", "second"),
    [
        ({}, True, True),
        ({"q": "GLOW"}, True, False),
        ({"q": "Füße"}, False, True),
        ({"q": "snow winterstiefel"}, False, True),
        ({"q": "snow glow"}, False, False),
        ({"language": "de"}, False, True),
        ({"placement": "meta_ig_stories"}, False, True),
        ({"platform": "google"}, True, False),
        ({"status": "ready"}, True, False),
        ({"status": "waiting"}, False, True),
        ({"client_ref": "row 12"}, False, True),
        ({"starred": "true"}, False, False),
        ({"starred": "false"}, True, True),
        ({"errors": "true"}, False, False),
        ({"template": "no-such-template"}, False, False),
        ({"brand": "miravel"}, True, True),
        ({"brand": "elsewhere"}, False, False),
        ({"since": "2020-01-01"}, True, True),
        ({"until": "2020-01-01"}, False, False),
    ],
)
def test_ads_and_orders_are_found_alike(
    two: tuple[Generation, Generation], mia: User, wanted: dict[str, str], first: bool, second: bool
) -> None:
    expected = {order.pk for order, there in zip(two, (first, second), strict=True) if there}
    assert found(mia, **wanted) == expected
    if "starred" not in wanted or wanted["starred"] == "true":
        assert {order.pk for order in library.generations_wanted(mia, Wanted.read(wanted))} == expected


def test_the_words_that_were_laid_over_later_are_found(two: tuple[Generation, Generation], mia: User) -> None:
    assert found(mia, q="midnight") == set()
    actions.change_copy(by=mia, generation=two[0], words={"headline": "Midnight sale"})
    assert found(mia, q="midnight") == {two[0].pk}
    assert library.ads_wanted(mia, Wanted(generation=two[0].pk)).count() == 2, "only the newest words"
    assert library.ads_wanted(mia, Wanted(generation=two[0].pk), current=False).count() == 4


def test_strangers_find_nothing(two: tuple[Generation, Generation], eve: User) -> None:
    assert found(eve) == set() and found(eve, q="glow") == set() and found(eve, brand="miravel") == set()
    assert not library.generations_wanted(eve, Wanted(q="glow")).exists()
    assert all(not counts for counts in library.facets_of(eve).values())


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"status": "perhaps"}, "status"),
        ({"since": "yesterday"}, "since"),
        ({"starred": "maybe"}, "starred"),
        ({"collection": "7"}, "collection"),
    ],
)
def test_a_search_that_cannot_be_understood_is_refused_in_a_sentence(wanted: dict[str, str], field: str) -> None:
    with pytest.raises(WantedError) as refused:
        Wanted.read(wanted)
    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize("data", [{"q": "glow", "starred": "true"}, {"since": "2026-01-31", "errors": "false"}])
def test_a_search_is_kept_as_it_is_read(data: dict[str, str]) -> None:
    assert Wanted.read(data).as_data() == data and Wanted.read({**data, "page": "2"}).as_data() == data


def test_pages_go_on_from_the_last_ad_and_show_each_once(two: tuple[Generation, Generation], mia: User) -> None:
    Ad.objects.update(created_at=timezone.now())  # all of one moment: the id decides
    everything = list(library.ads_wanted(mia, Wanted()))
    seen, after = [], ""
    while True:
        rows, after = library.page_of(library.ads_wanted(mia, Wanted()), after=after, size=1)
        seen += rows
        if not after:
            break
    assert seen == everything and len(seen) == 3
    assert library.page_of(library.ads_wanted(mia, Wanted()), after="nonsense", size=9)[0] == everything


def test_the_library_costs_the_same_for_one_order_or_many(
    order: Generation, mia: User, brand: Brand, template: AdTemplate, photo: Photo, django_assert_num_queries: Callable[..., Any]
) -> None:
    def look() -> None:
        rows, _ = library.page_of(library.ads_wanted(mia, Wanted(q="glow")))
        assert [(ad.placement.placement.title, ad.copy.words, ad.picture.generation.brand.name, ad.file) for ad in rows]

    with django_assert_num_queries(3):
        look()
    for seed in range(4):
        what: dict[str, Any] = {"template": template, "photos": [photo], "placements": placements("meta_ig_stories"), "seed": seed}
        actions.order_generation(by=mia, brand=brand, brief=Brief.read({"headline": "More glow"}), **what)
    with django_assert_num_queries(3):
        look()
    cache.clear()
    with django_assert_num_queries(2):
        assert sum(library.facets_of(mia)["language"].values()) == 6
    with django_assert_num_queries(1):  # kept for a minute; whose brands these are is asked each time
        library.facets_of(mia)


def test_counts_are_told_by_kind(two: tuple[Generation, Generation], mia: User) -> None:
    cache.clear()
    counts = library.facets_of(mia)
    assert counts["language"] == {"en": 2, "de": 1} and counts["status"] == {"ready": 2, "waiting": 1}
    assert counts["starred"] == {"false": 3} and counts["brand"] == {"miravel": 3}


# --- kept together


def test_ads_are_put_together_once_and_taken_out(two: tuple[Generation, Generation], brand: Brand, mia: User) -> None:
    summer = actions.make_collection(by=mia, brand=brand, name=" Summer ")
    ids = list(queries.ads_of(mia).values_list("pk", flat=True))
    assert actions.put_in(by=mia, collection=summer, ads=ids) == 3 == actions.put_in(by=mia, collection=summer, ads=ids)
    assert found(mia, collection=str(summer.pk)) == {order.pk for order in two}
    assert actions.take_out(by=mia, collection=summer, ads=ids[:1]) == 2
    actions.delete_generation(by=mia, generation=two[0])
    assert queries.collections_of(mia).get().size < 2, "what was deleted is not counted"
    actions.delete_collection(by=mia, collection=summer)
    assert queries.ads_of(mia).exists() and not Collection.objects.exists()


def test_a_collection_takes_no_ads_of_another_brand(two: tuple[Generation, Generation], eve: User) -> None:
    hers = actions.make_collection(by=eve, brand=Brand.objects.get(slug="elsewhere"), name="Mine")
    with pytest.raises(actions.NotKept, match="no ad with this id"):
        actions.put_in(by=eve, collection=hers, ads=[Ad.objects.all()[0].pk])
    assert not hers.ads.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "Summer"])
def test_a_collection_needs_a_name_of_its_own(brand: Brand, mia: User, name: str) -> None:
    actions.make_collection(by=mia, brand=brand, name="Summer")
    with pytest.raises(actions.NotKept):
        actions.make_collection(by=mia, brand=brand, name=name)
    assert Collection.objects.count() == 1


def test_a_search_of_the_same_name_is_replaced(brand: Brand, mia: User) -> None:
    actions.save_search(by=mia, brand=brand, name="Stars", wanted={"starred": "true"})
    actions.save_search(by=mia, brand=brand, name="Stars", wanted={"starred": "true", "q": "glow", "page": "3"})
    assert SavedSearch.objects.get().wanted == {"starred": "true", "q": "glow"}
    with pytest.raises(actions.NotKept, match="Choose something"):
        actions.save_search(by=mia, brand=brand, name="Empty", wanted={})


def test_a_purged_brand_leaves_no_collections_and_searches(two: tuple[Generation, Generation], brand: Brand, mia: User) -> None:
    collection = actions.make_collection(by=mia, brand=brand, name="Summer")
    actions.put_in(by=mia, collection=collection, ads=list(queries.ads_of(mia).values_list("pk", flat=True)))
    actions.save_search(by=mia, brand=brand, name="Stars", wanted={"starred": "true"})
    actions.cancel_generation(by=mia, generation=two[1])
    Brand.objects.filter(pk=brand.pk).update(deleted_at=timezone.now() - timedelta(days=31))
    assert purge.purge_brands() == 1
    assert not Collection.objects.exists() and not SavedSearch.objects.exists()


def test_what_is_kept_goes_home_with_its_owner(two: tuple[Generation, Generation], brand: Brand, mia: User) -> None:
    collection = actions.make_collection(by=mia, brand=brand, name="Summer")
    ad = queries.ads_of(mia)[0]
    actions.put_in(by=mia, collection=collection, ads=[ad.pk])
    actions.save_search(by=mia, brand=brand, name="Stars", wanted={"starred": "true"})
    with zipfile.ZipFile(export.export_of(mia)) as archive:
        told = {name: json.loads(archive.read(f"brands/miravel/{name}.json")) for name in ("collections", "ads_of_collections", "searches")}
    assert told["collections"][0]["fields"]["name"] == "Summer" and told["searches"][0]["fields"]["wanted"] == {"starred": "true"}
    assert told["ads_of_collections"][0]["fields"]["ad"] == str(ad.pk)
