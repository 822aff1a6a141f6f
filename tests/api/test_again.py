"""Going on with an order by API: retry, more, raise; stars; taking away and bringing back."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, User
from generations import actions, pipeline
from generations.models import Ad, Generation, Photo
from tests.api.conftest import client_of, is_problem

API = "/api/v1"


@pytest.fixture
def made(order: Generation) -> Generation:
    """Mia's order with its files."""
    return pipeline.run(order.pk)


def test_a_stopped_order_is_made_again(as_mia: APIClient, order: Generation) -> None:
    as_mia.post(f"{API}/generations/{order.pk}/cancel")
    told = as_mia.post(f"{API}/generations/{order.pk}/retry")
    assert told.status_code == 200 and told.json()["status"] == "waiting"
    pipeline.run(order.pk)
    assert as_mia.get(f"{API}/generations/{order.pk}").json()["status"] == "ready"


def test_only_pictures_of_this_order_can_be_made_again(as_mia: APIClient, made: Generation) -> None:
    told = is_problem(as_mia.post(f"{API}/generations/{made.pk}/retry", {"pictures": [str(uuid.uuid4())]}, format="json"), 422)
    assert "No picture with this id" in told["detail"]


def test_more_like_one_picture_is_a_new_order_that_says_where_it_came_from(as_mia: APIClient, made: Generation) -> None:
    picture = made.pictures.all()[0]
    body = {"picture": str(picture.pk), "variations": 2, "client_ref": "summer-7"}
    told = as_mia.post(f"{API}/generations/{made.pk}/more", body, format="json")
    assert told.status_code == 202
    assert told.json() | {"parent": str(made.pk), "origin": "more", "client_ref": "summer-7", "variations": 2} == told.json()
    wrong = is_problem(as_mia.post(f"{API}/generations/{made.pk}/more", {"picture": str(uuid.uuid4())}, format="json"), 422)
    assert wrong["errors"] == {"picture": ["This order has no picture with this id."]}


def test_a_draft_is_raised_only_to_an_engine_that_is_there(as_mia: APIClient, made: Generation) -> None:
    told = is_problem(as_mia.post(f"{API}/generations/{made.pk}/raise", {}, format="json"), 422)
    assert "No engine is at hand" in told["errors"]["engine"][0]


def test_a_star_is_put_on_and_taken_off(as_mia: APIClient, made: Generation) -> None:
    ad = Ad.objects.filter(picture__generation=made)[0]
    assert as_mia.post(f"{API}/ads/{ad.pk}/star").json()["starred"] is True
    assert as_mia.post(f"{API}/ads/{ad.pk}/star").status_code == 200
    chosen = as_mia.get(f"{API}/generations/{made.pk}/zip?starred=true")
    assert ads_in(chosen) == 1
    assert as_mia.delete(f"{API}/ads/{ad.pk}/star").status_code == 204
    is_problem(as_mia.get(f"{API}/generations/{made.pk}/zip?starred=true"), 409)


def test_some_ads_come_as_a_zip_of_their_own(as_mia: APIClient, made: Generation) -> None:
    first, second = Ad.objects.filter(picture__generation=made)
    assert ads_in(as_mia.get(f"{API}/generations/{made.pk}/zip?ads={first.pk}")) == 1
    assert ads_in(as_mia.get(f"{API}/generations/{made.pk}/zip?ads={first.pk},{second.pk}")) == 2
    is_problem(as_mia.get(f"{API}/generations/{made.pk}/zip?ads={uuid.uuid4()}"), 409)
    is_problem(as_mia.get(f"{API}/generations/{made.pk}/zip?ads=nonsense"), 404)


def ads_in(response: object) -> int:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    table = archive.read("preflight.csv").decode().splitlines()[1:]
    pictures = [name for name in archive.namelist() if name.endswith((".jpg", ".png", ".webp"))]
    assert {line.split(",")[0] for line in table} <= set(pictures)
    return len(pictures)


@pytest.mark.parametrize("kind", ["generations", "ads", "photos"])
def test_what_is_taken_away_is_a_404_and_can_be_brought_back(as_mia: APIClient, made: Generation, photo: Photo, kind: str) -> None:
    pk = {"generations": made.pk, "ads": Ad.objects.filter(picture__generation=made)[0].pk, "photos": photo.pk}[kind]
    assert as_mia.delete(f"{API}/{kind}/{pk}").status_code == 204
    is_problem(as_mia.get(f"{API}/{kind}/{pk}"), 404)
    is_problem(as_mia.delete(f"{API}/{kind}/{pk}"), 404)
    assert str(pk) not in [each["id"] for each in as_mia.get(f"{API}/{kind}").json()["results"]]
    assert [each["id"] for each in as_mia.get(f"{API}/{kind}?deleted=true").json()["results"]] == [str(pk)]
    assert as_mia.post(f"{API}/{kind}/{pk}/restore").json()["id"] == str(pk)
    assert as_mia.get(f"{API}/{kind}/{pk}").status_code == 200


def test_an_ad_that_is_being_made_is_not_deleted_yet(as_mia: APIClient, order: Generation) -> None:
    told = is_problem(as_mia.delete(f"{API}/ads/{Ad.objects.filter(picture__generation=order)[0].pk}"), 409)
    assert "still being made" in told["detail"]


def test_new_words_carry_the_clients_own_number(as_mia: APIClient, made: Generation) -> None:
    ad = Ad.objects.filter(picture__generation=made)[0]
    told = as_mia.post(f"{API}/ads/{ad.pk}/copy", {"words": {"headline": "New"}, "client_ref": "b-2"}, format="json").json()
    assert [each["client_ref"] for each in told] == ["b-2"]


def test_a_reviewer_looks_and_changes_nothing(made: Generation, photo: Photo, eve: User) -> None:
    Membership.objects.create(user=eve, brand=made.brand, role=Membership.Role.REVIEWER)
    client, ad = client_of(eve), Ad.objects.filter(picture__generation=made)[0]
    for path in (f"ads/{ad.pk}/star", f"ads/{ad.pk}/restore", f"generations/{made.pk}/retry", f"generations/{made.pk}/restore"):
        is_problem(client.post(f"{API}/{path}"), 403)
    for path in (f"ads/{ad.pk}", f"generations/{made.pk}", f"photos/{photo.pk}"):
        is_problem(client.delete(f"{API}/{path}"), 403)
    assert not Ad.objects.filter(starred=True).exists() and Photo.objects.filter(deleted_at=None).exists()


def test_a_stranger_can_neither_take_away_nor_bring_back(as_eve: APIClient, made: Generation, mia: User) -> None:
    actions.delete_generation(by=mia, generation=made)
    is_problem(as_eve.post(f"{API}/generations/{made.pk}/restore"), 404)
    assert Generation.objects.get(pk=made.pk).deleted_at


def test_two_clicks_on_more_are_one_order(as_mia: APIClient, made: Generation) -> None:
    address, body = f"{API}/generations/{made.pk}/more", {"picture": str(made.pictures.all()[0].pk), "variations": 2}
    first = as_mia.post(address, body, format="json", HTTP_IDEMPOTENCY_KEY="m1").json()
    assert as_mia.post(address, body, format="json", HTTP_IDEMPOTENCY_KEY="m1").json()["id"] == first["id"]
    is_problem(as_mia.post(address, {**body, "variations": 3}, format="json", HTTP_IDEMPOTENCY_KEY="m1"), 422)
    assert Generation.objects.count() == 2
