"""Every refusal looks the same, whatever went wrong."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from api.permissions import Everyone
from generations import actions
from generations.models import Generation
from tests.api.conftest import is_problem

ORDERS = "/api/v1/generations"


def test_what_is_not_json_cannot_be_read(as_mia: APIClient) -> None:
    is_problem(as_mia.post(ORDERS, "{not json", content_type="application/json"), 400)


@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"a":' * 30 + "1" + "}" * 30, '{"template": NaN}', b"\xff\xfe\xfa", '{"client_ref": "\\ud800"}'],
    ids=["thousands of brackets", "thirty levels", "not a number", "no text", "half a letter"],
)
def test_a_hostile_body_is_refused_without_harm(as_mia: APIClient, body: Any) -> None:
    is_problem(as_mia.generic("POST", ORDERS, body, content_type="application/json"), 400)
    assert not Generation.objects.exists()


def test_a_body_that_is_no_object_is_told_so(as_mia: APIClient) -> None:
    assert is_problem(as_mia.post(ORDERS, [1, 2]), 422)["errors"]


def test_a_body_of_more_than_a_megabyte_is_too_large(as_mia: APIClient) -> None:
    is_problem(as_mia.post(ORDERS, {"template": "x" * 1_000_001}), 413)


def test_without_a_token_nobody_gets_in(db: None, anyone: APIClient) -> None:
    response = anyone.get(ORDERS)
    is_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_an_address_that_does_not_exist_is_told_in_json(db: None, anyone: APIClient, method: str) -> None:
    assert is_problem(getattr(anyone, method)("/api/v1/unicorns"), 404)["detail"] == "The API has no such address."


def test_a_method_that_an_address_does_not_have(as_mia: APIClient) -> None:
    is_problem(as_mia.delete("/api/v1/me/credits"), 405)


def test_the_api_speaks_json_only(as_mia: APIClient) -> None:
    is_problem(as_mia.get("/api/v1/me", HTTP_ACCEPT="text/html"), 406)


def test_an_order_in_another_format_is_not_read(as_mia: APIClient) -> None:
    is_problem(as_mia.post(ORDERS, "template=podium", content_type="application/x-www-form-urlencoded"), 415)


def test_a_page_of_somebody_else_cannot_order_with_the_browsers_cookie(mia: User) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(mia)
    assert browser.get("/api/v1/me").status_code == 200
    is_problem(browser.post(ORDERS, {}), 403)


def test_too_many_calls_are_told_when_to_come_back(as_mia: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Everyone, "rate", "3/min")
    answers = [as_mia.get("/api/v1/me") for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    is_problem(answers[3], 429)
    assert 1 <= int(answers[3]["Retry-After"]) <= 60


def test_an_unexpected_error_tells_nothing_of_the_inside(
    as_mia: APIClient, order: Generation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(actions, "cancel_generation", broken)
    as_mia.raise_request_exception = False
    refused = is_problem(as_mia.post(f"{ORDERS}/{order.pk}/cancel"), 500)
    assert "42" not in str(refused) and "RuntimeError" not in str(refused)
    assert "the secret is 42" in caplog.text  # our log has it all
