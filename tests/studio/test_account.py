"""The door."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from generations.models import Generation
from tests.people import PASSWORD

DOOR = "/account/sign-in/"


def test_mia_signs_in_and_goes_where_she_wanted(client: Client, mia: User) -> None:
    answer = client.get("/library/")
    assert answer.status_code == 302 and answer["Location"] == f"{DOOR}?next=/library/"
    assert 'name="next" value="/library/"' in client.get(answer["Location"]).content.decode()
    answer = client.post(DOOR, {"username": mia.email.upper(), "password": PASSWORD, "next": "/library/"})
    assert (answer.status_code, answer["Location"]) == (302, "/library/")
    assert client.get("/library/").status_code == 200
    assert client.get(DOOR).status_code == 302, "who is in does not see the door"


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_the_door_leads_nowhere_else(client: Client, mia: User, goal: str) -> None:
    answer = client.post(DOOR, {"username": mia.email, "password": PASSWORD, "next": goal})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_wrong_password_and_an_unknown_email_get_the_same_sentence(client: Client, mia: User) -> None:
    wrong = client.post(DOOR, {"username": mia.email, "password": "wrong password"})
    unknown = client.post(DOOR, {"username": "nobody@example.com", "password": "wrong password"})
    sentence = "This email and password do not belong together."
    for answer, email in ((wrong, mia.email), (unknown, "nobody@example.com")):
        page = answer.content.decode()
        assert answer.status_code == 422 and sentence in page and f'value="{email}"' in page
        assert "wrong password" not in page
    assert client.get("/library/").status_code == 302


def test_empty_fields_are_named_without_a_try(client: Client, mia: User) -> None:
    page = client.post(DOOR, {"username": "", "password": ""}).content.decode()
    assert "Type the email address of your account." in page and "Type your password." in page
    for _ in range(6):
        client.post(DOOR, {"username": mia.email, "password": ""})
    assert client.post(DOOR, {"username": mia.email, "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize(
    ("typed", "first"),
    [({}, "username"), ({"username": "mia", "password": "some word"}, "username"), ({"username": "mia@example.com"}, "password")],
)
def test_the_first_field_that_is_wrong_has_the_focus(client: Client, db: None, typed: dict[str, str], first: str) -> None:
    page = client.post(DOOR, typed).content.decode()
    assert re.findall(r'<input [^>]*\bid="(\w+)"[^>]*\sautofocus', page) == [first]
    assert "autofocus" not in client.get(DOOR).content.decode()


def test_the_door_of_the_staff_is_the_door_of_all_and_shuts_like_it(client: Client, db: None) -> None:
    for _ in range(6):
        answer = client.post(f"/{settings.ADMIN_PATH}login/", {"username": "sam@example.com", "password": "wrong"})
    page = answer.content.decode()
    assert answer.status_code == 429 and "Wait 15 minutes" in page
    assert "studio/css/pages.css" in page and 'href="/"' in page


def test_five_wrong_tries_shut_the_door_for_that_email_only(client: Client, mia: User, max: User) -> None:
    for _ in range(5):
        assert client.post(DOOR, {"username": mia.email, "password": "wrong"}).status_code == 422
    answer = client.post(DOOR, {"username": mia.email, "password": "wrong"})
    assert answer.status_code == 429 and "Wait 15 minutes" in answer.content.decode()
    answer = client.post(DOOR, {"username": mia.email, "password": PASSWORD})
    assert answer.status_code == 429 and "_auth_user_id" not in client.session
    assert client.post(DOOR, {"username": max.email, "password": PASSWORD}).status_code == 302


def test_signing_out_takes_a_post(as_mia: Client) -> None:
    assert as_mia.get("/account/sign-out/").status_code == 405
    assert as_mia.get("/library/").status_code == 200
    assert as_mia.post("/account/sign-out/").status_code == 302
    assert as_mia.get("/library/").status_code == 302


@pytest.mark.parametrize("part", ["/generations/{}/sheet/", "/", "/photos/{}/"])
def test_a_part_of_a_page_whose_session_ran_out_gets_no_page_in_its_place(client: Client, order: Generation, part: str) -> None:
    answer = client.get(part.format(order.pk), headers={"HX-Request": "true"}, follow=True)
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_form_from_elsewhere_changes_nothing(mia: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(mia)
    answer = client.post("/account/sign-out/")
    assert answer.status_code == 403 and "This form went stale" in answer.content.decode()
    assert client.get("/library/").status_code == 200
