"""Brands in pages: another one with one click, people, invitations with and without an account."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts import brands
from accounts.models import Brand, Membership, Message, User
from generations import actions
from generations.models import Generation
from tests.people import PASSWORD, bottle_png
from tests.studio.conftest import upload

NEW = "a sentence that nobody knows"


@pytest.fixture
def second(mia: User) -> Brand:
    """Mia's other brand."""
    return brands.make_brand(by=mia, name="Fizzlo")


def test_one_click_changes_the_brand_and_nothing_of_the_other_is_shown(
    as_mia: Client, order: Generation, brand: Brand, second: Brand
) -> None:
    actions.add_photo(by=None, brand=second, data=bottle_png(), name="can.png")
    link = f"/generations/{order.pk}/"
    assert link in as_mia.get("/library/").content.decode()
    assert as_mia.post(f"/brands/{second.pk}/switch/", {"next": "/library/"})["Location"] == "/library/"
    assert link not in as_mia.get("/library/").content.decode()
    form = as_mia.get("/create/leaf-shade/").content.decode()
    assert re.search(rf'<option value="{second.pk}" selected', form)
    photos = set(re.findall(r"/files/([0-9a-f-]{36})/", form))
    assert photos == {str(photo.pk) for photo in second.photos.all()}, "only this brand's photos are offered"
    as_mia.post(f"/brands/{brand.pk}/switch/")
    assert link in as_mia.get("/library/").content.decode()


def test_a_form_that_was_left_half_way_stays_in_its_brand(as_mia: Client, brand: Brand, second: Brand) -> None:
    left = {"headline": "Only Miravel says this", "brand": str(brand.pk), "photo": upload(), "mark": "1"}
    assert as_mia.post("/create/leaf-shade/", left)["Location"].startswith("/photos/")
    assert "Only Miravel says this" in as_mia.get("/create/leaf-shade/").content.decode()
    as_mia.post(f"/brands/{second.pk}/switch/")
    assert "Only Miravel says this" not in as_mia.get("/create/leaf-shade/").content.decode()


def test_nobody_switches_to_or_looks_into_somebody_elses_brand(as_eve: Client, mia: User, max: User, brand: Brand) -> None:
    invitation = brands.invite(by=mia, brand=brand, email="new@example.com", role="editor")
    place = Membership.objects.get(user=max)
    for path in ("switch", "people", "people/invite", f"people/{place.pk}", f"invitations/{invitation.pk}", "rename", "delete", "restore"):
        address = f"/brands/{brand.pk}/{path}/"
        assert as_eve.post(address).status_code == 404, path
    assert as_eve.get(f"/brands/{brand.pk}/people/").status_code == 404
    assert as_eve.post(f"/brands/{brand.pk}/switch/", {"next": "https://evil.example/"}).status_code == 404


def test_switching_leads_nowhere_else(as_mia: Client, brand: Brand) -> None:
    assert as_mia.post(f"/brands/{brand.pk}/switch/", {"next": "https://evil.example/"})["Location"] == "/"


def test_an_editor_sees_the_people_and_no_button_that_is_an_owners(client: Client, max: User, brand: Brand) -> None:
    client.force_login(max)
    page = client.get(f"/brands/{brand.pk}/people/").content.decode()
    assert "Leave" in page and "Invite somebody" not in page and "Hand over" not in page
    refused = client.post(f"/brands/{brand.pk}/people/invite/", {"email": "x@example.com", "role": "editor"})
    assert refused.status_code == 403 and "Only an owner" in refused.content.decode()
    assert not Message.objects.exists()


def test_mia_invites_changes_hands_over_and_leaves(as_mia: Client, mia: User, max: User, brand: Brand) -> None:
    people = f"/brands/{brand.pk}/people/"
    assert as_mia.post(f"{people}invite/", {"email": "nobody", "role": "editor"}).status_code == 422
    assert as_mia.post(f"{people}invite/", {"email": "ines@example.com", "role": "reviewer"}).status_code == 302
    assert "Invited as reviewer" in as_mia.get(people).content.decode()
    place, own = (Membership.objects.get(user=person) for person in (max, mia))
    as_mia.post(f"{people}{place.pk}/", {"role": "reviewer"})
    place.refresh_from_db()
    assert place.role == "reviewer"
    assert "needs an owner" in as_mia.post(f"{people}{own.pk}/", {"remove": "1"}).content.decode()
    as_mia.post(f"{people}{place.pk}/", {"hand-over": "1"})
    assert as_mia.post(f"{people}{own.pk}/", {"remove": "1"})["Location"] == "/account/"
    assert list(brand.members.all()) == [max]


def test_a_brand_is_deleted_by_its_name_and_brought_back(as_mia: Client, brand: Brand) -> None:
    delete = f"/brands/{brand.pk}/delete/"
    assert as_mia.post(delete, {"name": "Mirabel"}).status_code == 422
    assert as_mia.post(delete, {"name": "Miravel"}).status_code == 302
    assert as_mia.get(f"/brands/{brand.pk}/people/").status_code == 404
    assert "Bring it back" in as_mia.get("/account/").content.decode()
    as_mia.post(f"/brands/{brand.pk}/restore/")
    assert as_mia.get(f"/brands/{brand.pk}/people/").status_code == 200


def test_an_invitation_is_accepted_with_an_account(client: Client, mia: User, eve: User, brand: Brand) -> None:
    link = f"/invitations/{brands.token_of(brands.invite(by=mia, brand=brand, email=eve.email, role='editor'))}/"
    assert "Mia Miravel invites you" in client.get(link).content.decode()
    assert client.post(link, {"sign-in": "1"})["Location"] == "/account/sign-in/"
    assert client.post("/account/sign-in/", {"username": eve.email, "password": PASSWORD})["Location"] == link
    assert client.post(link)["Location"] == "/"
    assert brands.role_in(eve, brand) == "editor"
    assert client.get(link).status_code == 410


def test_an_invitation_is_accepted_without_an_account_and_confirms_its_address(client: Client, mia: User, brand: Brand) -> None:
    link = f"/invitations/{brands.token_of(brands.invite(by=mia, brand=brand, email='nora@example.com', role='reviewer'))}/"
    assert client.post(link, {"register": "1"})["Location"] == "/account/register/"
    answer = client.post("/account/register/", {"name": "Nora", "email": "nora@example.com", "password1": NEW})
    assert answer["Location"] == link, "the link was in her letter box: nothing else needs to be confirmed"
    client.post(link)
    nora = User.objects.get(email="nora@example.com")
    assert brands.role_in(nora, brand) == "reviewer" and nora.brands.count() == 2


def test_an_invitation_of_somebody_else_confirms_no_address(client: Client, mia: User, brand: Brand) -> None:
    link = f"/invitations/{brands.token_of(brands.invite(by=mia, brand=brand, email='nora@example.com', role='reviewer'))}/"
    client.post(link, {"register": "1"})
    answer = client.post("/account/register/", {"name": "Thief", "email": "president@example.com", "password1": NEW})
    assert answer["Location"] == "/account/confirm/" and "_auth_user_id" not in client.session


def test_a_reviewer_looks_at_everything_and_changes_nothing(
    client: Client, max: User, order: Generation, filled: dict[str, object]
) -> None:
    Membership.objects.filter(user=max).update(role="reviewer")
    client.force_login(max)
    photo = order.photos.get()
    assert client.get(f"/generations/{order.pk}/").status_code == 200
    assert client.get("/create/leaf-shade/").status_code == 200
    for path in ("stop", "again", "words", "undo"):
        assert client.post(f"/generations/{order.pk}/{path}/", {"headline": "Mine"}).status_code == 403, path
    assert client.post(f"/photos/{photo.pk}/mark/", {"left": "1"}).status_code == 403
    assert client.post("/photos/", {"photo": upload()}).status_code == 403
    assert client.post("/create/leaf-shade/", {**filled, "photo": upload()}).status_code == 403
    order.refresh_from_db()
    assert Generation.objects.count() == 1 and order.status == "waiting" and order.brand.photos.count() == 1
