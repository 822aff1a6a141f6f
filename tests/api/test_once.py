"""Whatever is created by API is created once for a key, whoever sends it twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, Brand, IdempotencyKey
from generations import pipeline
from generations.models import Ad, Copy, Generation
from tests.api.conftest import is_problem

API = "/api/v1"


def twice(client: APIClient, path: str, body: dict[str, Any], key: str = "k-1") -> list[Any]:
    return [client.post(f"{API}/{path}", body, format="json", headers={"Idempotency-Key": key}) for _ in range(2)]


def test_a_brand_that_is_asked_for_twice_is_one_brand(as_mia: APIClient) -> None:
    first, again = twice(as_mia, "brands", {"name": "Second"})
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (201, first.json())
    assert Brand.objects.filter(name="Second").count() == 1
    told = is_problem(as_mia.post(f"{API}/brands", {"name": "Third"}, format="json", headers={"Idempotency-Key": "k-1"}), 422)
    assert told["type"] == "urn:adsgem:problem:key-reused" and not Brand.objects.filter(name="Third").exists()
    assert as_mia.post(f"{API}/brands", {"name": "Third"}, format="json", headers={"Idempotency-Key": "k-2"}).status_code == 201


def test_a_key_for_machines_is_shown_again_and_kept_nowhere_to_be_read(as_mia: APIClient, brand: Brand) -> None:
    first, again = twice(as_mia, "api-keys", {"name": "Shop"})
    assert first.json()["key"] == again.json()["key"] and ApiKey.objects.count() == 1
    assert first.json()["key"].rpartition("_")[2] not in str(list(IdempotencyKey.objects.values()))


def test_new_words_that_are_sent_twice_are_laid_once(as_mia: APIClient, order: Generation) -> None:
    pipeline.run(order.pk)
    ad = Ad.objects.filter(picture__generation=order)[0]
    first, again = twice(as_mia, f"ads/{ad.pk}/copy", {"words": {"headline": "Glow on"}})
    assert first.status_code == again.status_code == 202 and first.json() == again.json() and Copy.objects.count() == 2


def test_the_same_key_serves_another_address_and_another_person(as_mia: APIClient, as_eve: APIClient, brand: Brand) -> None:
    assert [each.status_code for each in twice(as_mia, "brands", {"name": "Second"})] == [201, 201]
    assert [each.status_code for each in twice(as_mia, "collections", {"name": "June"})] == [201, 201]
    assert [each.status_code for each in twice(as_eve, "brands", {"name": "Hers"})] == [201, 201]
    assert IdempotencyKey.objects.count() == 3


def test_what_was_refused_keeps_no_key(as_mia: APIClient) -> None:
    refused = as_mia.post(f"{API}/brands", {"name": ""}, format="json", headers={"Idempotency-Key": "k-1"})
    is_problem(refused, 422)
    assert not IdempotencyKey.objects.exists()
    assert as_mia.post(f"{API}/brands", {"name": "Second"}, format="json", headers={"Idempotency-Key": "k-1"}).status_code == 201


def test_after_a_day_a_key_is_free_again(as_mia: APIClient) -> None:
    twice(as_mia, "brands", {"name": "Second"})
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert as_mia.post(f"{API}/brands", {"name": "Third"}, format="json", headers={"Idempotency-Key": "k-1"}).status_code == 201


def test_every_create_of_the_description_takes_a_key(db: None) -> None:
    schema = APIClient().get(f"{API}/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()
    without = ("/auth/", "/test", "/replay", "/check", "/invitations/accept")
    missing = [
        path
        for path, methods in schema["paths"].items()
        if (post := methods.get("post")) and {"201", "202"} & set(post["responses"]) and not any(part in path for part in without)
        if "Idempotency-Key" not in [each["name"] for each in post.get("parameters", [])]
    ]
    assert missing == []
