"""Keys for machines on the account page."""

from __future__ import annotations

import re

from django.test import Client

from accounts import keys
from accounts.models import ApiKey, User


def test_mia_makes_a_key_sees_it_once_and_takes_it_back(as_mia: Client, mia: User) -> None:
    shown = as_mia.post("/account/keys/", {"name": "Shop", "days": "30", "read_only": "on"})
    (secret,) = re.findall(r'value="(ak_[^"]*)"', shown.content.decode())
    key = ApiKey.objects.get()
    assert keys.opened_by(secret) == key and key.read_only and "no-store" in shown["Cache-Control"]
    page = as_mia.get("/account/").content.decode()
    assert key.prefix in page and secret not in page
    as_mia.post(f"/account/keys/{key.pk}/take-back/")
    assert keys.opened_by(secret) is None and key.prefix not in as_mia.get("/account/").content.decode()


def test_a_key_without_a_name_is_refused_with_a_sentence(as_mia: Client) -> None:
    answer = as_mia.post("/account/keys/", {"name": " "})
    assert "Give the key a name" in as_mia.get(answer["Location"]).content.decode() and not ApiKey.objects.exists()


def test_somebody_elses_key_is_not_there(as_eve: Client, mia: User) -> None:
    key, secret = keys.make_key(by=mia, brand=mia.memberships.get().brand, name="Shop")  # type: ignore[attr-defined]
    assert as_eve.post(f"/account/keys/{key.pk}/take-back/").status_code == 404 and keys.opened_by(secret)
