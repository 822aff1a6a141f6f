"""What staff may do: an edit is a new version, tried out before it is kept."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from accounts.models import User
from templates_app.actions import publish_version
from templates_app.models import AdTemplate, AdTemplateVersion, Layout, LayoutVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def layout() -> Layout:
    """A layout of the shelf."""
    return Layout.objects.select_related("current").get(slug="poster-bold")


def said(head: AdTemplate | Layout) -> dict[str, Any]:
    """What a head row says now, to be changed freely."""
    assert head.current is not None
    return copy.deepcopy(head.current.data)


def test_an_edit_is_a_new_version_and_the_old_one_stays_as_it_was(sam: User, template: AdTemplate) -> None:
    before, data = template.current, said(template)
    assert before is not None
    data["words"]["mood"] = ["brave"]
    version = publish_version(by=sam, head=template, data=data, note="Braver")
    assert isinstance(version, AdTemplateVersion)
    assert (version.number, version.author, version.note, version.layout) == (before.number + 1, sam, "Braver", before.layout)
    assert template.current == version and AdTemplate.objects.get(pk=template.pk).current == version
    assert AdTemplateVersion.objects.get(pk=before.pk).data["words"]["mood"] != ["brave"]


def test_a_version_is_never_changed(template: AdTemplate) -> None:
    assert template.current is not None
    template.current.note = "Changed"
    with pytest.raises(ValueError, match="A version is never changed"):
        template.current.save()


def test_numbers_go_on_after_the_newest_version_and_not_after_the_current_one(template: AdTemplate) -> None:
    first = template.current
    publish_version(by=None, head=template, data=said(template))
    AdTemplate.objects.filter(pk=template.pk).update(current=first)
    template.refresh_from_db()
    assert publish_version(by=None, head=template, data=said(template)).number == 3


def test_a_template_can_change_its_layout(template: AdTemplate, layout: Layout) -> None:
    version = publish_version(by=None, head=template, data=said(template), layout=layout.current)
    assert isinstance(version, AdTemplateVersion) and version.layout == layout.current


def test_a_template_without_a_layout_is_refused(template: AdTemplate) -> None:
    bare = AdTemplate.objects.create(slug="bare", title="Bare", category=template.category)
    with pytest.raises(ValueError, match="A template needs a layout."):
        publish_version(by=None, head=bare, data=said(template))
    assert not bare.versions.exists()


def test_a_templates_data_are_read_as_the_makers_read_them(template: AdTemplate) -> None:
    data = said(template)
    data["style"]["inks"] = ["#123456", "#ffffff"]
    data["engines"]["builtin"]["scenes"] = ["podium", "ground:waves"]
    publish_version(by=None, head=template, data=data)
    assert template.current is not None and template.current.style().inks == ("#123456", "#ffffff")
    assert template.current.needs("builtin")["scenes"] == ["podium", "ground:waves"]
    assert template.current.needs("an engine of next year") == {}


WRONG = [
    (("words",), {"style": "sand"}, "need a scene"),
    (("words", "scene"), "  ", "need a scene"),
    (("words", "scene"), 7, "need a scene"),
    (("style",), None, "needs a style"),
    (("style",), {"headline_font": "inter-700"}, "style needs 'inks'"),
    (("style", "sparkle"), True, "sparkle"),
    (("style", "headline_font"), "comic-sans", "There is no font 'comic-sans'."),
    (("style", "button_font"), "", "There is no font ''."),
    (("style", "inks"), [], "at least one ink"),
    (("style", "inks"), ["red"], "'red' is not a colour"),
    (("style", "button_fill"), "#12345", "'#12345' is not a colour"),
    (("style", "badge_ink"), "sand", "'sand' is not a colour"),
    (("engines",), [], "by the name of an engine"),
    (("engines", "comfyui"), "sdxl", "by the name of an engine"),
    (("engines", "comfyui", "checkpoint_family"), "sdxl", "no field 'checkpoint_family'"),
    (("engines", "comfyui", "workflow"), "", "'workflow' must be the slug"),
    (("engines", "comfyui", "models"), {"refiner": "x.safetensors"}, "ComfyUI are wrong"),
    (("engines", "comfyui", "frame"), "oval", "'frame' must be one of"),
    (("engines", "openai", "frame"), "oval", "OpenAI are wrong"),
    (("engines", "openai", "size"), "huge", "'size' must be auto"),
    (("engines", "builtin"), {}, "at least one scene"),
    (("engines", "builtin", "scenes"), ["atlantis"], "no scene called 'atlantis'"),
    (("engines", "builtin", "scenes"), ["ground:plaid"], "no drawn ground called 'plaid'"),
    (("engines", "builtin", "frame_scene"), "atlantis", "no scene called 'atlantis'"),
    (("engines", "builtin", "palettes"), [{"backdrop": "beige"}], "'backdrop' is no colour"),
    (("engines", "builtin", "sparkle"), 1, "no field 'sparkle'"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), WRONG)
def test_staff_are_told_what_is_wrong_with_a_template_and_nothing_is_kept(
    template: AdTemplate, path: tuple[str, ...], value: object, sentence: str
) -> None:
    data, before = said(template), template.current
    place = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError) as caught:
        publish_version(by=None, head=template, data=data)
    assert sentence in str(caught.value) and str(caught.value).endswith(".")
    assert template.versions.count() == 1 and AdTemplate.objects.get(pk=template.pk).current == before


def test_a_layout_that_leaves_out_a_shape_is_refused(layout: Layout) -> None:
    data = said(layout)
    del data["shapes"]["9:16"]
    with pytest.raises(ValueError, match="'9:16' is a required property"):
        publish_version(by=None, head=layout, data=data)
    assert layout.versions.count() == 1


def test_an_edited_layout_does_not_move_templates_that_were_made_with_the_one_before(layout: Layout) -> None:
    user = AdTemplate.objects.filter(current__layout__layout=layout).select_related("current").first()
    assert user is not None and user.current is not None
    data = said(layout)
    data["margin"] = 0.08
    version = publish_version(by=None, head=layout, data=data)
    assert isinstance(version, LayoutVersion) and version.spec().margin == 0.08
    assert AdTemplateVersion.objects.get(pk=user.current.pk).layout != version
