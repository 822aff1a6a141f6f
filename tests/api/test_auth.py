"""Accounts by API: registering, confirming, a new password, another address, sessions; and attacks on tokens, of which none works."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import sessions, tries
from accounts.models import Message, TokenChain, User
from tests.api.conftest import is_problem
from tests.people import PASSWORD
from tests.studio.test_account_pages import add_app, code_of  # noqa: F401 - a fixture

A, NEW = "/api/v1/auth", "a sentence that nobody knows"


def post(path: str, token: str = "", **body: Any) -> Any:
    """What a phone sends."""
    client = APIClient()
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post(f"{A}/{path}", body)


def me(token: object) -> int:
    return APIClient().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {token}").status_code


def key_of(letter: Message) -> str:
    return str(letter.words["link"]).rstrip("/").rpartition("/")[2]


@pytest.fixture
def pair(mia: User) -> dict[str, str]:
    """Mia's phone, signed in."""
    pair: dict[str, str] = post("token", email=mia.email, password=PASSWORD, device="Mia's phone").json()
    return pair


def test_nora_registers_confirms_and_signs_in(db: None) -> None:
    assert post("register", name="Nora", email="Nora@Example.com", password=NEW).status_code == 202
    refused = is_problem(post("token", email="nora@example.com", password=NEW), 403)
    assert "Confirm your e-mail address" in refused["detail"]
    is_problem(post("email/verify", key="nonsense"), 422)
    assert post("email/verify", key=key_of(Message.objects.get())).status_code == 204
    access = post("token", email="nora@example.com", password=NEW).json()["access"]
    told = APIClient().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {access}").json()
    assert (told["name"], [brand["name"] for brand in told["brands"]]) == ("Nora", ["Nora"])


@pytest.mark.parametrize("path", ["register", "password/forgot", "email/resend"])
def test_known_and_unknown_addresses_get_the_same_answer(mia: User, path: str) -> None:
    answers = [post(path, name="N", email=email, password=NEW) for email in (mia.email, "nobody@example.com")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert not APIClient().cookies and not answers[0].cookies, "no session is made on the way"


def test_a_weak_password_is_said_at_its_field(db: None) -> None:
    problem = is_problem(post("register", name="Nora", email="nora@example.com", password="password1234"), 422)
    assert list(problem["errors"]) == ["password"] and "common" in problem["detail"]
    assert not User.objects.exists()


def test_a_link_that_confirms_is_sent_again_where_one_waits(mia: User) -> None:
    EmailAddress.objects.filter(user=mia).update(verified=False)
    post("email/resend", email=mia.email)
    assert Message.objects.get().kind == "verify"


def test_a_new_password_by_email_ends_every_session_and_token(mia: User, pair: dict[str, str]) -> None:
    post("password/forgot", email=mia.email)
    key = key_of(Message.objects.get(kind="reset"))
    is_problem(post("password/reset", key=key, password="short"), 422)
    assert post("password/reset", key=key, password=NEW).status_code == 204
    assert "key" in is_problem(post("password/reset", key=key, password=NEW), 422)["errors"], "it works once"
    assert me(pair["access"]) == 401
    is_problem(post("token/refresh", refresh=pair["refresh"]), 401)
    assert post("token", email=mia.email, password=NEW).status_code == 200


def test_a_changed_password_gives_this_phone_new_tokens_and_ends_all_others(mia: User, pair: dict[str, str]) -> None:
    other = post("token", email=mia.email, password=PASSWORD).json()
    assert "current_password" in is_problem(post("password/change", pair["access"], current_password="wrong", password=NEW), 422)["errors"]
    fresh = post("password/change", pair["access"], current_password=PASSWORD, password=NEW).json()
    assert me(fresh["access"]) == 200
    assert [me(old["access"]) for old in (pair, other)] == [401, 401]
    is_problem(post("token/refresh", refresh=other["refresh"]), 401)


def test_guesses_at_the_password_behind_a_token_are_counted(mia: User, pair: dict[str, str]) -> None:
    for _ in range(tries.HERE.most):
        post("email/change", pair["access"], email="new@example.com", password="a guess")
    assert post("email/change", pair["access"], email="new@example.com", password=PASSWORD).status_code == 429
    assert not Message.objects.exists()


def test_another_address_is_asked_for_with_the_password_and_holds_once_confirmed(mia: User, pair: dict[str, str]) -> None:
    assert post("email/change", pair["access"], email="new@example.com", password=PASSWORD).status_code == 202
    letter = Message.objects.get(kind="change")
    assert post("email/verify", key=key_of(letter)).status_code == 204
    mia.refresh_from_db()
    assert mia.email == "new@example.com"


def test_a_second_step_is_asked_for_by_api_too(mia: User, add_app: Any, client: Any) -> None:  # noqa: F811
    client.post("/account/sign-in/", {"username": mia.email, "password": PASSWORD})
    secret = add_app(client)
    assert "code" in is_problem(post("token", email=mia.email, password=PASSWORD), 422)["errors"]
    assert "code" in is_problem(post("token", email=mia.email, password=PASSWORD, code="000000"), 422)["errors"]
    code = code_of(secret)
    assert post("token", email=mia.email, password=PASSWORD, code=code).status_code == 200
    is_problem(post("token", email=mia.email, password=PASSWORD, code=code), 422)


def test_mia_sees_her_phone_in_the_list_and_signs_it_out(mia: User, eve: User, pair: dict[str, str]) -> None:
    phone = APIClient()
    phone.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    (row,) = phone.get("/api/v1/me/sessions").json()["results"]
    assert row["name"] == "Mia's phone" and row["is_app"]
    stranger = post("token", email=eve.email, password=PASSWORD).json()["access"]
    address = f"/api/v1/me/sessions/{row['id']}"
    assert APIClient().delete(address, HTTP_AUTHORIZATION=f"Bearer {stranger}").status_code == 404
    assert phone.delete(address).status_code == 204
    is_problem(post("token/refresh", refresh=pair["refresh"]), 401)
    assert phone.delete("/api/v1/me/sessions").status_code == 204
    assert me(pair["access"]) == 401, "out everywhere is out at once"


def test_mia_changes_what_is_hers_to_change_and_nothing_else(mia: User, pair: dict[str, str]) -> None:
    phone = APIClient()
    phone.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    sent = {
        "name": "Mia M.",
        "language": "de",
        "time_zone": "Europe/Madrid",
        "is_staff": True,
        "email": "x@example.com",
        "sign_in_epoch": 9,
    }
    assert phone.patch("/api/v1/me", sent).json()["time_zone"] == "Europe/Madrid"
    mia.refresh_from_db()
    assert (mia.name, mia.is_staff, mia.email, mia.sign_in_epoch) == ("Mia M.", False, "mia@example.com", 0)
    assert set(is_problem(phone.patch("/api/v1/me", {"language": "xx", "time_zone": "Mars"}), 422)["errors"]) == {"language", "time_zone"}


# --- twelve attacks, and what they are answered with


def _access(user: User, **claims: Any) -> dict[str, Any]:
    return {**AccessToken.for_user(user).payload, **claims}


def _ours(payload: dict[str, Any], algorithm: str = "HS256", key: str | None = None) -> str:
    return jwt.encode(payload, settings.SIMPLE_JWT["SIGNING_KEY"] if key is None else key, algorithm=algorithm)


def _without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {claim: value for claim, value in payload.items() if claim != name}


ATTACKS = {
    "no signature": lambda user: _ours(_access(user), "none", ""),
    "another algorithm": lambda user: _ours(_access(user), "HS512"),
    "somebody else's key": lambda user: _ours(_access(user), key="somebody else's key, long enough for it"),
    "the key of the cookies": lambda user: _ours(_access(user), key=settings.SECRET_KEY),
    "another audience": lambda user: _ours(_access(user, aud="another-api")),
    "no audience": lambda user: _ours(_without(_access(user), "aud")),
    "another issuer": lambda user: _ours(_access(user, iss="evil")),
    "ran out": lambda user: _ours(_access(user, exp=AccessToken().current_time - timedelta(seconds=5))),
    "a refresh token as an access token": lambda user: str(RefreshToken.for_user(user)),
    "a person who is not there": lambda user: _ours(_access(user, user_id=str(uuid4()))),
    "an id that is none": lambda user: _ours(_access(user, user_id="1 OR 1=1")),
    "of before everybody was signed out": lambda user: _ours(_access(user, epoch=user.sign_in_epoch + 1)),
    "no password's mark": lambda user: _ours(_without(_access(user), "hash_password")),
    "tampered": lambda user: str(AccessToken.for_user(user))[:-4] + "AAAA",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_token_opens_nothing(mia: User, attack: str) -> None:
    assert me(AccessToken.for_user(mia)) == 200
    assert me(ATTACKS[attack](mia)) == 401


@pytest.mark.parametrize("how", ["closed", "deleted", "password", "everywhere"])
def test_a_token_ends_with_what_it_was_given_for(mia: User, pair: dict[str, str], how: str) -> None:
    match how:
        case "closed":
            User.objects.filter(pk=mia.pk).update(is_active=False)
        case "deleted":
            mia.delete()
        case "password":
            mia.set_password(NEW)
            mia.save()
        case _:
            sessions.end_everywhere(mia)
    assert me(pair["access"]) == 401
    is_problem(post("token/refresh", refresh=pair["refresh"]), 401)


def test_a_used_refresh_token_that_comes_back_ends_the_whole_sign_in_and_its_owner_hears_of_it(mia: User, pair: dict[str, str]) -> None:
    second = post("token/refresh", refresh=pair["refresh"]).json()
    third = post("token/refresh", refresh=second["refresh"]).json()
    is_problem(post("token/refresh", refresh=pair["refresh"]), 401)
    is_problem(post("token/refresh", refresh=third["refresh"]), 401)
    assert TokenChain.objects.get().ended_because == "used token"
    assert [(letter.kind, letter.words["device"]) for letter in Message.objects.all()] == [("token_reused", "Mia's phone")]
    assert post("token", email=mia.email, password=PASSWORD).status_code == 200, "and she signs in again"


@pytest.mark.parametrize("forged", ["access", "made up", "no chain", "another's chain", "signed out"])
def test_what_is_no_refresh_token_of_ours_gives_nothing(mia: User, eve: User, pair: dict[str, str], forged: str) -> None:
    token = RefreshToken.for_user(eve)
    token["chain"] = str(TokenChain.objects.get().pk)
    if forged == "signed out":
        assert post("logout", refresh=pair["refresh"]).status_code == 204
    sent = {
        "access": pair["access"],
        "made up": "a.b.c",
        "no chain": str(RefreshToken.for_user(mia)),
        "another's chain": str(token),
        "signed out": pair["refresh"],
    }[forged]
    is_problem(post("token/refresh", refresh=sent), 401)
    assert Message.objects.count() == 0
