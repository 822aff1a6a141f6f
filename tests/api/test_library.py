"""Filters, collections, searches and reviews by API."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, User
from generations import actions, pipeline
from generations.models import Ad, Collection, Generation, SavedSearch
from tests.api.conftest import is_problem

API = "/api/v1"


@pytest.fixture
def ad(order: Generation) -> Ad:
    """A finished ad of Mia's."""
    pipeline.run(order.pk)
    return Ad.objects.select_related("picture").filter(picture__generation=order).order_by("pk")[0]


def test_lists_are_narrowed_by_what_is_asked_for(as_mia: APIClient, ad: Ad) -> None:
    for room in ("ads", "generations"):
        assert as_mia.get(f"{API}/{room}?q=glow&status=ready&language=en").json()["results"]
        assert as_mia.get(f"{API}/{room}?q=boots").json()["results"] == []
        assert "no status" in is_problem(as_mia.get(f"{API}/{room}?status=perhaps"), 422)["errors"]["status"][0]
    as_mia.post(f"{API}/ads/{ad.pk}/star")
    assert [each["id"] for each in as_mia.get(f"{API}/ads?starred=true").json()["results"]] == [str(ad.pk)]
    assert as_mia.get(f"{API}/ads/facets").json()["status"] == {"ready": 2}


def test_only_the_newest_words_where_they_are_asked_for(as_mia: APIClient, ad: Ad) -> None:
    as_mia.post(f"{API}/ads/{ad.pk}/copy", {"words": {"headline": "Hello"}})
    assert len(as_mia.get(f"{API}/ads").json()["results"]) == 3
    assert len(as_mia.get(f"{API}/ads?current=true").json()["results"]) == 2


def test_a_collection_is_filled_and_emptied(as_mia: APIClient, as_eve: APIClient, ad: Ad) -> None:
    made = as_mia.post(f"{API}/collections", {"name": "Summer"})
    assert made.status_code == 201 and made.json()["ads"] == 0
    address = f"{API}/collections/{made.json()['id']}"
    assert as_mia.post(f"{address}/add", {"ads": [str(ad.pk)]}).json()["ads"] == 1
    assert [each["id"] for each in as_mia.get(f"{API}/ads?collection={made.json()['id']}").json()["results"]] == [str(ad.pk)]
    assert "already" in is_problem(as_mia.post(f"{API}/collections", {"name": "Summer"}), 422)["errors"]["name"][0]
    for refused in (as_eve.get(address), as_eve.post(f"{address}/add", {"ads": [str(ad.pk)]}), as_eve.delete(address)):
        is_problem(refused, 404)
    assert as_mia.patch(address, {"name": "Autumn"}).json()["name"] == "Autumn"
    assert as_mia.post(f"{address}/remove", {"ads": [str(ad.pk)]}).json()["ads"] == 0
    assert as_mia.delete(address).status_code == 204 and not Collection.objects.exists()


def test_a_search_is_kept(as_mia: APIClient, as_eve: APIClient, ad: Ad) -> None:
    kept = as_mia.post(f"{API}/searches", {"name": "Stars", "wanted": {"starred": "true"}})
    assert kept.status_code == 201 and kept.json()["wanted"] == {"starred": "true"}
    assert as_eve.get(f"{API}/searches").json()["results"] == []
    is_problem(as_eve.delete(f"{API}/searches/{kept.json()['id']}"), 404)
    refused = is_problem(as_mia.post(f"{API}/searches", {"name": "Odd", "wanted": {"since": "soon"}}), 422)
    assert "2026-11-26" in refused["errors"]["since"][0]
    assert as_mia.delete(f"{API}/searches/{kept.json()['id']}").status_code == 204 and not SavedSearch.objects.exists()


def test_reviewers_keep_nothing(as_max: APIClient, max: User, ad: Ad) -> None:
    Membership.objects.filter(user=max).update(role=Membership.Role.REVIEWER)
    is_problem(as_max.post(f"{API}/collections", {"name": "Mine"}), 403)
    is_problem(as_max.post(f"{API}/searches", {"name": "Mine", "wanted": {"q": "x"}}), 403)
    assert not Collection.objects.exists() and not SavedSearch.objects.exists()


def test_an_approved_ad_and_its_words_stay(as_mia: APIClient, ad: Ad, mia: User) -> None:
    ad_with_words = as_mia.post(f"{API}/ads/{ad.pk}/copy", {"words": {"headline": "Hello"}, "over": "all"}).json()[0]["id"]
    for each in Ad.objects.exclude(status=Ad.Status.READY):
        pipeline.finish_ad(each.pk)
    link = actions.ask_for_review(by=mia, generation=ad.picture.generation)
    actions.give_verdicts(link=link, who="Nora", said={1: actions.Said("run", "")})
    assert "approved" in is_problem(as_mia.delete(f"{API}/ads/{ad_with_words}"), 409)["detail"]
    assert "approved" in is_problem(as_mia.delete(f"{API}/ads/{ad_with_words}/copy"), 422)["detail"]
    new = as_mia.post(f"{API}/ads/{ad_with_words}/copy", {"words": {"headline": "Better"}}).json()[0]["id"]
    pipeline.finish_ad(Ad.objects.get(pk=new).pk)
    assert as_mia.delete(f"{API}/ads/{new}").status_code == 204, "nobody approved these words"
    assert as_mia.get(f"{API}/ads/{ad_with_words}").status_code == 200, "what was approved did not go along"


def names_in(response: Any) -> set[str]:
    assert response.status_code == 200 and response["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == len(set(archive.namelist()))
        return set(archive.namelist())


def test_ads_of_several_orders_go_into_one_zip_with_a_folder_for_each(
    as_mia: APIClient, as_eve: APIClient, mia: User, ad: Ad, django_assert_max_num_queries: Any
) -> None:
    second = pipeline.run(actions.more_like(by=mia, picture=ad.picture, variations=1).pk)
    with django_assert_max_num_queries(60):
        names = names_in(as_mia.get(f"{API}/ads/zip", HTTP_ACCEPT="application/zip"))
    folders = {name.split("/")[0] for name in names}
    assert len(folders) == 2 and sum(name.endswith((".jpg", ".png", ".webp")) for name in names) == 4
    assert all({f"{folder}/ads.csv", f"{folder}/provenance.json", f"{folder}/labels.md"} <= names for folder in folders)
    one = second.pictures.all()[0].ads.all()[0]
    some = names_in(as_mia.get(f"{API}/ads/zip?ads={ad.pk},{one.pk}", HTTP_ACCEPT="application/zip"))
    assert sum(name.endswith((".jpg", ".png", ".webp")) for name in some) == 2
    actions.star_ad(by=mia, ad=ad)
    starred = names_in(as_mia.get(f"{API}/ads/zip?starred=true"))
    assert sum(name.endswith((".jpg", ".png", ".webp")) for name in starred) == 1
    is_problem(as_eve.get(f"{API}/ads/zip?ads={ad.pk}"), 409)
    assert "at most 200" in is_problem(as_mia.get(f"{API}/ads/zip?ads={','.join([str(ad.pk)] * 201)}"), 422)["errors"]["ads"][0]
