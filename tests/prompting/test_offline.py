"""The writer that needs no key: it fills the sections of the master instructions and never says it is more than rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prompting.brief import Brief
from prompting.instructions import instruction
from prompting.offline import Offline
from prompting.writer import PromptPlan, TemplateWords, Writer

MARBLE = TemplateWords(
    title="Leaf shade",
    scene="A warm marble counter, leaf shadows on a plaster wall, morning sun from the upper left",
    style="warm whites, sand and soft brown",
    negative="clutter, harsh colour",
    mood=("morning", "natural"),
)
POSTER = TemplateWords(
    title="Big word", scene="A flat ground in one loud colour", style="red and cream", negative="texture", needs_photo=False
)


def plan(template: TemplateWords = MARBLE, **told: object) -> PromptPlan:
    return Offline().plan(template, Brief.read({"headline": "Wake up lit.", "product": "Radiance serum", **told})).plan


def sections(scene: str) -> dict[str, str]:
    """A scene prompt by section."""
    return dict(line.split(": ", 1) for line in scene.splitlines())


def test_it_says_what_it_is() -> None:
    writer: Writer = Offline()
    assert writer.name == plan().writer == "offline"


def test_the_same_template_and_brief_give_the_same_plan() -> None:
    assert plan(keywords=["dew"], tone="Calm") == plan(keywords=["dew"], tone="Calm")


@pytest.mark.parametrize(("template", "name"), [(MARBLE, "image_prompt"), (POSTER, "text_prompt")])
def test_the_scene_has_the_sections_of_the_master_instruction_in_their_order(template: TemplateWords, name: str) -> None:
    told = list(sections(plan(template, tone="Bright").scene_prompt))
    assert told == list(instruction(name).sections)


def test_a_section_without_anything_to_say_is_left_out() -> None:
    bare = replace(MARBLE, style="", mood=())
    assert list(sections(plan(bare).scene_prompt)) == ["Scene", "Surface", "Light", "Lens"]


def test_each_part_of_the_templates_scene_goes_where_it_belongs() -> None:
    told = sections(plan().scene_prompt)
    assert told["Surface"] == "A warm marble counter"
    assert told["Light"] == "leaf shadows on a plaster wall, morning sun from the upper left"
    assert told["Colour"] == MARBLE.style and told["Mood"] == "morning, natural"


def test_a_split_shelf_is_no_light() -> None:
    told = sections(plan(replace(MARBLE, scene="A little split shelf of good quality")).scene_prompt)
    assert told["Light"] == "soft daylight from the upper left"


def test_a_glossy_podium_in_a_ring_of_light_is_surface_and_light_at_once() -> None:
    told = sections(plan(replace(MARBLE, scene="A glossy podium before a ring of light, darkness all round")).scene_prompt)
    assert told["Surface"] == told["Light"] == "A glossy podium before a ring of light"


def test_two_keywords_become_props_and_the_tone_leads_the_mood() -> None:
    told = sections(plan(keywords=["dew", "ferns", "moss"], tone="Playful").scene_prompt)
    assert told["Scene"] == f"{MARBLE.scene}, with a touch of dew and ferns"
    assert told["Mood"] == "playful, morning, natural"


def test_on_a_poster_keywords_are_mood_and_nothing_stands_about() -> None:
    told = sections(plan(POSTER, keywords=["winter", "warm"]).scene_prompt)
    assert (told["Scene"], told["Mood"]) == (POSTER.scene, "winter, warm")


@pytest.mark.parametrize("field", ["headline", "subline", "cta", "badge", "legal", "audience", "product"])
def test_the_product_and_the_ads_own_words_never_get_into_the_scene(field: str) -> None:
    assert plan(**{field: "Zebra"}).scene_prompt == plan().scene_prompt


def test_what_the_brief_wants_kept_out_is_kept_out_and_is_no_prop() -> None:
    told = plan(avoid="flowers, clutter", keywords=["dried flowers", "dew"])
    assert "flowers" not in told.scene_prompt and "dew" in told.scene_prompt
    assert told.negative_prompt.startswith("clutter, harsh colour, flowers, text, letters, ")
    assert told.negative_prompt.count("clutter") == 1


def test_a_template_may_show_what_others_must_not() -> None:
    assert "packaging" in plan().negative_prompt.split(", ")
    assert "packaging" not in plan(replace(MARBLE, scene="A counter with open packaging")).negative_prompt.split(", ")


def test_keywords_are_the_briefs_or_else_the_templates_mood() -> None:
    assert plan(keywords=["dew"]).keywords == ("dew",)
    assert plan().keywords == ("morning", "natural")


def test_the_plan_names_the_instruction_that_it_was_written_by() -> None:
    assert plan().instruction == instruction("image_prompt").hash != plan(POSTER).instruction


def test_the_alt_text_says_product_scene_headline_and_button() -> None:
    told = plan(subline="Rosehip and vitamin C", cta="Try it", badge="New")
    assert told.alt_text == (
        "Radiance serum in this scene: a warm marble counter, leaf shadows on a plaster wall, morning sun from the upper left."
        " Wake up lit. Rosehip and vitamin C. New. [Try it]"
    )


def test_the_alt_text_of_a_poster_is_its_words() -> None:
    assert plan(POSTER, headline="30% off!", product="Winter sale").alt_text == "Winter sale. 30% off!"
    assert plan(POSTER, headline="30% off!", product="").alt_text == "30% off!"


def test_a_product_without_a_name_is_still_a_product() -> None:
    assert plan(product="").alt_text.startswith("The product in this scene: ")


@pytest.mark.parametrize("language", ["de-AT", "fr", "xx"])
def test_the_alt_text_of_an_ad_in_another_language_has_no_english_scene(language: str) -> None:
    told = plan(product="Serum", headline="Strahlend wach", subline="Ganz ruhig!", cta="Jetzt testen", language=language)
    assert told.alt_text == "Serum. Strahlend wach. Ganz ruhig! [Jetzt testen]"


def test_braces_in_a_name_are_only_braces() -> None:
    assert plan(product="{scene} {0}").alt_text.startswith("{scene} {0} in this scene: ")


def test_a_plan_comes_back_from_its_row_as_it_was() -> None:
    told = plan(keywords=["dew"])
    assert PromptPlan.from_data(told.as_data()) == told
