"""What staff do by API: people, servers, LoRAs, templates, and the self-test."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import User
from accounts.models.audit import AuditEntry
from comfy.models import Lora, Server
from generations import selftest
from generations.models import Generation
from templates_app.models import AdTemplate
from tests.api.conftest import client_of, is_problem

API = "/api/v1"
GRAIN = {"id": "grain", "title": "Film grain", "file_name": "grain.safetensors", "family": "sdxl", "trigger_words": "grain"}


@pytest.fixture
def as_sam(sam: User) -> APIClient:
    """A superuser."""
    return client_of(sam)


@pytest.fixture
def as_clerk(db: None) -> APIClient:
    """A member of staff who may look after people, templates and servers, and is no superuser."""
    clerk = User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True)
    codes = [f"{right}_{model}" for right in ("view", "add", "change", "delete") for model in ("user", "server", "lora", "adtemplate")]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return client_of(clerk)


@pytest.mark.parametrize("path", ["users", "servers", "test"])
def test_marketers_do_not_get_in_where_staff_work(as_mia: APIClient, anyone: APIClient, path: str) -> None:
    is_problem(as_mia.get(f"{API}/{path}"), 403)
    is_problem(as_mia.post(f"{API}/{path}", {}, format="json"), 403)
    is_problem(anyone.get(f"{API}/{path}"), 401)


def test_staff_without_the_right_do_not_get_in_either(db: None) -> None:
    nobody = User.objects.create_user("new@example.com", "correct horse battery", is_staff=True)
    for path in ("users", "servers"):
        is_problem(client_of(nobody).get(f"{API}/{path}"), 403)
    is_problem(client_of(nobody).post(f"{API}/loras", GRAIN, format="json"), 403)


# --- people


def test_a_clerk_makes_finds_changes_and_closes_an_account(as_clerk: APIClient) -> None:
    made = as_clerk.post(f"{API}/users", {"email": "Nora@example.com", "name": "Nora"}, format="json")
    assert made.status_code == 201 and made.json()["email"] == "nora@example.com"
    pk = made.json()["id"]
    assert [each["id"] for each in as_clerk.get(f"{API}/users?search=nora").json()["results"]] == [pk]
    changed = as_clerk.patch(f"{API}/users/{pk}", {"name": "Nora N", "is_active": False}, format="json").json()
    assert (changed["name"], changed["is_active"]) == ("Nora N", False)
    assert User.objects.get(pk=pk).sign_in_epoch == 1, "what was open has ended"
    assert as_clerk.delete(f"{API}/users/{pk}").status_code == 204
    assert User.objects.get(pk=pk).closed_at is not None
    assert AuditEntry.objects.filter(kind="person.closed").exists()


def test_an_address_is_taken_once_and_a_password_must_be_good(as_clerk: APIClient, mia: User) -> None:
    told = is_problem(as_clerk.post(f"{API}/users", {"email": "MIA@example.com"}, format="json"), 422)
    assert told["errors"]["email"] == ["There is an account with this address already."]
    told = is_problem(as_clerk.post(f"{API}/users", {"email": "a@example.com", "password": "password1234"}, format="json"), 422)
    assert told["errors"]["password"]


def test_only_a_superuser_changes_staff_and_says_who_is_staff(as_clerk: APIClient, as_sam: APIClient, sam: User, mia: User) -> None:
    is_problem(as_clerk.patch(f"{API}/users/{sam.pk}", {"is_active": False}, format="json"), 403)
    is_problem(as_clerk.delete(f"{API}/users/{sam.pk}"), 403)
    is_problem(as_clerk.patch(f"{API}/users/{mia.pk}", {"is_staff": True}, format="json"), 403)
    assert as_sam.patch(f"{API}/users/{mia.pk}", {"is_staff": True}, format="json").json()["is_staff"] is True
    told = is_problem(as_sam.delete(f"{API}/users/{sam.pk}"), 409)
    assert "the only one" in told["detail"]


# --- servers


def test_a_server_is_added_looked_at_and_taken_away(as_sam: APIClient) -> None:
    body = {"name": "gpu-1", "address": "http://127.0.0.1:9/", "allow_private": True, "token": "secret-of-gpu-1"}
    made = as_sam.post(f"{API}/servers", body, format="json")
    assert made.status_code == 201 and "secret-of-gpu-1" not in made.content.decode()
    told = made.json()
    assert (told["address"], told["has_token"]) == ("http://127.0.0.1:9", True) and told["last_error"]
    moved = is_problem(as_sam.patch(f"{API}/servers/{told['id']}", {"address": "http://127.0.0.1:10"}, format="json"), 422)
    assert "Give the token for it" in moved["errors"]["token"][0]
    is_problem(as_sam.delete(f"{API}/servers/{told['id']}"), 409)
    assert as_sam.patch(f"{API}/servers/{told['id']}", {"enabled": False}, format="json").json()["enabled"] is False
    assert as_sam.post(f"{API}/servers/{told['id']}/probe").json()["last_error"]
    assert as_sam.delete(f"{API}/servers/{told['id']}").status_code == 204 and not Server.objects.exists()


def test_a_clerk_lets_no_address_lead_inside(as_clerk: APIClient) -> None:
    for body in (
        {"address": "http://127.0.0.1:8188", "allow_private": True},
        {"address": "http://127.0.0.1:8188"},
        {"address": "nonsense"},
    ):
        told = is_problem(as_clerk.post(f"{API}/servers", {"name": "mine", **body}, format="json"), 422)
        assert set(told["errors"]) <= {"address", "allow_private"}
    assert not Server.objects.exists()


# --- LoRAs


def test_everybody_sees_loras_and_only_staff_see_and_write_the_file(as_mia: APIClient, as_clerk: APIClient) -> None:
    made = as_clerk.post(f"{API}/loras", GRAIN, format="json")
    assert made.status_code == 201 and made.json()["file_name"] == "grain.safetensors"
    seen = as_mia.get(f"{API}/loras/grain").json()
    assert seen["title"] == "Film grain" and "file_name" not in seen
    assert [each["id"] for each in as_mia.get(f"{API}/loras").json()["results"]] == ["grain"]
    is_problem(as_mia.post(f"{API}/loras", GRAIN, format="json"), 403)
    assert as_clerk.patch(f"{API}/loras/grain", {"weight_default": 0.5}, format="json").json()["weight_default"] == 0.5
    assert as_clerk.delete(f"{API}/loras/grain").status_code == 204 and not Lora.objects.exists()


def test_a_lora_with_a_weight_out_of_its_range_is_refused(as_clerk: APIClient) -> None:
    told = is_problem(as_clerk.post(f"{API}/loras", {**GRAIN, "weight_default": 1.5}, format="json"), 422)
    assert told["errors"]["weight_default"] == ["The default weight must lie between the smallest and the largest."]
    as_clerk.post(f"{API}/loras", GRAIN, format="json")
    assert "already" in is_problem(as_clerk.post(f"{API}/loras", GRAIN, format="json"), 422)["errors"]["id"][0]
    assert "stays" in is_problem(as_clerk.patch(f"{API}/loras/grain", {"id": "other"}, format="json"), 422)["errors"]["id"][0]


# --- templates


def as_written(template: AdTemplate) -> dict[str, Any]:
    assert template.current is not None
    version = template.current
    return {
        "id": "copied",
        "title": "Copied",
        "category": template.category.slug,
        "layout": version.layout.layout.slug,
        "data": copy.deepcopy(version.data),
    }


def test_staff_write_a_template_which_is_offered_when_they_say_so(as_clerk: APIClient, as_mia: APIClient, template: AdTemplate) -> None:
    made = as_clerk.post(f"{API}/templates", as_written(template), format="json")
    assert made.status_code == 201 and made.json()["version"] == 1
    is_problem(as_mia.get(f"{API}/templates/copied"), 404)
    assert "copied" in [each["id"] for each in as_clerk.get(f"{API}/templates?all=true").json()["results"]]
    assert as_clerk.patch(f"{API}/templates/copied", {"published": True}, format="json").status_code == 200
    seen = as_mia.get(f"{API}/templates/copied").json()
    assert seen["version"] == 1 and "data" not in seen
    data = {**made.json()["data"], "engines": {**made.json()["data"].get("engines", {})}}
    data["words"]["scene"] = "Another table"
    again = as_clerk.patch(f"{API}/templates/copied", {"data": data, "note": "Another table"}, format="json").json()
    assert again["version"] == 2 and again["data"]["words"]["scene"] == "Another table"
    assert as_clerk.delete(f"{API}/templates/copied").status_code == 204
    is_problem(as_clerk.get(f"{API}/templates/copied"), 404)


def test_a_template_that_no_engine_could_read_is_refused_whole(as_clerk: APIClient, template: AdTemplate) -> None:
    body = as_written(template)
    body["data"]["style"] = {"inks": []}
    told = is_problem(as_clerk.post(f"{API}/templates", body, format="json"), 422)
    assert told["errors"]["data"] and not AdTemplate.objects.filter(slug="copied").exists()
    told = is_problem(as_clerk.post(f"{API}/templates", {"id": "x", "title": "X", "category": body["category"]}, format="json"), 422)
    assert set(told["errors"]) == {"layout", "data"}


def test_a_template_that_was_ordered_from_stays(as_clerk: APIClient, as_mia: APIClient, order: Generation, template: AdTemplate) -> None:
    told = is_problem(as_clerk.delete(f"{API}/templates/{template.slug}"), 409)
    assert "`published`" in told["detail"]
    assert AdTemplate.objects.get(pk=template.pk).current is not None
    is_problem(as_mia.patch(f"{API}/templates/{template.slug}", {"title": "Mine"}, format="json"), 403)
    is_problem(as_mia.delete(f"{API}/templates/{template.slug}"), 403)


# --- the self-test


def test_the_self_test_says_of_each_part_whether_it_works(as_sam: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "ANSWER_SECONDS", 0.2)
    told = as_sam.post(f"{API}/test/").json()
    parts = {each["name"]: each for each in told["checks"]}
    assert set(parts) == {"paint", "write", "store", "queue"}
    assert all(parts[name]["ok"] for name in ("paint", "write", "store")), parts
    assert not parts["queue"]["ok"] and "No worker answered" in parts["queue"]["detail"] and told["ok"] is False


@pytest.mark.django_db(transaction=True)
def test_the_self_test_hears_a_worker(sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "task_always_eager", True)
    told = client_of(sam).get(f"{API}/test").json()
    assert told["ok"] is True and "answered the bell" in told["checks"][3]["detail"]


def test_the_self_test_tells_of_a_server_that_does_not_answer(as_sam: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "ANSWER_SECONDS", 0.2)
    Server.objects.create(name="gpu-1", address="http://127.0.0.1:9", allow_private=True)
    parts = {each["name"]: each for each in as_sam.post(f"{API}/test/").json()["checks"]}
    assert not parts["server gpu-1"]["ok"] and parts["server gpu-1"]["detail"]
