"""Reads that pages and the API share: what is in them, and that forty templates cost what one does."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from templates_app import queries
from templates_app.actions import publish_version
from templates_app.models import AdTemplate, Placement, TemplatePreview
from tests.people import stored_square

pytestmark = pytest.mark.django_db


def gallery() -> tuple[int, int]:
    """Read all that a page shows of every template: how many queries it cost, and how many templates there were."""
    with CaptureQueriesContext(connection) as asked:
        shown = list(queries.published())
        for template in shown:
            assert template.current is not None
            assert template.category.title and template.current.layout.layout.title and template.current.style().inks
            assert all(preview.file.bytes for preview in template.previews.all())
    return len(asked), len(shown)


def more_templates(number: int, like: AdTemplate) -> None:
    """Published templates that say what another one says, each with a preview."""
    assert like.current is not None
    for index in range(number):
        head = AdTemplate.objects.create(slug=f"more-{index}", title=f"More {index}", category=like.category, published=True)
        publish_version(by=None, head=head, data=like.current.data, layout=like.current.layout)
        TemplatePreview.objects.create(template=head, shape="1:1", file=stored_square(f"#{index:06x}"))


def test_the_gallery_costs_two_queries_for_few_templates_or_many(template: AdTemplate) -> None:
    few, before = gallery()
    more_templates(40, template)
    many, after = gallery()
    assert (few, many, after) == (2, 2, before + 40)


def test_the_gallery_has_what_is_published_in_staffs_order(template: AdTemplate, sam: User) -> None:
    AdTemplate.objects.create(slug="empty", title="Empty", category=template.category, published=True)
    hidden = AdTemplate.objects.exclude(pk=template.pk).filter(current__isnull=False).first()
    AdTemplate.objects.filter(pk=hidden.pk).update(published=False)  # type: ignore[union-attr]
    AdTemplate.objects.filter(pk=template.pk).update(position=9999)
    shown = list(queries.published())
    assert shown[-1] == template and hidden not in shown
    assert [each.position for each in shown] == sorted(each.position for each in shown)
    assert "empty" not in [each.slug for each in shown]


def test_placements_for_pictures_are_102_for_one_query() -> None:
    with CaptureQueriesContext(connection) as asked:
        found = list(queries.image_placements())
        assert all(place.current and place.current.width and place.current.shape for place in found)
    assert (len(asked), len(found)) == (1, 102)
    assert {place.kind for place in found} == {Placement.Kind.IMAGE}


def test_all_placements_come_in_the_files_order() -> None:
    assert [place.position for place in queries.placements()] == list(range(109))
