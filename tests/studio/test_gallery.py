"""The front page, the gallery, one template, and the pictures of all three."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from generations.models import Generation
from templates_app.models import AdTemplate, TemplatePreview
from templates_app.queries import published


def test_a_stranger_is_welcomed_with_pictures(client: Client, db: None) -> None:
    page = client.get("/").content.decode()
    assert "One photo in." in page and "/previews/" in page and "/account/sign-in/" in page
    assert "Library" not in page


def test_mia_sees_every_published_template(as_mia: Client) -> None:
    AdTemplate.objects.filter(slug="big-word").update(published=False)
    page = as_mia.get("/").content.decode()
    slugs = {template.slug for template in published()}
    assert len(slugs) > 10 and all(f'href="/templates/{slug}/"' in page for slug in slugs)
    assert "/templates/big-word/" not in page


def test_the_gallery_costs_the_same_for_one_template_or_forty(as_mia: Client, template: AdTemplate, django_assert_num_queries: Any) -> None:
    AdTemplate.objects.exclude(pk=template.pk).update(published=False)
    as_mia.get("/")
    with django_assert_num_queries(7):  # session, person, servers, templates, previews, categories, brands
        as_mia.get("/")
    for number in range(40):
        more = AdTemplate.objects.create(
            slug=f"more-{number}", title=f"More {number}", category=template.category, current=template.current, published=True
        )
        TemplatePreview.objects.create(template=more, shape="4:5", file=template.previews.first().file)
    with django_assert_num_queries(7):
        page = as_mia.get("/").content.decode()
    assert page.count('class="tile') == 41


def test_a_category_and_a_word_narrow_the_wall_together(as_mia: Client) -> None:
    every = as_mia.get("/?category=type").content.decode()
    assert "/templates/big-word/" in every and "/templates/leaf-shade/" not in every
    some = as_mia.get("/?category=type&q=SALE").content.decode()
    assert "/templates/big-word/" in some and "/templates/we-are-hiring/" not in some
    assert 'href="/?category=beauty&amp;q=SALE"' in some, "the other chips keep the word"
    assert 'href="/?category=type&amp;q=SALE" aria-current="true"' in some


def test_nothing_found_says_so_and_shows_the_way_back(as_mia: Client) -> None:
    page = as_mia.get("/?q=<b>zebra").content.decode()
    assert "No template says “&lt;b&gt;zebra”" in page and "<b>zebra" not in page and "Show all templates" in page


def test_one_shape_shows_every_template_in_that_shape(as_mia: Client) -> None:
    page = as_mia.get("/?shape=9:16").content.decode()
    shown = {int(part.split("/")[0]) for part in page.split("/previews/")[1:]}
    assert shown and set(TemplatePreview.objects.filter(pk__in=shown).values_list("shape", flat=True)) == {"9:16"}
    assert as_mia.get("/?shape=nonsense").status_code == 200


def test_htmx_gets_the_wall_alone(as_mia: Client) -> None:
    answer = as_mia.get("/?q=marble", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert "<html" not in page and 'id="gallery"' in page and "HX-Request" in answer["Vary"]
    assert "<html" in as_mia.get("/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).content.decode()


def test_anybody_may_look_at_a_template_until_it_is_taken_back(client: Client, template: AdTemplate) -> None:
    page = client.get(f"/templates/{template.slug}/").content.decode()
    assert template.summary in page and f'href="/create/{template.slug}/"' in page
    AdTemplate.objects.filter(pk=template.pk).update(published=False)
    assert client.get(f"/templates/{template.slug}/").status_code == 404


def test_a_preview_is_for_everybody_and_kept_for_a_day(client: Client, template: AdTemplate) -> None:
    preview = template.previews.first()
    answer = client.get(f"/previews/{preview.pk}/thumb")
    assert answer["Content-Type"] == "image/webp" and answer["Cache-Control"] == "public, max-age=86400"
    assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]
    again = client.get(f"/previews/{preview.pk}/thumb", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/previews/{preview.pk}/huge").status_code == 404
    AdTemplate.objects.filter(pk=template.pk).update(published=False)
    assert client.get(f"/previews/{preview.pk}/thumb").status_code == 404


def test_a_new_ad_begins_with_the_template_used_last(as_mia: Client, order: Generation, template: AdTemplate, mia: User) -> None:
    assert as_mia.get("/create/")["Location"] == f"/create/{template.slug}/"
    other = published().exclude(pk=template.pk).first()
    assert other is not None
    Generation.objects.filter(pk=order.pk).update(template_version=other.current)
    assert as_mia.get("/create/")["Location"] == f"/create/{other.slug}/"


@pytest.mark.parametrize("address", ["/library/", "/create/leaf-shade/", "/create/"])
def test_a_stranger_is_sent_to_the_door(client: Client, db: None, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302 and answer["Location"] == f"/account/sign-in/?next={address}"
