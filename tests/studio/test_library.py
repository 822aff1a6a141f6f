"""Everything that was ordered."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from generations import actions
from generations.models import Ad, Collection, Generation, SavedSearch
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import placements


def test_an_empty_library_says_what_comes_here(as_mia: Client) -> None:
    page = as_mia.get("/library/").content.decode()
    assert "Nothing made yet" in page and "Choose a template" in page


def test_her_orders_stand_newest_first_and_eves_do_not(
    as_mia: Client, as_eve: Client, ready: Generation, mia: User, text_template: AdTemplate
) -> None:
    newer = _order(ready, mia, text_template, "The newer one")
    page = as_mia.get("/library/").content.decode()
    assert page.index("The newer one") < page.index("Wake up to glow")
    assert f'href="/generations/{newer.pk}/"' in page and "Nothing ready yet" in page and "0 of 1 ads" in page and "2 ads" in page
    assert "Wake up to glow" not in as_eve.get("/library/").content.decode()


def test_the_library_costs_the_same_for_one_order_or_many_and_has_pages(
    as_mia: Client, ready: Generation, mia: User, text_template: AdTemplate, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        as_mia.get("/library/")
    for number in range(26):
        made = _order(ready, mia, text_template, f"Number {number:02}")
        Generation.objects.filter(pk=made.pk).update(created_at=ready.created_at + timedelta(minutes=number + 1))
    with django_assert_max_num_queries(14):
        first = as_mia.get("/library/").content.decode()
    assert "Number 25" in first and "Number 01" not in first and "1 to 24 of 27" in first and 'href="?page=2"' in first
    second = as_mia.get("/library/?page=2").content.decode()
    assert "Number 01" in second and "Wake up to glow" in second and 'href="?page=1"' in second
    assert as_mia.get("/library/?page=900").content.decode().count('class="tile') == 3
    assert as_mia.get("/library/?page=nonsense").status_code == 200


def _order(like: Generation, by: User, template: AdTemplate, headline: str) -> Generation:
    return actions.order_generation(
        by=by,
        brand=like.brand,
        template=template,
        brief=Brief.read({"headline": headline}),
        placements=placements("google_display_250x250"),
    )


def test_words_and_filters_find_single_ads_and_a_search_is_kept(as_mia: Client, as_eve: Client, ready: Generation) -> None:
    found = as_mia.get("/library/?q=glow&status=ready&days=7").content.decode()
    assert found.count('class="tile done"') == 2 and "Keep this search as" in found
    assert "Nothing found" in as_mia.get("/library/?q=unicorn").content.decode()
    assert "Nothing found" in as_eve.get("/library/?q=glow").content.decode()
    as_mia.post("/library/searches/", {"name": "Glowing", "q": "glow"})
    page = as_mia.get("/library/").content.decode()
    assert 'href="/library/?q=glow"' in page and "Glowing" in page
    search = SavedSearch.objects.get()
    assert as_eve.post(f"/library/searches/{search.pk}/forget/").status_code == 404
    as_mia.post(f"/library/searches/{search.pk}/forget/")
    assert not SavedSearch.objects.exists()


def test_ticked_ads_are_starred_put_together_downloaded_and_taken_away(as_mia: Client, as_eve: Client, ready: Generation) -> None:
    ads = [str(ad.pk) for ad in Ad.objects.filter(picture__generation=ready)]
    as_mia.post("/library/some/", {"do": "star", "ad": ads})
    assert Ad.objects.filter(starred=True).count() == 2
    as_mia.post("/library/some/", {"do": "collect", "ad": ads[:1], "name": "June"})
    as_mia.post("/library/some/", {"do": "collect", "ad": ads, "name": "June"})
    june = Collection.objects.get()
    assert june.ads.count() == 2
    assert as_mia.get(f"/library/?collection={june.pk}").content.decode().count('class="tile done"') == 2
    names = zipfile.ZipFile(io.BytesIO(b"".join(as_mia.post("/library/some/", {"do": "download", "ad": ads}).streaming_content))).namelist()  # type: ignore[attr-defined]
    assert sum(name.endswith((".jpg", ".png", ".webp")) for name in names) == 2
    for do in ("star", "delete", "download", "collect"):
        refused = as_eve.post("/library/some/", {"do": do, "ad": ads, "name": "Mine"})
        assert "Tick an ad first" in as_eve.get(refused["Location"]).content.decode()
    as_mia.post("/library/some/", {"do": "delete", "ad": ads[:1]})
    assert Ad.objects.exclude(deleted_at=None).count() == 1 and june.ads.count() == 2
    as_mia.post(f"/library/collections/{june.pk}/forget/")
    assert not Collection.objects.exists() and Ad.objects.filter(deleted_at=None).count() == 1


def test_what_cannot_be_kept_or_read_is_said(as_mia: Client, ready: Generation) -> None:
    ad = str(Ad.objects.filter(picture__generation=ready)[0].pk)
    for path, body, sentence in (
        ("/library/some/", {"do": "collect", "ad": [ad], "name": " "}, "Give it a name"),
        ("/library/searches/", {"name": "Empty"}, "Choose something to look for"),
    ):
        assert sentence in as_mia.get(as_mia.post(path, body)["Location"]).content.decode()
    wrong = as_mia.get("/library/?collection=nonsense")
    assert "no collection with this id" in as_mia.get(wrong["Location"]).content.decode()


def test_the_wall_of_ads_costs_the_same_for_two_or_many(
    as_mia: Client, ready: Generation, mia: User, text_template: AdTemplate, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        as_mia.get("/library/?view=ads")
    for number in range(5):
        _order(ready, mia, text_template, f"Number {number:02}")
    with django_assert_max_num_queries(14):
        assert as_mia.get("/library/?view=ads").content.decode().count('class="tile') == 7
