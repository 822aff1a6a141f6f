"""The starter shelf itself: every template can be made, is well worded, and shows what it makes."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from PIL import Image

from comfy.needs import Needs
from comfy.starters import FOLDER as WORKFLOWS
from finishing.colour import contrast, luminance, parse_hex
from finishing.fonts import pick
from finishing.layout import LayoutSpec
from finishing.plates import facts_of
from finishing.shapes import SHAPES
from painting.builtin import SCENES
from painting.builtin_needs import GROUND, BuiltinNeeds
from painting.openai_needs import OpenAINeeds
from prompting.brief import Brief
from templates_app.actions import check_template
from templates_app.shelf_loader import SHELF, preview_path

SHOWN = ("1:1", "4:5", "9:16", "1.91:1")
TEMPLATES: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted((SHELF / "templates").glob("*.json"))}
LAYOUTS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted((SHELF / "layouts").glob("*.json"))}
CATEGORIES = [told["slug"] for told in json.loads((SHELF / "categories.json").read_text())]

each = pytest.mark.parametrize("slug", TEMPLATES)


def needs_of(slug: str) -> BuiltinNeeds:
    return BuiltinNeeds.from_data(TEMPLATES[slug]["data"]["engines"]["builtin"])


def sample_of(slug: str) -> dict[str, Any]:
    sample: dict[str, Any] = TEMPLATES[slug]["data"]["sample"]
    return sample


def test_there_are_enough_templates_for_a_gallery() -> None:
    used = Counter(told["category"] for told in TEMPLATES.values())
    assert len(TEMPLATES) >= 14 and set(used) == set(CATEGORIES) and len(used) >= 5
    assert sum(not told["needs_photo"] for told in TEMPLATES.values()) >= 5
    assert {scene for slug in TEMPLATES for scene in needs_of(slug).scenes if not scene.startswith(GROUND)} >= {
        path.name for path in SCENES.iterdir() if path.is_dir()
    }


def test_no_two_templates_share_a_title_or_a_place_in_the_gallery() -> None:
    for name in ("title", "position"):
        assert max(Counter(told[name] for told in TEMPLATES.values()).values()) == 1, name


@each
def test_a_template_says_what_the_loader_and_the_makers_need(slug: str) -> None:
    told = TEMPLATES[slug]
    assert set(told) == {"slug", "title", "summary", "category", "needs_photo", "position", "layout", "data"}
    assert told["slug"] == slug and told["layout"] in LAYOUTS and told["summary"].endswith((".", "!", "?"))
    check_template(told["data"])


@each
def test_every_engine_stands_a_photograph_in_the_same_frame(slug: str) -> None:
    engines = TEMPLATES[slug]["data"]["engines"]
    comfyui, openai = Needs.from_data(engines["comfyui"]), OpenAINeeds.from_data(engines["openai"])
    assert needs_of(slug).frame == comfyui.frame == openai.frame


@each
def test_its_workflows_ship_with_adsgem_and_take_what_the_template_sets(slug: str) -> None:
    needs = Needs.from_data(TEMPLATES[slug]["data"]["engines"]["comfyui"])
    for workflow, kinds in ((needs.workflow, ("inpaint", "txt2img")), (needs.scene_workflow, ("txt2img",))):
        bindings = json.loads((WORKFLOWS / f"{workflow}.bindings.json").read_text())
        assert bindings["kind"] in kinds and needs.family in bindings["families"]
        assert {*needs.models, *needs.settings} <= set(bindings["bind"])


@each
def test_its_scene_describes_the_place_and_never_the_product(slug: str) -> None:
    words = TEMPLATES[slug]["data"]["words"]
    assert words["style"] and words["negative"] and words["mood"]
    assert not {"bottle", "jar", "can", "mug", "serum", "product", "text", "headline"} & set(
        words["scene"].lower().replace(",", "").split()
    )


@each
def test_a_template_that_can_be_tinted_has_several_palettes(slug: str) -> None:
    needs = needs_of(slug)
    tintable = any(scene.startswith(GROUND) or facts_of(SCENES, scene).groups for scene in needs.scenes)
    if tintable and needs.tint != "none":
        assert len(needs.palettes) >= 3
        assert max(Counter(json.dumps(palette, sort_keys=True) for palette in needs.palettes).values()) == 1


@each
def test_a_product_that_was_not_cut_out_has_a_frame_to_stand_in(slug: str) -> None:
    needs, layout = needs_of(slug), LayoutSpec.from_data(LAYOUTS[TEMPLATES[slug]["layout"]])
    assert needs.frame_scene and needs.frame
    if TEMPLATES[slug]["needs_photo"]:
        assert all(layout.stage(shape) for shape in SHAPES.values())


@each
def test_its_button_and_badge_can_be_read(slug: str) -> None:
    style = TEMPLATES[slug]["data"]["style"]
    for fill, ink in (("button_fill", "button_ink"), ("badge_fill", "badge_ink")):
        if style.get(fill) and style.get(ink):
            assert contrast(luminance(parse_hex(style[fill])), luminance(parse_hex(style[ink]))) >= 4.5, fill


@each
def test_its_sample_is_a_brief_like_any_other(slug: str) -> None:
    sample = sample_of(slug)
    brief = Brief.read({key: value for key, value in sample.items() if key not in ("photo", "brand", "seed")})
    assert brief.headline and brief.product and sample["brand"]["name"]
    if TEMPLATES[slug]["needs_photo"]:
        assert (SHELF / "products" / sample["photo"]).is_file()
    else:
        assert "photo" not in sample


@each
def test_its_sample_is_set_in_the_templates_own_fonts(slug: str) -> None:
    style, sample = TEMPLATES[slug]["data"]["style"], sample_of(slug)
    for field, role in (("headline", "headline_font"), ("subline", "text_font"), ("cta", "button_font")):
        words = sample.get(field, "")
        assert pick(style[role], words.upper() if style.get("upper") and field == "headline" else words) == style[role]


def test_no_sample_says_what_another_one_says() -> None:
    for field in ("headline", "subline"):
        said = Counter(sample_of(slug).get(field) for slug in TEMPLATES if sample_of(slug).get(field))
        assert said.most_common(1)[0][1] == 1, said.most_common(1)


@each
@pytest.mark.parametrize("shape", SHOWN)
def test_there_is_a_preview_in_its_shape_and_not_too_large(slug: str, shape: str) -> None:
    data = preview_path(slug, shape).read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.format == "WEBP" and max(picture.size) == 720
        assert abs(picture.width / picture.height / SHAPES[shape].ratio - 1) < 0.01
    assert len(data) < 90_000


def test_all_previews_together_are_light_and_none_is_left_over() -> None:
    files = sorted(path for path in (SHELF / "previews").iterdir())
    assert files == sorted(preview_path(slug, shape) for slug in TEMPLATES for shape in SHOWN)
    assert sum(path.stat().st_size for path in files) < 2_500_000
