"""Guessing: what is counted, whom it shuts out, and whom it never does."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import tries
from accounts.models import Place, Tries, User
from tests.people import PASSWORD

DOOR, TOKEN, ADMIN = "/account/sign-in/", "/api/v1/auth/token", f"/{settings.ADMIN_PATH}login/"


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password was hashed."""

    calls = 0

    def encode(self, *args: Any, **kwargs: Any) -> str:
        type(self).calls += 1
        return super().encode(*args, **kwargs)


@pytest.fixture
def hashes(settings: Any) -> type[CountingHasher]:
    """Every hash is counted from here on."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    CountingHasher.calls = 0
    return CountingHasher


def knock(
    at: str = DOOR, email: str = "mia@example.com", password: str = "a wrong guess", place: str = "203.0.113.5", **headers: str
) -> int:
    """One try from a place. Gives the status."""
    client = Client(REMOTE_ADDR=place, headers=headers)
    if at == TOKEN:
        return client.post(at, {"email": email, "password": password}, "application/json").status_code
    return client.post(at, {"username": email, "password": password}).status_code


def test_wrong_guesses_at_pages_admin_and_api_count_together(mia: User) -> None:
    assert [knock(at) for at in (DOOR, ADMIN, TOKEN, DOOR, ADMIN)] == [422, 422, 401, 422, 422]
    for at in (DOOR, ADMIN, TOKEN):
        assert knock(at) == 429
        assert knock(at, password=PASSWORD) == 429, "not even the right one is looked at"


def test_what_a_caller_writes_into_a_header_starts_no_count_again(mia: User) -> None:
    for number in range(5):
        knock(**{"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}", "X-Real-Ip": f"198.51.100.{number}"})
    assert knock(**{"X-Forwarded-For": "198.51.100.99"}) == 429


def test_a_stranger_who_guesses_elsewhere_does_not_shut_mia_out(mia: User) -> None:
    for _ in range(7):
        knock()
    assert knock(password=PASSWORD, place="192.0.2.8") == 302


@pytest.mark.django_db(transaction=True)
def test_fifty_guesses_at_once_count_fifty_and_five_are_looked_at(mia: User, hashes: type[CountingHasher]) -> None:
    def one(number: int) -> int:
        try:
            return knock()
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, range(50)))
    assert sorted(answers) == [422] * 5 + [429] * 45
    assert hashes.calls == 5
    assert Tries.objects.get(key=tries._key(tries.HERE, "password", mia.email, "203.0.113.5")).number == 50


def test_an_army_of_strangers_waits_while_mia_at_home_does_not(mia: User) -> None:
    Place.objects.create(user=mia, network="192.0.2.8", last_seen=timezone.now())
    for number in range(tries.STRANGERS.most):
        assert knock(TOKEN, place=f"203.0.113.{number}") == 401
    assert knock(TOKEN, place="198.51.100.1") == 429, "a new place waits"
    assert knock(password=PASSWORD, place="192.0.2.8") == 302, "a place of hers does not"


def test_the_army_cannot_keep_the_door_shut(mia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    for number in range(tries.STRANGERS.most + 40):
        try:
            tries.guess("password", mia.email, f"203.0.113.{number}")
        except tries.TooMany as too_many:
            waits.append(too_many.seconds)
            Tries.objects.update(shut_until=0)  # that time has passed
    assert waits == sorted(waits), "each one waits longer than the one before"
    assert (waits[0], waits[-1]) == (1, tries.STRANGERS.shut), "up to a quarter of an hour"


def test_a_new_password_by_email_opens_the_door_at_once(client: Client, mia: User) -> None:
    for number in range(tries.STRANGERS.most + 2):
        knock(TOKEN, place=f"203.0.113.{number}")
    tries.forget(mia)
    assert knock(password=PASSWORD, place="198.51.100.1") == 302


def test_guesses_that_come_while_it_is_shut_do_not_keep_it_shut(mia: User) -> None:
    for _ in range(5):
        knock()
    until = Tries.objects.order_by("-shut_until").values_list("shut_until", flat=True)[0]
    for _ in range(5):
        assert knock() == 429
    assert Tries.objects.order_by("-shut_until").values_list("shut_until", flat=True)[0] == until
    Tries.objects.update(shut_until=0, since=0)  # a quarter of an hour later
    assert knock(password=PASSWORD) == 302


def test_ones_own_account_does_not_wash_off_guesses_at_others(mia: User, eve: User) -> None:
    for number in range(tries.PLACE.most - 1):
        tries.guess("password", f"somebody-{number}@example.com", "203.0.113.5")
    knock(email=eve.email, password=PASSWORD)
    assert knock() == 422
    assert knock(email="max@example.com") == 429


@pytest.mark.parametrize("at", [DOOR, TOKEN])
def test_a_known_and_an_unknown_address_cost_one_hash_each(mia: User, eve: User, hashes: type[CountingHasher], at: str) -> None:
    User.objects.filter(pk=eve.pk).update(is_active=False)
    costs = []
    for email in (mia.email, "nobody@example.com", eve.email):
        before = hashes.calls
        knock(at, email=email)
        costs.append(hashes.calls - before)
    assert costs == [1, 1, 1]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
    ],
)
def test_a_place_is_an_address_or_what_one_customer_has_of_the_new_internet(address: str, network: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert tries.network_of(request) == network


def test_old_counts_are_forgotten_and_nothing_in_them_names_anybody(mia: User) -> None:
    knock()
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in Tries.objects.values_list("key", flat=True))
    assert tries.forget_old() == 0
    Tries.objects.update(since=1, shut_until=0)
    assert tries.forget_old() == 3
