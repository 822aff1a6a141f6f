"""Keys for machines: what they open, and all the ways in which they do not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import keys
from accounts.models import ApiKey, Brand, Membership, User
from generations.models import Generation
from tests.api.conftest import client_of, is_problem

API = "/api/v1"


def with_key(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


@pytest.fixture
def secret(mia: User, brand: Brand) -> str:
    """A key of Mia's for her brand."""
    return keys.make_key(by=mia, brand=brand, name="Shop")[1]


def test_mia_makes_a_key_works_with_it_and_takes_it_back(as_mia: APIClient, order: Generation) -> None:
    made = as_mia.post(f"{API}/api-keys", {"name": "Shop", "days": 30}, format="json")
    assert made.status_code == 201 and made.json()["key"].startswith(made.json()["prefix"])
    machine = with_key(made.json()["key"])
    assert [each["id"] for each in machine.get(f"{API}/generations").json()["results"]] == [str(order.pk)]
    assert machine.post(f"{API}/generations/{order.pk}/cancel").json()["status"] == "cancelled"
    listed = as_mia.get(f"{API}/api-keys").json()["results"]
    assert len(listed) == 1 and listed[0]["last_used_at"] and "key" not in listed[0]
    assert made.json()["key"].rpartition("_")[2] not in str(list(ApiKey.objects.values()))
    assert as_mia.delete(f"{API}/api-keys/{made.json()['id']}").status_code == 204
    is_problem(machine.get(f"{API}/generations"), 401)


def test_a_key_opens_its_own_brand_only(mia: User, brand: Brand, secret: str, order: Generation) -> None:
    other = Brand.objects.create(name="Second", slug="second")
    Membership.objects.create(user=mia, brand=other, role=Membership.Role.OWNER)
    elsewhere = with_key(keys.make_key(by=mia, brand=other, name="Other")[1])
    assert elsewhere.get(f"{API}/generations").json()["results"] == []
    is_problem(elsewhere.get(f"{API}/generations/{order.pk}"), 404)
    assert with_key(secret).get(f"{API}/generations/{order.pk}").status_code == 200
    assert len(with_key(secret).get(f"{API}/me/credits").json()["results"]) == 1


def test_a_key_that_only_reads_changes_nothing(mia: User, brand: Brand, order: Generation) -> None:
    machine = with_key(keys.make_key(by=mia, brand=brand, name="Board", read_only=True)[1])
    assert machine.get(f"{API}/generations/{order.pk}").status_code == 200
    told = is_problem(machine.post(f"{API}/generations/{order.pk}/cancel"), 403)
    assert told["detail"] == "This key may only read."


@pytest.mark.parametrize("path", ["me", "brands", "api-keys", "webhooks", "me/sessions", "me/export", "users", "servers", "test"])
def test_a_key_does_not_open_what_is_about_people_brands_or_keys(secret: str, path: str) -> None:
    told = is_problem(with_key(secret).get(f"{API}/{path}"), 403)
    assert told["detail"] == "A key does not open this. Sign in."


def test_a_key_of_staff_makes_ads_and_looks_after_nothing(sam: User, brand: Brand) -> None:
    Membership.objects.create(user=sam, brand=brand, role=Membership.Role.OWNER)
    machine = with_key(keys.make_key(by=sam, brand=brand, name="Staff")[1])
    assert machine.get(f"{API}/loras").status_code == 200
    is_problem(machine.post(f"{API}/loras", {"id": "x"}, format="json"), 403)
    is_problem(machine.delete(f"{API}/templates/none"), 403)


@pytest.mark.parametrize("wrong", ["ak_", "ak_00000000_x", "{}x", "{}.", "ak_{}"])
def test_a_key_that_is_not_whole_opens_nothing(secret: str, wrong: str) -> None:
    is_problem(with_key(wrong.format(secret)).get(f"{API}/generations"), 401)


def test_a_key_ends_with_its_time_its_owner_and_the_owners_place(mia: User, brand: Brand, secret: str) -> None:
    machine = with_key(secret)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    is_problem(machine.get(f"{API}/generations"), 401)
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert machine.get(f"{API}/generations").status_code == 200
    Membership.objects.filter(user=mia).update(role=Membership.Role.REVIEWER)
    is_problem(machine.post(f"{API}/photos/", {}, format="multipart"), 403)
    assert machine.get(f"{API}/photos").status_code == 200
    Membership.objects.filter(user=mia).delete()
    is_problem(machine.get(f"{API}/generations"), 401)
    Membership.objects.create(user=mia, brand=brand, role=Membership.Role.OWNER)
    User.objects.filter(pk=mia.pk).update(is_active=False)
    is_problem(machine.get(f"{API}/generations"), 401)


def test_what_cannot_be_made_is_said(as_mia: APIClient, mia: User, brand: Brand, eve: User) -> None:
    for body, field in (
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "days": 400}, "days"),
        ({"name": "x", "brand": "elsewhere"}, "brand"),
    ):
        assert field in is_problem(as_mia.post(f"{API}/api-keys", body, format="json"), 422)["errors"]
    for number in range(20):
        keys.make_key(by=mia, brand=brand, name=f"Key {number}")
    assert "20 keys" in is_problem(as_mia.post(f"{API}/api-keys", {"name": "x"}, format="json"), 422)["detail"]
    Membership.objects.create(user=eve, brand=brand, role=Membership.Role.REVIEWER)
    is_problem(client_of(eve).post(f"{API}/api-keys", {"name": "x", "brand": "miravel"}, format="json"), 403)


def test_keys_are_counted_apart_from_their_owner(secret: str, as_mia: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.permissions.Everyone.rate", "2/min")
    monkeypatch.setattr("api.permissions.Everyone.THROTTLE_RATES", {})
    machine = with_key(secret)
    assert [machine.get(f"{API}/ads").status_code for _ in range(3)] == [200, 200, 429]
    assert as_mia.get(f"{API}/ads").status_code == 200
