"""Webhooks by the API: who may make them, which addresses are taken, what is shown of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import deliveries, outbox, webhooks
from accounts.models import Brand, Delivery, IdempotencyKey, Membership, User, Webhook
from tests.accounts.racing import race
from tests.api.conftest import client_of, is_problem
from tests.keeping.servers import Receiver, receiver, say

HOOKS = "/api/v1/webhooks"
OBJECT = uuid.UUID("0b7c3f5e-0000-4000-8000-000000000001")
PUBLIC = "https://93.184.216.34/hook"  # as it stands there, nothing is looked up and nobody is called


@pytest.fixture
def listening(settings: Any) -> Iterator[Receiver]:
    """A receiver on this machine, which the tests may use."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with receiver(say(200, b"thanks")) as server:
        yield server


@pytest.fixture
def made(as_mia: APIClient) -> dict[str, Any]:
    """Mia's webhook, as she was shown it once."""
    answer = as_mia.post(HOOKS, {"url": PUBLIC, "kinds": ["ad.ready"]})
    assert answer.status_code == 201, answer.content
    return answer.json()  # type: ignore[no-any-return]


def addresses(made: dict[str, Any], delivery: object = OBJECT) -> list[tuple[str, str]]:
    """Every way to one webhook."""
    own = f"{HOOKS}/{made['id']}"
    return [
        ("get", own),
        ("patch", own),
        ("post", f"{own}/test"),
        ("post", f"{own}/rotate"),
        ("get", f"{own}/deliveries"),
        ("post", f"{own}/deliveries/{delivery}/replay"),
        ("delete", own),
    ]


def test_mia_makes_a_webhook_and_sees_its_secret_once(as_mia: APIClient, made: dict[str, Any], brand: Brand, mia: User) -> None:
    assert set(made) == {"id", "url", "kinds", "active", "disabled_reason", "brand", "created_at", "signing_secret"}
    assert (made["url"], made["kinds"], made["active"], made["brand"]) == (PUBLIC, ["ad.ready"], True, str(brand.pk))
    row = Webhook.objects.get()
    assert row.secret == made["signing_secret"] and row.created_by == mia
    for answer in (as_mia.get(HOOKS), as_mia.get(f"{HOOKS}/{made['id']}"), as_mia.patch(f"{HOOKS}/{made['id']}", {"active": True})):
        assert answer.status_code == 200
        assert "whsec_" not in answer.content.decode() and made["signing_secret"] not in answer.content.decode()
    assert [each["id"] for each in as_mia.get(HOOKS).json()["results"]] == [made["id"]]


def test_her_team_mate_sees_it_too(as_max: APIClient, made: dict[str, Any]) -> None:
    assert as_max.get(f"{HOOKS}/{made['id']}").json()["url"] == PUBLIC


def test_a_stranger_finds_nothing_at_any_of_its_addresses(as_eve: APIClient, made: dict[str, Any]) -> None:
    delivery = webhooks.try_out(Webhook.objects.get())
    before = Webhook.objects.values().get(), Delivery.objects.values().get()
    for method, address in addresses(made, delivery.pk):
        is_problem(getattr(as_eve, method)(address, {"url": "https://8.8.8.8/"} if method == "patch" else None), 404)
    assert as_eve.get(HOOKS).json()["results"] == []
    assert (Webhook.objects.values().get(), Delivery.objects.values().get()) == before


def test_somebody_who_may_only_look_finds_nothing_and_makes_nothing(made: dict[str, Any], brand: Brand, db: None) -> None:
    vera = User.objects.create_user("vera@example.com")
    Membership.objects.create(user=vera, brand=brand, role=Membership.Role.REVIEWER)
    client = client_of(vera)
    is_problem(client.post(HOOKS, {"url": PUBLIC}), 403)
    for method, address in addresses(made):
        is_problem(getattr(client, method)(address), 404)
    assert client.get(HOOKS).json()["results"] == [] and Webhook.objects.count() == 1


def test_without_a_token_nobody_gets_in(anyone: APIClient, made: dict[str, Any]) -> None:
    for method, address in [("get", HOOKS), ("post", HOOKS), *addresses(made)]:
        is_problem(getattr(anyone, method)(address), 401)


def test_nobody_makes_one_for_a_strangers_brand(as_mia: APIClient, eve: User) -> None:
    other = eve.brands.get()
    for name in (str(other.pk), other.slug):
        assert "brand" in is_problem(as_mia.post(HOOKS, {"url": PUBLIC, "brand": name}), 422)["errors"]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "https://[::1]/",
        "http://169.254.169.254/latest/",
        "http://10.0.0.8/hook",
        "http://2130706433/",
        "ftp://93.184.216.34/",
        "https://93.184.216.34:8443/",
        "https://mia@93.184.216.34/",
        "example.com",
        "",
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_with_a_sentence(as_mia: APIClient, made: dict[str, Any], url: str) -> None:
    (sentence,) = is_problem(as_mia.post(HOOKS, {"url": url}), 422)["errors"]["url"]
    assert sentence.endswith(".")
    assert is_problem(as_mia.patch(f"{HOOKS}/{made['id']}", {"url": url}), 422)["errors"]["url"] == [sentence]
    assert Webhook.objects.get().url == PUBLIC


def test_a_kind_that_does_not_exist_is_named(as_mia: APIClient, made: dict[str, Any]) -> None:
    for answer in (
        as_mia.post(HOOKS, {"url": PUBLIC, "kinds": ["ad.ready", "ad.sold"]}),
        as_mia.patch(f"{HOOKS}/{made['id']}", {"kinds": ["ad.sold"]}),
    ):
        (sentence,) = is_problem(answer, 422)["errors"]["kinds"]
        assert sentence.startswith("There is no kind 'ad.sold'. Choose from generation.writing")
    assert Webhook.objects.get().kinds == ["ad.ready"]


def test_what_is_left_out_of_a_change_stays(as_mia: APIClient, made: dict[str, Any]) -> None:
    Webhook.objects.update(active=False, disabled_reason="410")
    own = f"{HOOKS}/{made['id']}"
    changed = as_mia.patch(own, {"url": "https://8.8.8.8/other", "kinds": []}).json()
    assert (changed["url"], changed["kinds"], changed["active"]) == ("https://8.8.8.8/other", [], False)
    changed = as_mia.patch(own, {"active": True}).json()
    assert (changed["url"], changed["active"], changed["disabled_reason"]) == ("https://8.8.8.8/other", True, "")
    assert as_mia.patch(own, {}).status_code == 200
    assert Webhook.objects.get().secret == made["signing_secret"]


def test_fields_that_nobody_may_set_are_not_set(as_mia: APIClient, made: dict[str, Any], eve: User) -> None:
    before = Webhook.objects.values().get()
    sneaked = {"id": str(OBJECT), "secret": "x", "signing_secret": "x", "brand": str(eve.brands.get().pk), "created_by": str(eve.pk)}
    assert as_mia.patch(f"{HOOKS}/{made['id']}", {**sneaked, "disabled_reason": "x"}).status_code == 200
    assert Webhook.objects.values().get() == before


def test_a_rotated_secret_is_shown_once_and_the_old_one_signs_on(as_mia: APIClient, made: dict[str, Any]) -> None:
    rotated = as_mia.post(f"{HOOKS}/{made['id']}/rotate").json()
    assert rotated["signing_secret"] != made["signing_secret"]
    assert Webhook.objects.get().signing_secrets() == [rotated["signing_secret"], made["signing_secret"]]


def test_a_deleted_webhook_takes_its_messages_with_it(as_mia: APIClient, made: dict[str, Any], brand: Brand) -> None:
    outbox.post(brand.pk, "ad.ready", OBJECT, {})
    answer = as_mia.delete(f"{HOOKS}/{made['id']}")
    assert answer.status_code == 204 and not Webhook.objects.exists() and not Delivery.objects.exists()
    is_problem(as_mia.get(f"{HOOKS}/{made['id']}"), 404)


def test_a_ping_goes_out_and_is_seen_in_the_list(as_mia: APIClient, listening: Receiver) -> None:
    made = as_mia.post(HOOKS, {"url": f"{listening.url}/hook", "kinds": ["ad.ready"]}).json()
    sent = as_mia.post(f"{HOOKS}/{made['id']}/test")
    assert sent.status_code == 202 and (sent.json()["kind"], sent.json()["status"]) == ("ping", "waiting")
    assert deliveries.deliver(uuid.UUID(sent.json()["id"]))
    (seen,) = as_mia.get(f"{HOOKS}/{made['id']}/deliveries").json()["results"]
    assert (seen["id"], seen["status"], seen["answer_code"], seen["answer_body"]) == (sent.json()["id"], "delivered", 200, "thanks")
    assert seen["tries"][0]["code"] == 200 and seen["error"] is None and seen["body"]["type"] == "ping"
    assert listening.asked[0].headers["webhook-id"] == seen["id"]


def test_a_message_that_failed_is_replayed(as_mia: APIClient, listening: Receiver) -> None:
    made = as_mia.post(HOOKS, {"url": f"{listening.url}/hook"}).json()
    delivery = webhooks.try_out(Webhook.objects.get())
    Delivery.objects.update(status="failed", in_line=False, error_code="not_taken", error_message="Not taken.")
    own = f"{HOOKS}/{made['id']}/deliveries"
    assert as_mia.get(own).json()["results"][0]["error"] == {"code": "not_taken", "detail": "Not taken."}
    again = as_mia.post(f"{own}/{delivery.pk}/replay")
    assert again.status_code == 202 and (again.json()["id"], again.json()["status"]) == (str(delivery.pk), "waiting")
    assert deliveries.deliver(delivery.pk) and len(listening.asked) == 1
    is_problem(as_mia.post(f"{own}/{OBJECT}/replay"), 404)


def test_a_message_of_another_webhook_is_not_found_under_this_one(as_mia: APIClient, made: dict[str, Any]) -> None:
    other = as_mia.post(HOOKS, {"url": PUBLIC}).json()
    delivery = webhooks.try_out(Webhook.objects.get(pk=other["id"]))
    is_problem(as_mia.post(f"{HOOKS}/{made['id']}/deliveries/{delivery.pk}/replay"), 404)


def test_a_webhook_that_is_switched_off_is_not_tried(as_mia: APIClient, made: dict[str, Any]) -> None:
    delivery = webhooks.try_out(Webhook.objects.get())
    Webhook.objects.update(active=False)
    for path in ("test", f"deliveries/{delivery.pk}/replay"):
        assert is_problem(as_mia.post(f"{HOOKS}/{made['id']}/{path}"), 409)["detail"] == "This webhook is switched off. Switch it on first."
    assert Delivery.objects.count() == 1


def test_the_same_key_makes_one_webhook_and_gives_the_same_answer(as_mia: APIClient, as_max: APIClient) -> None:
    def make(client: APIClient, **more: object) -> Any:
        return client.post(HOOKS, {"url": PUBLIC, **more}, headers={"Idempotency-Key": "one"})

    first = make(as_mia)
    assert make(as_mia).json() == first.json() and Webhook.objects.count() == 1
    assert "Idempotency-Key" in is_problem(make(as_mia, kinds=["ad.ready"]), 422)["errors"]
    assert make(as_max).json()["id"] != first.json()["id"]  # the key is each caller's own
    assert not IdempotencyKey.objects.filter(answer__icontains="whsec").exists()
    as_mia.delete(f"{HOOKS}/{first.json()['id']}")
    assert "deleted" in is_problem(make(as_mia), 422)["detail"]


@pytest.mark.django_db(transaction=True)
def test_four_clicks_at_once_make_one_webhook(mia: User) -> None:
    def click() -> str:
        return client_of(mia).post(HOOKS, {"url": PUBLIC}, headers={"Idempotency-Key": "one"}).content.decode()

    answers = race([click] * 4)
    assert len(set(answers)) == 1 and "whsec_" in str(answers[0])
    assert Webhook.objects.count() == 1


def test_an_eleventh_webhook_is_refused_and_its_key_may_be_used_again(as_mia: APIClient, brand: Brand) -> None:
    Webhook.objects.bulk_create(Webhook(brand=brand, url=PUBLIC) for _ in range(10))
    key = {"Idempotency-Key": "eleven"}
    refused = is_problem(as_mia.post(HOOKS, {"url": PUBLIC}, headers=key), 422)
    assert refused["detail"] == "A brand may have 10 webhooks. Delete one that is not needed any more."
    Webhook.objects.all()[0].delete()
    assert as_mia.post(HOOKS, {"url": PUBLIC}, headers=key).status_code == 201


def test_lists_cost_the_same_for_few_or_many(
    as_mia: APIClient, made: dict[str, Any], brand: Brand, django_assert_max_num_queries: Any
) -> None:
    Webhook.objects.bulk_create(Webhook(brand=brand, url=PUBLIC) for _ in range(8))
    for _ in range(20):
        outbox.post(brand.pk, "ad.ready", OBJECT, {})
    with django_assert_max_num_queries(2):
        assert len(as_mia.get(HOOKS).json()["results"]) == 9
    with django_assert_max_num_queries(3):
        assert len(as_mia.get(f"{HOOKS}/{made['id']}/deliveries").json()["results"]) == 20
