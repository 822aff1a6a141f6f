"""Brands and the people in them: who may do what, invitations, leaving, handing over, deleting and bringing back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import brands, ledger
from accounts.brands import BrandRefused, NotAllowed
from accounts.models import Brand, Invitation, Membership, Message, Transfer, User, Webhook
from accounts.queries import brands_of
from generations import purge
from generations.models import Ad, Generation, Photo

Role = Membership.Role


def place(user: User, brand: Brand) -> Membership:
    return Membership.objects.get(user=user, brand=brand)


def test_an_invitation_goes_out_by_email_and_is_taken_once(mia: User, eve: User, sam: User, brand: Brand) -> None:
    invitation = brands.invite(by=mia, brand=brand, email="Eve@Example.com", role="reviewer")
    letter = Message.objects.get()
    assert (letter.kind, letter.to) == ("invite", "eve@example.com")
    token = letter.words["link"].rstrip("/").rpartition("/")[2]
    found = brands.invitation_of(token)
    assert found == invitation
    assert brands.accept(by=eve, invitation=found).role == Role.REVIEWER
    assert brands.invitation_of(token) is None
    with pytest.raises(BrandRefused, match="used already"):
        brands.accept(by=sam, invitation=found)
    assert brands.role_in(sam, brand) is None


@pytest.mark.parametrize("how", ["too old", "taken back", "brand deleted", "forged"])
def test_an_invitation_that_is_over_opens_nothing(mia: User, brand: Brand, how: str) -> None:
    invitation = brands.invite(by=mia, brand=brand, email="eve@example.com", role="editor")
    token = brands.token_of(invitation)
    if how == "too old":
        Invitation.objects.update(expires_at=timezone.now())
    elif how == "taken back":
        brands.take_back(by=mia, invitation=invitation)
    elif how == "brand deleted":
        brands.delete(by=mia, brand=brand)
    else:
        token = token[:-2] + "zz"
    assert brands.invitation_of(token) is None


def test_inviting_again_replaces_the_first_offer_and_members_are_not_invited(mia: User, max: User, brand: Brand) -> None:
    first = brands.invite(by=mia, brand=brand, email="eve@example.com", role="editor")
    second = brands.invite(by=mia, brand=brand, email="eve@example.com", role="owner")
    assert brands.invitation_of(brands.token_of(first)) is None
    assert list(brands.open_invitations(brand)) == [second]
    for email, field in (("max@example.com", "email"), ("not an address", "email")):
        with pytest.raises(BrandRefused) as refused:
            brands.invite(by=mia, brand=brand, email=email, role="editor")
        assert refused.value.field == field
    with pytest.raises(BrandRefused, match="Choose a role"):
        brands.invite(by=mia, brand=brand, email="new@example.com", role="emperor")


def test_who_is_no_owner_decides_about_nobody(mia: User, max: User, eve: User, brand: Brand) -> None:
    mias = place(mia, brand)
    for person in (max, eve):
        for act in (
            lambda who: brands.invite(by=who, brand=brand, email="x@example.com", role="editor"),
            lambda who: brands.change_role(by=who, member=mias, role="reviewer"),
            lambda who: brands.remove(by=who, member=mias),
            lambda who: brands.hand_over(by=who, member=place(max, brand)),
            lambda who: brands.rename(by=who, brand=brand, name="Mine"),
            lambda who: brands.delete(by=who, brand=brand),
            lambda who: brands.restore(by=who, brand=brand),
        ):
            with pytest.raises(NotAllowed):
                act(person)
    brand.refresh_from_db()
    assert (brand.name, brand.deleted_at, place(mia, brand).role) == ("Miravel", None, "owner")
    assert not Message.objects.exists() and not Invitation.objects.exists()


def test_a_brand_is_never_left_without_an_owner(mia: User, max: User, brand: Brand) -> None:
    for act in (
        lambda: brands.remove(by=mia, member=place(mia, brand)),
        lambda: brands.change_role(by=mia, member=place(mia, brand), role="editor"),
    ):
        with pytest.raises(BrandRefused, match="needs an owner"):
            act()
    brands.hand_over(by=mia, member=place(max, brand))
    assert (place(max, brand).role, place(mia, brand).role) == ("owner", "editor")
    brands.remove(by=mia, member=place(mia, brand))
    assert not brands_of(mia).exists()


def test_a_deleted_brand_is_gone_for_all_and_comes_back_whole(mia: User, max: User, brand: Brand, order: Generation) -> None:
    brands.delete(by=mia, brand=brand)
    assert not brands_of(mia).exists() and not brands_of(max).exists()
    assert list(brands.deleted_brands_of(mia)) == [brand] and not brands.deleted_brands_of(max).exists()
    assert purge.purge_brands() == 0
    brands.restore(by=mia, brand=brand)
    assert list(brands_of(max)) == [brand] and Generation.objects.filter(brand=brand).count() == 1


def test_after_thirty_days_only_the_books_are_left_under_no_name(mia: User, brand: Brand, order: Generation) -> None:
    ledger.grant(brand, 10, reason="Hello", by=None)
    Webhook.objects.create(brand=brand, url="https://miravel.example/hook")
    brands.delete(by=mia, brand=brand)
    Brand.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    assert not brands.deleted_brands_of(mia).exists()
    assert purge.purge_brands() == 1 and purge.purge_brands() == 0
    for rows in (Generation, Photo, Ad, Membership, Webhook):
        assert not rows.objects.exists(), rows
    brand.refresh_from_db()
    assert "iravel" not in f"{brand.name} {brand.slug} {brand.wordmark} {brand.colours}"
    assert Transfer.objects.filter(brand=brand, credits=10).exists() and ledger.reconcile() == []


def test_names_are_needed_and_two_brands_of_one_name_have_two_addresses(mia: User) -> None:
    with pytest.raises(BrandRefused, match="Give the brand a name"):
        brands.make_brand(by=mia, name="   ")
    one, two = (brands.make_brand(by=mia, name="Fizzlo") for _ in range(2))
    assert one.slug == "fizzlo" and two.slug.startswith("fizzlo-")
    assert brands.make_brand(by=mia, name="东方").slug.startswith("brand")
