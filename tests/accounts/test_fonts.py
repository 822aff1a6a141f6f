"""A brand's own fonts: who may bring one, what it is used for, and what an ad says of it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from accounts import brands, fonts
from accounts.models import Brand, BrandFont, User
from finishing import fonts as faces
from generations import finish, pipeline
from generations.models import Ad, Generation
from tests.finishing.test_font_check import font


def bring(by: User, brand: Brand, data: bytes | None = None) -> BrandFont:
    """A font that may be used."""
    return fonts.add(by=by, brand=brand, data=font() if data is None else data, licence="Bought from its maker", may_use=True)


def test_a_font_needs_a_licence_note_and_the_tick(mia: User, brand: Brand) -> None:
    for licence, may_use, field in (("  ", True, "licence"), ("x" * 301, True, "licence"), ("Bought", False, "may_use")):
        with pytest.raises(brands.BrandRefused) as refusal:
            fonts.add(by=mia, brand=brand, data=font(), licence=licence, may_use=may_use)
        assert refusal.value.field == field
    assert not BrandFont.objects.exists()


def test_a_brand_has_a_dozen_fonts_at_most_and_the_same_file_once(mia: User, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "MOST", 1)
    data = font()
    assert bring(mia, brand, data).pk == bring(mia, brand, data).pk
    with pytest.raises(brands.BrandRefused, match="Take one away first"):
        bring(mia, brand, font(family="Another"))


def test_a_stranger_can_neither_bring_nor_use_one(mia: User, eve: User, brand: Brand) -> None:
    with pytest.raises(brands.NotAllowed):
        bring(eve, brand)
    own = bring(mia, brand)
    other = Brand.objects.create(name="Other", slug="other")
    brands.Membership.objects.create(user=eve, brand=other, role="owner")
    with pytest.raises(brands.BrandRefused, match="Upload it first"):
        fonts.give_role(by=eve, brand=other, role="headline", slug=own.slug)


def test_a_font_that_goes_takes_its_roles_along(mia: User, brand: Brand) -> None:
    own = bring(mia, brand)
    fonts.give_role(by=mia, brand=brand, role="headline", slug=own.slug)
    fonts.remove(by=mia, font=own)
    brand.refresh_from_db()
    assert brand.headline_font == ""


def test_an_ad_is_set_in_the_brands_own_font_and_its_recipe_says_so(mia: User, brand: Brand, order: Generation) -> None:
    own = bring(mia, brand)
    fonts.give_role(by=mia, brand=brand, role="headline", slug=own.slug)
    pipeline.run(order.pk)
    ad = Ad.objects.filter(picture__generation=order, status="ready").first()
    assert ad is not None and ad.recipe["fonts"] == {"headline": own.file_id}
    assert not [check for check in ad.checks if check["rule"] == finish.TYPEFACE]
    ad.copy.words["headline"] = "Guten Morgen, schöne Haut"  # no ö among its letters
    raw = finish.Raw.of(ad.picture)
    told = finish._typefaces(ad, raw)
    assert [check.result for check in told] == ["warn"] and "Noto Sans stands in" in told[0].detail
    assert faces.pick(own.slug, "Good morning") == own.slug


def test_the_api_takes_lists_uses_and_removes_fonts(mia: User, eve: User, brand: Brand) -> None:
    as_mia, as_eve = APIClient(), APIClient()
    as_mia.force_authenticate(mia)
    as_eve.force_authenticate(eve)
    where = f"/api/v1/brands/{brand.pk}/fonts"
    sent = lambda data: {"file": SimpleUploadedFile("f.ttf", data), "licence": "Bought", "may_use": "true"}  # noqa: E731
    made = as_mia.post(where, sent(font()), format="multipart")
    assert made.status_code == 201 and made.json()["family"] == "Miravel Sans"
    assert as_mia.get(where).json() == [made.json()]
    refused = as_mia.post(where, sent(font(fs_type=2)), format="multipart")
    assert refused.status_code == 422 and "does not allow" in str(refused.json()["errors"]["file"])
    kit = as_mia.patch(where.removesuffix("/fonts"), {"headline_font": made.json()["slug"], "tone": "calm"}, format="json").json()
    assert (kit["headline_font"], kit["tone"]) == (made.json()["slug"], "calm")
    assert as_mia.patch(where.removesuffix("/fonts"), {"text_font": "nowhere"}, format="json").status_code == 422
    assert as_eve.get(where).status_code == 404 and as_eve.post(where, sent(font()), format="multipart").status_code == 404
    assert as_eve.delete(f"{where}/{made.json()['id']}").status_code == 404
    assert as_mia.delete(f"{where}/{made.json()['id']}").status_code == 204
    brand.refresh_from_db()
    assert brand.headline_font == ""


def test_staff_add_a_font_for_a_brand_in_admin(admin_client: Client, brand: Brand) -> None:
    where = "/admin/accounts/brandfont/add/"
    page = admin_client.post(where, {"brand": brand.pk, "licence": "OFL", "may_use": "on", "upload": SimpleUploadedFile("f.ttf", b"no")})
    assert "Upload a TTF, OTF or WOFF2" in page.content.decode()
    done = admin_client.post(where, {"brand": brand.pk, "licence": "OFL", "may_use": "on", "upload": SimpleUploadedFile("f.ttf", font())})
    assert done.status_code == 302
    own = brand.fonts.get()
    assert "Miravel Sans" in admin_client.get(f"/admin/accounts/brandfont/{own.pk}/change/").content.decode()
