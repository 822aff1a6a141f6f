"""The brand kit's page: what editors change, what they are told, and who may not."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Brand, Membership, User
from generations.models import Ad, Generation
from tests.finishing.test_font_check import font
from tests.people import bottle_png


def test_mia_sets_colours_tone_words_and_fonts(as_mia: Client, brand: Brand) -> None:
    where = f"/brands/{brand.pk}/"
    sent = {"file": SimpleUploadedFile("f.ttf", font()), "licence": "Bought", "may_use": "on"}
    assert "Miravel Sans Bold" in as_mia.post(f"{where}fonts/", sent, follow=True).content.decode()
    own = brand.fonts.get()
    kit = {"colour_primary": "#006746", "colour_ink": "#131c18", "tone": "calm", "words_to_use": "glow, morning", "words_to_avoid": "cure"}
    page = as_mia.post(where, {**kit, "headline_font": own.slug}, follow=True).content.decode()
    brand.refresh_from_db()
    assert (brand.colours, brand.tone) == ({"primary": "#006746", "ink": "#131c18"}, "calm")
    assert (brand.words_to_use, brand.headline_font, brand.text_font) == (["glow", "morning"], own.slug, "")
    assert "Words on light, on white: 17" in page and f'href="/brands/{brand.pk}/"' in page
    as_mia.post(f"{where}fonts/", {"remove": own.pk})
    brand.refresh_from_db()
    assert brand.headline_font == "" and not brand.fonts.exists()


def test_what_is_wrong_is_said_and_what_was_typed_stays(as_mia: Client, brand: Brand) -> None:
    where = f"/brands/{brand.pk}/"
    answer = as_mia.post(where, {"colour_primary": "green", "tone": "bright and loud"})
    assert (
        answer.status_code == 422 and "Give roles with colours" in answer.content.decode() and "bright and loud" in answer.content.decode()
    )
    both = as_mia.post(where, {"tone": "", "words_to_use": "glow", "words_to_avoid": "Glow"})
    assert both.status_code == 422 and "cannot be both used and avoided" in both.content.decode()
    refused = as_mia.post(f"{where}fonts/", {"file": SimpleUploadedFile("f.ttf", font()), "licence": "Bought"})
    assert refused.status_code == 422 and "Tick that you may use" in refused.content.decode()
    drawing = SimpleUploadedFile("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert "SVG files can carry programs" in as_mia.post(f"{where}logo/", {"file": drawing}).content.decode()
    brand.refresh_from_db()
    assert not brand.colours and not brand.words_to_use and not brand.fonts.exists() and brand.logo is None


def test_a_logo_comes_and_goes(as_mia: Client, brand: Brand) -> None:
    where = f"/brands/{brand.pk}/logo/"
    as_mia.post(where, {"file": SimpleUploadedFile("logo.png", bottle_png()), "on_dark": "on"})
    brand.refresh_from_db()
    assert brand.logo_on_dark is not None and brand.logo is None
    as_mia.post(where, {"on_dark": "on", "remove": "1"})
    brand.refresh_from_db()
    assert brand.logo_on_dark is None


def test_a_reviewer_looks_and_changes_nothing_and_a_stranger_sees_nothing(as_eve: Client, eve: User, brand: Brand) -> None:
    where = f"/brands/{brand.pk}/"
    assert as_eve.get(where).status_code == 404 and as_eve.post(where, {"tone": "mine"}).status_code == 404
    Membership.objects.create(user=eve, brand=brand, role="reviewer")
    assert "Save brand kit" not in as_eve.get(where).content.decode()
    for path, sent in (("", {"tone": "mine"}), ("logo/", {"remove": "1"}), ("fonts/", {"licence": "x", "may_use": "on"})):
        assert as_eve.post(where + path, sent).status_code == 403
    brand.refresh_from_db()
    assert brand.tone == ""


def test_an_ads_page_has_its_certificate_by_the_brands_own_bounds(as_mia: Client, ready: Generation, brand: Brand) -> None:
    ad = Ad.objects.get(placement__placement__slug="google_display_300x250", picture__generation=ready, picture__variation=1)
    ad.fidelity = {"mask_overlap": 0.99, "delta_e_mean": 1.2, "delta_e_p95": 4.0, "ssim": 0.9}
    ad.save()
    page = as_mia.get(f"/ads/{ad.pk}/").content.decode()
    assert "As in the photo" in page and "ΔE 1.2 off" in page and "90% kept" in page and "What the network says" in page
    brand.truth = {"ssim": 0.95}
    brand.save()
    page = as_mia.get(f"/ads/{ad.pk}/").content.decode()
    assert "Cannot be approved" in page and "at least 95%" in page
