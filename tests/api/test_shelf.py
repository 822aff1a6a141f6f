"""What can be chosen: templates, placements, brands."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Brand, Membership, User
from templates_app.models import AdTemplate, Placement, TemplatePreview
from tests.api.conftest import is_problem
from tests.people import stored_square

TEMPLATES, PLACEMENTS, BRANDS = ("/api/v1/templates", "/api/v1/placements", "/api/v1/brands")


def walk(client: APIClient, address: str) -> list[dict[str, Any]]:
    """All results, page by page."""
    found: list[dict[str, Any]] = []
    while address:
        page = client.get(address).json()
        assert set(page) == {"next", "previous", "results"}
        found += page["results"]
        address = page["next"]
    return found


@pytest.fixture
def preview(template: AdTemplate) -> TemplatePreview:
    """The only preview of the template."""
    template.previews.all().delete()
    return TemplatePreview.objects.create(template=template, shape="1:1", file=stored_square(), alt="A bottle on a podium")


def test_the_gallery_has_every_published_template_and_no_other(as_mia: APIClient, template: AdTemplate) -> None:
    AdTemplate.objects.filter(pk=template.pk).update(published=False)
    ids = [each["id"] for each in walk(as_mia, TEMPLATES)]
    assert sorted(ids) == sorted(AdTemplate.objects.filter(published=True).values_list("slug", flat=True))
    assert template.slug not in ids
    is_problem(as_mia.get(f"{TEMPLATES}/{template.slug}"), 404)


def test_a_template_is_read_by_its_slug_and_its_preview_can_be_looked_at(
    as_mia: APIClient, anyone: APIClient, template: AdTemplate, preview: TemplatePreview
) -> None:
    told = as_mia.get(f"{TEMPLATES}/{template.slug}").json()
    assert told["title"] == template.title and told["needs_photo"] is True and told["category"]["title"]
    (shown,) = told["previews"]
    assert (shown["shape"], shown["width"], shown["height"], shown["alt"]) == ("1:1", 64, 64, "A bottle on a podium")
    picture = anyone.get(shown["url"])
    assert picture.status_code == 200 and picture["Content-Type"] == "image/png"
    assert len(b"".join(picture.streaming_content)) == preview.file.bytes  # type: ignore[attr-defined]


def test_templates_are_found_by_category_words_and_need_of_a_photo(as_mia: APIClient, template: AdTemplate) -> None:
    by_category = walk(as_mia, f"{TEMPLATES}?category={template.category.slug}")
    assert by_category and {each["category"]["id"] for each in by_category} == {template.category.slug}
    assert template.slug in [each["id"] for each in walk(as_mia, f"{TEMPLATES}?search={template.title[:5]}")]
    assert {each["needs_photo"] for each in walk(as_mia, f"{TEMPLATES}?needs_photo=false")} == {False}
    assert walk(as_mia, f"{TEMPLATES}?category=unicorns") == walk(as_mia, f"{TEMPLATES}?search=%00unicorns%00") == []


def test_placements_are_all_that_take_a_picture_with_what_their_network_says(as_mia: APIClient) -> None:
    found = {each["id"]: each for each in walk(as_mia, PLACEMENTS)}
    assert set(found) == set(Placement.objects.filter(kind="image").values_list("slug", flat=True))
    story = found["meta_ig_stories"]
    assert (story["width"], story["height"], story["shape"], story["banner"]) == (1080, 1920, "9:16", False)
    assert set(story["safe_zone"]) == {"left", "top", "right", "bottom"} and story["file_types"]
    assert found["google_display_728x90"]["banner"] is True
    is_problem(as_mia.get(f"{PLACEMENTS}/google_pmax_logo_square"), 404)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_walking_all_pages_meets_every_placement_once_in_one_order(as_mia: APIClient, size: int) -> None:
    whole = [each["id"] for each in walk(as_mia, PLACEMENTS)]
    if size == 1:
        page = as_mia.get(f"{PLACEMENTS}?page_size=1").json()
        assert [each["id"] for each in page["results"]] == whole[:1] and page["previous"] is None
        again = as_mia.get(as_mia.get(page["next"]).json()["previous"]).json()
        assert [each["id"] for each in again["results"]] == whole[:1]
    else:
        assert [each["id"] for each in walk(as_mia, f"{PLACEMENTS}?page_size={size}")] == whole
    assert len(whole) == len(set(whole))


def test_no_page_has_more_than_a_hundred(as_mia: APIClient) -> None:
    assert len(as_mia.get(f"{PLACEMENTS}?page_size=5000").json()["results"]) == 100


@pytest.mark.parametrize("cursor", ["nonsense", "cD1nYXJiYWdl", "bz0tMQ==", "cD0lMDA=", "%ff"])
def test_a_made_up_cursor_is_no_page(as_mia: APIClient, cursor: str) -> None:
    for address in (PLACEMENTS, "/api/v1/generations"):
        response = as_mia.get(f"{address}?cursor={cursor}")
        assert response.status_code in (200, 404)
        if response.status_code == 404:
            is_problem(response, 404)


def test_a_cursor_with_a_made_up_date_is_no_page(as_mia: APIClient) -> None:
    is_problem(as_mia.get("/api/v1/generations?cursor=cD1nYXJiYWdl"), 404)  # p=garbage


def test_mia_sees_her_brand_and_what_she_may_do_in_it(as_mia: APIClient, as_max: APIClient, brand: Brand) -> None:
    assert [(each["slug"], each["role"]) for each in walk(as_mia, BRANDS)] == [("miravel", "owner")]
    assert as_max.get(f"{BRANDS}/{brand.pk}").json()["role"] == "editor"


def test_a_strangers_brand_is_not_there(as_eve: APIClient, brand: Brand) -> None:
    is_problem(as_eve.get(f"{BRANDS}/{brand.pk}"), 404)
    assert "miravel" not in [each["slug"] for each in walk(as_eve, BRANDS)]


def test_a_brand_of_two_people_is_listed_once(as_mia: APIClient, mia: User, max: User) -> None:
    assert len(walk(as_mia, BRANDS)) == 1


def cost(client: APIClient, address: str) -> int:
    """How many queries a call costs."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_lists_cost_the_same_for_one_row_or_many(as_mia: APIClient, mia: User, template: AdTemplate) -> None:
    for number in range(5):
        Membership.objects.create(user=mia, brand=Brand.objects.create(name=f"Brand {number}", slug=f"brand-{number}"))
    for address in (TEMPLATES, PLACEMENTS, BRANDS):
        assert cost(as_mia, f"{address}?page_size=1") == cost(as_mia, f"{address}?page_size=100"), address


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_is_welcome_and_not_needed(as_mia: APIClient, template: AdTemplate, slash: str) -> None:
    for address in (TEMPLATES, f"{TEMPLATES}/{template.slug}", PLACEMENTS, BRANDS, "/api/v1/me", "/api/v1/generations", "/api/v1/ads"):
        assert as_mia.get(address + slash).status_code == 200, address
    assert as_mia.get("/api/v1/schema" + slash, HTTP_ACCEPT="*/*").status_code == 200


def test_links_go_to_the_host_that_was_asked(as_mia: APIClient, template: AdTemplate, preview: TemplatePreview) -> None:
    url = as_mia.get(f"{TEMPLATES}/{template.slug}", HTTP_HOST="localhost").json()["previews"][0]["url"]
    assert urlsplit(url).netloc == "localhost"
