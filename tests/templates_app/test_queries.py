"""Reads that pages and the API share: what is in them, and that forty templates cost what one does."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from comfy.models import Lora, Server
from templates_app import queries
from templates_app.actions import publish_version
from templates_app.models import AdTemplate, Placement, TemplateLora, TemplatePreview
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


def test_the_gallery_costs_three_queries_for_few_templates_or_many(template: AdTemplate) -> None:
    few, before = gallery()
    more_templates(40, template)
    many, after = gallery()
    assert (few, many, after) == (3, 3, before + 40)


def test_the_gallery_has_what_is_published_in_staffs_order(template: AdTemplate, sam: User) -> None:
    AdTemplate.objects.create(slug="empty", title="Empty", category=template.category, published=True)
    hidden = AdTemplate.objects.exclude(pk=template.pk).filter(current__isnull=False).first()
    AdTemplate.objects.filter(pk=hidden.pk).update(published=False)  # type: ignore[union-attr]
    AdTemplate.objects.filter(pk=template.pk).update(position=9999)
    shown = list(queries.published())
    assert shown[-1] == template and hidden not in shown
    assert [each.position for each in shown] == sorted(each.position for each in shown)
    assert "empty" not in [each.slug for each in shown]


@pytest.fixture
def styled(template: AdTemplate) -> AdTemplate:
    """A template whose recipe for ComfyUI names the LoRA "film"."""
    assert template.current is not None
    Lora.objects.create(slug="film", title="Film", file_name="styles/film.safetensors", family="sdxl")
    data = copy.deepcopy(template.current.data)
    data["engines"]["comfyui"]["loras"] = [{"lora": "film", "weight": 0.6}]
    publish_version(by=None, head=template, data=data)
    return template


def server(name: str, *files: str, **other: Any) -> Server:
    """A ComfyUI that was seen, with these LoRA files."""
    fields = {"last_seen": 1, "files": {"lora_name": list(files)}, **other}
    return Server.objects.create(name=name, address=f"http://{name}:8188", **fields)


def test_a_template_whose_lora_no_server_has_is_not_offered_until_one_has_it(styled: AdTemplate) -> None:
    bare = server("bare", "other.safetensors")
    assert styled not in queries.published() and queries.published().count() > 10
    server("full", "Styles\\film.safetensors")
    assert styled in queries.published(), "one server is enough, and it may write the name in its own way"
    Server.objects.exclude(pk=bare.pk).update(enabled=False)
    assert styled not in queries.published()


def test_a_template_with_a_lora_is_offered_while_no_server_was_seen(styled: AdTemplate) -> None:
    assert styled in queries.published()
    server("new", last_seen=0)
    assert styled in queries.published()


def test_a_lora_that_is_a_row_of_its_template_counts_like_one_in_its_recipe(template: AdTemplate) -> None:
    lora = Lora.objects.create(slug="grain", title="Grain", file_name="grain.safetensors", family="sdxl")
    TemplateLora.objects.create(template=template, lora=lora)
    server("bare")
    assert template not in queries.published()
    Server.objects.update(files={"lora_name": ["grain.safetensors"]})
    assert template in queries.published()


def test_placements_for_pictures_are_102_for_one_query() -> None:
    with CaptureQueriesContext(connection) as asked:
        found = list(queries.image_placements())
        assert all(place.current and place.current.width and place.current.shape for place in found)
    assert (len(asked), len(found)) == (1, 102)
    assert {place.kind for place in found} == {Placement.Kind.IMAGE}


def test_all_placements_come_in_the_files_order() -> None:
    assert [place.position for place in queries.placements()] == list(range(109))
