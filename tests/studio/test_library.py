"""Everything that was ordered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from generations import actions
from generations.models import Generation
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
    with django_assert_max_num_queries(12):
        as_mia.get("/library/")
    for number in range(26):
        made = _order(ready, mia, text_template, f"Number {number:02}")
        Generation.objects.filter(pk=made.pk).update(created_at=ready.created_at + timedelta(minutes=number + 1))
    with django_assert_max_num_queries(12):
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
