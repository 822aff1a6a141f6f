"""Signing in, staying in, and being out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import tries
from accounts.models import User
from tests.api.conftest import is_problem
from tests.people import PASSWORD

TOKEN, REFRESH, LOGOUT, ME = ("/api/v1/auth/token", "/api/v1/auth/token/refresh", "/api/v1/auth/logout", "/api/v1/me")


def sign_in(client: APIClient, email: str = "mia@example.com", password: str = PASSWORD) -> Any:
    return client.post(TOKEN, {"email": email, "password": password})


def me(client: APIClient, token: object) -> Any:
    return client.get(ME, HTTP_AUTHORIZATION=f"Bearer {token}")


def test_mia_signs_in_with_her_address_and_is_known_from_then_on(mia: User, anyone: APIClient) -> None:
    response = sign_in(anyone, "Mia@Example.com")
    assert response.status_code == 200 and set(response.json()) == {"access", "refresh"}
    told = me(anyone, response.json()["access"]).json()
    assert told["email"] == "mia@example.com" and told["name"] == "Mia Miravel"
    assert [brand["slug"] for brand in told["brands"]] == ["miravel"]


def test_an_unknown_address_a_wrong_password_and_a_closed_account_are_told_the_same(mia: User, eve: User, anyone: APIClient) -> None:
    User.objects.filter(pk=eve.pk).update(is_active=False)
    unknown, wrong = (sign_in(anyone, "nobody@example.com"), sign_in(anyone, password="not her password"))
    closed = sign_in(anyone, "eve@example.com")
    assert is_problem(unknown, 401) == is_problem(wrong, 401) == is_problem(closed, 401)
    assert "WWW-Authenticate" in wrong


def test_a_sign_in_without_a_password_says_which_field_is_missing(db: None, anyone: APIClient) -> None:
    assert "password" in is_problem(anyone.post(TOKEN, {"email": "mia@example.com"}), 422)["errors"]


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(mia: User, anyone: APIClient) -> None:
    for _ in range(tries.HERE.most):
        sign_in(anyone, password="a wrong one again")
    refused = is_problem(sign_in(anyone), 429)
    assert "Too many tries. Wait 15 minutes" in refused["detail"]


def test_the_lock_for_mia_is_not_a_lock_for_eve(mia: User, eve: User, anyone: APIClient) -> None:
    for _ in range(tries.HERE.most + 1):
        sign_in(anyone, password="a wrong one again")
    assert sign_in(anyone, "eve@example.com").status_code == 200


def test_a_forged_forwarding_address_does_not_start_the_count_again(mia: User, anyone: APIClient) -> None:
    body = {"email": "mia@example.com", "password": "a wrong one again"}
    for number in range(tries.HERE.most):
        anyone.post(TOKEN, body, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    is_problem(anyone.post(TOKEN, {**body, "password": PASSWORD}, HTTP_X_FORWARDED_FOR="203.0.113.99"), 429)


def test_a_refresh_token_gives_a_new_pair_once(mia: User, anyone: APIClient) -> None:
    first = sign_in(anyone).json()
    second = anyone.post(REFRESH, {"refresh": first["refresh"]})
    assert second.status_code == 200 and second.json()["refresh"] != first["refresh"]
    assert me(anyone, second.json()["access"]).status_code == 200
    is_problem(anyone.post(REFRESH, {"refresh": first["refresh"]}), 401)


def test_after_signing_out_the_refresh_token_is_useless(mia: User, anyone: APIClient) -> None:
    pair = sign_in(anyone).json()
    assert anyone.post(LOGOUT, {"refresh": pair["refresh"]}).status_code == 204
    is_problem(anyone.post(REFRESH, {"refresh": pair["refresh"]}), 401)


def test_a_changed_password_ends_both_tokens(mia: User, anyone: APIClient) -> None:
    pair = sign_in(anyone).json()
    mia.set_password("another long password")
    mia.save()
    is_problem(me(anyone, pair["access"]), 401)
    is_problem(anyone.post(REFRESH, {"refresh": pair["refresh"]}), 401)


@pytest.mark.parametrize("how", ["closed", "deleted"])
def test_a_person_who_is_gone_has_no_way_in(mia: User, anyone: APIClient, how: str) -> None:
    pair = sign_in(anyone).json()
    if how == "closed":
        User.objects.filter(pk=mia.pk).update(is_active=False)
    else:
        mia.delete()
    is_problem(me(anyone, pair["access"]), 401)
    is_problem(anyone.post(REFRESH, {"refresh": pair["refresh"]}), 401)


def _expired(user: User) -> str:
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=-timedelta(seconds=1))
    return str(token)


def _signed_with(user: User, key: str, algorithm: str) -> str:
    return jwt.encode(AccessToken.for_user(user).payload, key, algorithm=algorithm)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(_expired, id="expired"),
        pytest.param(lambda user: str(RefreshToken.for_user(user)), id="refresh token as access token"),
        pytest.param(lambda user: _signed_with(user, "", "none"), id="no signature"),
        pytest.param(lambda user: _signed_with(user, "somebody else's key, long enough for it", "HS256"), id="another key"),
        pytest.param(lambda user: _signed_with(user, settings.SIMPLE_JWT["SIGNING_KEY"], "HS512"), id="another algorithm"),
        pytest.param(lambda user: str(AccessToken.for_user(user))[:-3] + "AAA", id="tampered"),
        pytest.param(lambda user: "not.a.token", id="nonsense"),
    ],
)
def test_a_token_that_is_not_ours_or_not_now_opens_nothing(mia: User, anyone: APIClient, forge: Any) -> None:
    is_problem(me(anyone, forge(mia)), 401)


def test_without_a_token_only_the_front_door_is_open(db: None, anyone: APIClient) -> None:
    front = anyone.get("/api/v1/")
    assert front.status_code == 200 and front.json()["name"] == "AdsGem"
    for name, address in front.json()["links"].items():
        expected = {"token": 405, "refresh": 405, "check": 405, "schema": 200, "docs": 200}.get(name, 401)
        assert anyone.get(address, HTTP_ACCEPT="*/*").status_code == expected, name
