"""The account: registering, confirming, a new password, another address, sessions, the second step, and what is told to whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import re
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings as real
from django.core.management import call_command
from django.test import Client

from accounts import sessions, tries
from accounts.models import Brand, Message, Place, TokenChain, Transfer, User
from keeping.secrets import decrypt
from tests.people import PASSWORD

DOOR, NEW = "/account/sign-in/", "a sentence that nobody knows"


def newest() -> Message:
    return Message.objects.order_by("-created_at")[0]


def link_of(letter: Message) -> str:
    return str(letter.words["link"]).removeprefix("http://127.0.0.1:8000")


def register(client: Client, email: str = "nora@example.com", password: str = NEW) -> Any:
    return client.post("/account/register/", {"name": "Nora New", "email": email, "password1": password})


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(DOOR, {"username": email, "password": password, **more})


def test_nora_registers_confirms_her_address_and_finds_a_brand_with_credits(client: Client, db: None) -> None:
    answer = register(client)
    assert (answer.status_code, answer["Location"]) == (302, "/account/confirm/")
    nora = User.objects.get(email="nora@example.com")
    brand = nora.brands.get()
    assert (brand.name, nora.memberships.get().role) == ("Nora New", "owner")
    assert not Transfer.objects.exists(), "nothing to spend before the address is confirmed"
    link = link_of(newest())

    assert sign_in(client, nora.email, NEW)["Location"] == "/account/confirm/", "not in before that"
    assert client.get("/library/").status_code == 302
    assert "Is this your address?" in client.get(link).content.decode()
    assert not EmailAddress.objects.get().verified, "a program that follows links confirms nothing"
    assert client.post(link)["Location"] == DOOR
    assert Transfer.objects.get().credits == 50
    assert sign_in(client, nora.email, NEW)["Location"] == "/"
    assert client.get("/library/").status_code == 200
    assert "This link is used up" in client.get(link, follow=True).content.decode()


def test_an_address_that_has_an_account_gets_the_same_answer_and_its_owner_is_told(client: Client, mia: User) -> None:
    known, new = register(Client(), mia.email), register(Client())
    assert (known.status_code, known["Location"], known.content) == (new.status_code, new["Location"], new.content)
    assert sorted(Message.objects.values_list("to", "kind")) == [(mia.email, "known"), ("nora@example.com", "verify")]
    assert sign_in(client, mia.email).status_code == 302, "her password is as it was"
    assert User.objects.count() == 2


@pytest.mark.parametrize("path", ["/account/register/", "/account/password/reset/"])
def test_known_and_unknown_addresses_cost_the_same_hashes(mia: User, settings: Any, path: str) -> None:
    from tests.accounts.test_tries import CountingHasher

    settings.PASSWORD_HASHERS = ["tests.accounts.test_tries.CountingHasher"]
    costs = []
    for email in (mia.email, "nobody@example.com"):
        CountingHasher.calls = 0
        assert Client().post(path, {"name": "N", "email": email, "password1": NEW}).status_code == 302
        costs.append(CountingHasher.calls)
    assert costs[0] == costs[1]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"email": "nora", "password1": NEW}, "Type an email address"),
        ({"email": "nora@example.com", "password1": "short"}, "at least 12 characters"),
        ({"email": "nora@example.com", "password1": "x" * 129}, "at most 128 characters"),
        ({"email": "nora@example.com", "password1": "password1234"}, "too common"),
        ({"email": "nora.nordlicht@example.com", "password1": "nora.nordlicht"}, "too similar"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_makes_nobody(client: Client, db: None, sent: dict[str, str], sentence: str) -> None:
    answer = client.post("/account/register/", {"name": "Nora", **sent})
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert not User.objects.exists() and not Message.objects.exists()
    assert f'value="{sent["password1"]}"' not in answer.content.decode()


def test_a_new_password_by_email_works_once_and_ends_every_session_and_token(client: Client, as_mia: Client, mia: User) -> None:
    TokenChain.objects.create(user=mia, newest="x", last_used_at="2026-11-26T08:00Z")
    asked = client.post("/account/password/reset/", {"email": "MIA@example.com"})
    assert asked["Location"] == "/account/password/reset/sent/"
    assert newest().kind == "reset"
    form = client.get(link_of(newest()), follow=True)
    action = re.search(r'action="([^"]+set-password/)"', form.content.decode())
    assert action, "the key does not stand in the page"
    assert client.post(action[1], {"password1": "short"}).status_code == 422
    assert client.post(action[1], {"password1": NEW})["Location"] == "/"
    assert client.get("/library/").status_code == 200, "and in she is"
    assert as_mia.get("/library/").status_code == 302 and not TokenChain.objects.filter(ended_at=None).exists()
    assert newest().kind == "password"
    assert "This link is used up" in Client().get(link_of(Message.objects.get(kind="reset")), follow=True).content.decode()
    assert sign_in(Client(), mia.email).status_code == 422 and sign_in(Client(), mia.email, NEW).status_code == 302


def test_nobodys_letter_box_is_filled_through_us(mia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "MAIL_FROM", replace(tries.MAIL_FROM, most=12))
    for _ in range(tries.MAIL_TO.most + 3):
        answer = Client().post("/account/password/reset/", {"email": mia.email})
        assert answer.status_code == 302, "and the answer stays the same"
    assert Message.objects.filter(to=mia.email).count() == tries.MAIL_TO.most
    for number in range(tries.MAIL_FROM.most):
        answer = Client().post("/account/password/reset/", {"email": f"somebody-{number}@example.com"})
    assert answer.status_code == 429


def test_another_address_holds_only_once_it_is_confirmed(client: Client, mia: User, eve: User) -> None:
    sign_in(client, mia.email)
    asked = client.post("/account/email/", {"email": "new@example.com", "action_add": ""})
    assert asked["Location"].startswith("/account/check/") and not Message.objects.exists(), "a desk that was left open changes nothing"
    assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == "/account/email/", "and then it goes on by itself"
    assert (newest().kind, newest().to) == ("change", "new@example.com")
    mia.refresh_from_db()
    assert mia.email == "mia@example.com" and "new@example.com takes its place" in client.get("/account/").content.decode()
    client.post(link_of(newest()))
    mia.refresh_from_db()
    assert mia.email == "new@example.com" and newest().to == "mia@example.com" and newest().kind == "changed"
    assert sign_in(Client(), "new@example.com").status_code == 302 and sign_in(Client(), "mia@example.com").status_code == 422

    client.post("/account/email/", {"email": eve.email, "action_add": ""})
    assert newest().to == eve.email, "the same answer for an address of somebody else"
    client.post(link_of(newest()))
    mia.refresh_from_db()
    assert mia.email == "new@example.com"


def test_a_changed_password_ends_all_sessions_but_this_one_and_guesses_at_the_old_one_count(client: Client, mia: User, max: User) -> None:
    sign_in(client, mia.email)
    other = Client()
    sign_in(other, mia.email)
    wrong = client.post("/account/password/", {"oldpassword": "not hers", "password1": NEW})
    assert wrong.status_code == 422 and "This is not your password" in wrong.content.decode()
    assert client.post("/account/password/", {"oldpassword": PASSWORD, "password1": NEW})["Location"] == "/account/"
    assert client.get("/library/").status_code == 200 and other.get("/library/").status_code == 302

    mine = Client()
    sign_in(mine, max.email)
    for _ in range(5):
        mine.post("/account/password/", {"oldpassword": "a guess", "password1": NEW})
    assert mine.post("/account/password/", {"oldpassword": PASSWORD, "password1": NEW}).status_code == 429


def test_mia_says_who_she_is_and_new_briefs_begin_in_her_language(as_mia: Client, mia: User) -> None:
    answer = as_mia.post("/account/", {"name": "Mia M.", "language": "de", "time_zone": "Europe/Madrid"})
    assert answer.status_code == 302
    mia.refresh_from_db()
    assert (mia.name, mia.language, mia.time_zone) == ("Mia M.", "de", "Europe/Madrid")
    assert 'value="de" lang="de" selected' in as_mia.get("/create/leaf-shade/").content.decode()
    assert as_mia.post("/account/", {"name": "", "language": "xx", "time_zone": "Mars/Olympus"}).status_code == 422
    mia.refresh_from_db()
    assert mia.time_zone == "Europe/Madrid"


def test_mia_sees_where_she_is_signed_in_and_signs_out_one_or_all(client: Client, mia: User, eve: User) -> None:
    sign_in(client, mia.email)
    laptop = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    sign_in(laptop, mia.email)
    page = client.get("/account/").content.decode()
    assert "Firefox on Windows" in page and "This one" in page
    there = next(device for device in sessions.devices_of(mia) if device.name == "Firefox on Windows")
    thief = Client()
    sign_in(thief, eve.email)
    thief.post(f"/account/sessions/end/{there.id}/")
    assert laptop.get("/library/").status_code == 200, "nobody else signs her out"
    client.post(f"/account/sessions/end/{there.id}/")
    assert laptop.get("/library/").status_code == 302 and client.get("/library/").status_code == 200
    sign_in(laptop, mia.email)
    client.post("/account/sessions/end/")
    assert laptop.get("/library/").status_code == 302 and client.get("/library/").status_code == 200


def test_a_sign_in_from_a_new_place_is_told_and_one_from_a_known_place_is_not(mia: User) -> None:
    for place in ("192.0.2.1", "192.0.2.1", "203.0.113.9"):
        sign_in(Client(REMOTE_ADDR=place), mia.email)
    letter = Message.objects.get()
    assert letter.kind == "sign_in" and letter.words["place"] == "203.0.113.9"
    assert Place.objects.filter(user=mia).count() == 2


def code_of(secret: str, at: float | None = None) -> str:
    """What an authenticator app shows (RFC 6238)."""
    counter = struct.pack(">Q", int((at or time.time()) // 30))
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


@pytest.fixture
def add_app(django_capture_on_commit_callbacks: Any) -> Callable[[Client], str]:
    """Sets an app up as a person does, and gives its secret."""

    def add(client: Client) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            return _add_app(client)

    return add


def _add_app(client: Client) -> str:
    page = client.get("/account/second-step/app/")
    if page.status_code == 302:
        assert client.post(page["Location"], {"password": PASSWORD}).status_code == 302
        page = client.get("/account/second-step/app/")
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.content.decode())
    assert found and "<svg" in page.content.decode()
    secret = found[1].replace(" ", "")
    assert client.post("/account/second-step/app/", {"code": "000000"}).status_code == 422
    answer = client.post("/account/second-step/app/", {"code": code_of(secret)})
    assert answer["Location"] == "/account/second-step/codes/"
    return secret


def test_mia_adds_an_app_and_from_then_on_a_password_is_not_enough(client: Client, mia: User, add_app: Any) -> None:
    sign_in(client, mia.email)
    secret = add_app(client)
    assert secret not in str(Authenticator.objects.get(type="totp").data), "encrypted at rest"
    codes = re.findall(r"<li><code>(\d{12})</code>", client.get("/account/second-step/codes/").content.decode())
    assert len(codes) == 10 and set(Message.objects.values_list("kind", flat=True)) == {"second_step"}

    again = Client()
    assert sign_in(again, mia.email)["Location"] == "/account/second-step/code/"
    assert again.get("/library/").status_code == 302
    assert again.post("/account/second-step/code/", {"code": "123456"}).status_code == 422
    code = code_of(secret)
    assert again.post("/account/second-step/code/", {"code": code})["Location"] == "/"
    assert again.get("/library/").status_code == 200

    spy = Client()
    sign_in(spy, mia.email)
    assert spy.post("/account/second-step/code/", {"code": code}).status_code == 422, "each code opens once"
    assert spy.post("/account/second-step/code/", {"code": codes[0]})["Location"] == "/"
    lost = Client()
    sign_in(lost, mia.email)
    assert lost.post("/account/second-step/code/", {"code": codes[0]}).status_code == 422


def test_codes_are_not_guessed_and_a_new_password_by_email_does_not_go_round_them(client: Client, mia: User, add_app: Any) -> None:
    sign_in(client, mia.email)
    secret = add_app(client)
    guesser = Client()
    sign_in(guesser, mia.email)
    for number in range(5):
        guesser.post("/account/second-step/code/", {"code": f"00000{number}"})
    assert guesser.post("/account/second-step/code/", {"code": code_of(secret)}).status_code == 429
    client.post("/account/password/reset/", {"email": mia.email})
    thief = Client()
    form = thief.get(link_of(newest()), follow=True).content.decode()
    action = re.search(r'action="([^"]+set-password/)"', form)
    assert action and thief.post(action[1], {"password1": NEW})["Location"] == "/account/second-step/code/"
    assert thief.get("/library/").status_code == 302


@pytest.fixture
def https(settings: Any) -> None:
    """As where PUBLIC_URL begins with https."""
    settings.HTTPS = True


def test_where_https_is_staff_get_nowhere_without_a_second_step(https: None, client: Client, sam: User, add_app: Any) -> None:
    sign_in(client, sam.email)
    admin = f"/{real.ADMIN_PATH}"
    for page in (admin, f"{admin}accounts/user/", "/library/", "/create/leaf-shade/"):
        answer = client.get(page)
        assert answer.status_code == 302 and answer["Location"].startswith("/account/second-step/app/"), page
    assert client.get("/api/v1/me").status_code == 403
    assert client.post("/api/v1/auth/token", {"email": sam.email, "password": PASSWORD}, "application/json").status_code == 403
    secret = add_app(client)
    assert client.get(admin).status_code == 200, "whoever has just shown a code has done it"
    assert "Add another one before" in client.post("/account/second-step/app/remove/", follow=True).content.decode()
    assert Authenticator.objects.filter(user=sam, type="totp").exists()

    again = Client()
    assert again.post(f"{admin}login/", {"username": sam.email, "password": PASSWORD})["Location"].startswith("/account/second-step/code/")
    assert again.get(admin).status_code == 302
    again.post("/account/second-step/code/", {"code": code_of(secret)})
    assert again.get(admin).status_code in (200, 302)


def test_admins_rooms_of_money_and_people_ask_again_after_ten_minutes(https: None, client: Client, sam: User, add_app: Any) -> None:
    sign_in(client, sam.email)
    add_app(client)
    users = f"/{real.ADMIN_PATH}accounts/user/"
    assert client.get(users).status_code == 200
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 11 * 60
    session.save()
    assert client.get(users)["Location"].startswith("/account/second-step/check/")
    assert client.get(f"/{real.ADMIN_PATH}templates_app/category/").status_code == 200


def test_marketers_need_no_second_step_and_staff_without_https_are_only_asked(client: Client, sam: User, mia: User, settings: Any) -> None:
    answer = client.post(DOOR, {"username": sam.email, "password": PASSWORD}, follow=True)
    assert "Add a second step" in answer.content.decode()
    assert client.get(f"/{real.ADMIN_PATH}").status_code == 200
    settings.HTTPS = True
    marketer = Client()
    sign_in(marketer, mia.email)
    assert marketer.get("/library/").status_code == 200


def test_admin_can_be_for_some_networks_only(client: Client, sam: User, settings: Any) -> None:
    import ipaddress

    settings.ADMIN_NETWORKS = [ipaddress.ip_network("10.0.0.0/8")]
    client.force_login(sam)
    assert client.get(f"/{real.ADMIN_PATH}").status_code == 404
    assert client.get(f"/{real.ADMIN_PATH}", REMOTE_ADDR="10.1.2.3", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 200
    assert client.get(f"/{real.ADMIN_PATH}", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 404


def test_who_is_in_and_no_staff_is_told_so_at_admins_door(as_mia: Client) -> None:
    assert as_mia.get(f"/{real.ADMIN_PATH}", follow=True).status_code == 403


def test_mia_chooses_which_emails_come(as_mia: Client, mia: User) -> None:
    assert as_mia.post("/account/mail/", {"kind": ["ready"]}).status_code == 302
    mia.refresh_from_db()
    assert mia.unwanted_mail == ["credits_low", "failed"]


def test_credits_and_their_statement_stand_in_the_account(as_mia: Client, eve: User, brand: Brand) -> None:
    from accounts import ledger

    ledger.grant(brand, 12, reason="For trying it out", by=None)
    page = as_mia.get("/account/").content.decode()
    assert "For trying it out" in page and ">12<" in page and "Few are left" in page
    assert "Elsewhere" not in page


def test_staff_help_somebody_who_lost_phone_and_codes_and_the_owner_hears_of_it(client: Client, mia: User, sam: User, add_app: Any) -> None:
    sign_in(client, mia.email)
    add_app(client)
    desk = Client()
    desk.force_login(sam)
    users = f"/{real.ADMIN_PATH}accounts/user/"
    desk.post(users, {"action": "take_second_step_away", "_selected_action": [str(mia.pk)]})
    assert newest().words["what"] == "Your second step was taken away by the staff of this site"
    assert client.get("/library/").status_code == 302, "whoever sat at her desk is out"
    assert sign_in(Client(), mia.email)["Location"] == "/"
    laptop = Client()
    sign_in(laptop, mia.email)
    desk.post(users, {"action": "sign_out_everywhere", "_selected_action": [str(mia.pk)]})
    assert laptop.get("/library/").status_code == 302


def test_a_new_address_typed_by_staff_is_a_confirmed_one(client: Client, mia: User, sam: User) -> None:
    client.force_login(sam)
    page = f"/{real.ADMIN_PATH}accounts/user/{mia.pk}/change/"
    form = {"email": "mia@new.example.com", "name": "Mia", "language": "en", "time_zone": "UTC", "is_active": "on"}
    when = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    inlines = {f"memberships-{name}": value for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))}
    assert client.post(page, {**form, **when, **inlines}).status_code == 302
    assert sign_in(Client(), "mia@new.example.com")["Location"] == "/"
    assert sign_in(Client(), "mia@example.com").status_code == 422


def test_the_secrets_of_apps_are_encrypted_anew_with_the_others(client: Client, mia: User, add_app: Any, settings: Any) -> None:
    sign_in(client, mia.email)
    secret = add_app(client)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    call_command("rotate_secrets", stdout=io.StringIO())
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret, "the new key alone reads it"
